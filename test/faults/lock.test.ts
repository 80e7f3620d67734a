import { Database } from "bun:sqlite"
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { type Appliance, startAppliance } from "../e2e/appliance"
import type { Person } from "../e2e/person"
import { loopbackBlock } from "../lab/ports"

/** How long a write waits, by the documentation. */
const patienceMs = 5_000

describe("a store that another process holds locked", () => {
  let house: Appliance
  let ada: Person
  let container: string
  let upstream: Bun.Server<undefined>
  let store: Database

  beforeAll(async () => {
    upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here I am\n") })
    const block = await loopbackBlock(53, 1)
    house = await startAppliance({ address: block.address(20) })
    ada = await house.login()
    container = await ada.external("app", { "8080": upstream.port ?? 0 })
    await ada.map("web.home.arpa", container)
    await ada.send("POST", "/storage/namespaces", { name: "photos" })
    await visit()
    store = new Database(join(house.dataDir, "freehold.db"))
  })
  afterAll(async () => {
    store?.close()
    await house?.stop()
    await upstream?.stop(true)
  })

  /** One visit over a connection of its own; how long it took. */
  const visit = async () => {
    const from = performance.now()
    const res = await fetch(`https://${house.address}:${house.ports.https}/`, {
      headers: { host: "web.home.arpa", connection: "close" },
      tls: { rejectUnauthorized: false, serverName: "web.home.arpa" },
      signal: AbortSignal.timeout(20_000),
      keepalive: false,
    } as RequestInit)
    expect([res.status, await res.text()]).toEqual([200, "here I am\n"])
    return performance.now() - from
  }
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Infinity
  /** Visits one after the other until the work is done. */
  const visitDuring = async <T>(work: Promise<T>): Promise<{ came: T; medianMs: number; longestMs: number }> => {
    const state = { isDone: false }
    const ended = work.finally(() => (state.isDone = true))
    ended.catch(() => {})
    const times: number[] = []
    while (!state.isDone) {
      times.push(await visit())
      await Bun.sleep(10)
    }
    return { came: await ended, medianMs: median(times), longestMs: Math.max(...times) }
  }
  const lockedFor = async <T>(ms: number, work: () => Promise<T>): Promise<T> => {
    store.run("BEGIN IMMEDIATE")
    const release = setTimeout(() => store.run("COMMIT"), ms)
    try {
      return await work()
    } finally {
      clearTimeout(release)
      if (store.inTransaction) store.run("COMMIT")
    }
  }
  const timed = async <T>(work: Promise<T>) => {
    const from = performance.now()
    return { answer: await work, ms: performance.now() - from }
  }
  const writes = (n: number) => [
    timed(ada.ask("POST", "/api/domain-mappings", { container_id: container, domain: `m${n}.home.arpa`, target_port: 8080 })),
    timed(ada.ask("POST", "/api/tokens", { name: `t${n}`, scopes: { [`networking.${ada.id}.domain-mappings`]: ["read"] } })),
    timed(ada.ask("POST", "/storage/namespaces", { name: `space${n}` })),
    timed(ada.ask("PUT", `/storage/photos/f${n}`, "content")),
  ]
  const shown = async () => ({
    mappings: (await ada.ask("GET", "/api/domain-mappings")).text,
    tokens: (await ada.ask("GET", "/api/tokens")).text,
    spaces: (await ada.ask("GET", "/storage/namespaces")).text,
    files: (await ada.ask("GET", "/storage/photos?list")).text,
  })

  test("for three seconds: writes wait and succeed, and visitors notice nothing", async () => {
    const quiet: number[] = []
    for (let n = 0; n < 30; n++) quiet.push(await visit())
    const { came, medianMs } = await visitDuring(lockedFor(3_000, () => Promise.all(writes(1))))
    for (const { answer, ms } of came) {
      expect([200, 201]).toContain(answer.status)
      expect(ms).toBeGreaterThan(2_500)
    }
    expect(medianMs).toBeLessThan(median(quiet) + 100)
    expect((await shown()).mappings).toContain("m1.home.arpa")
  }, 30_000)

  test("for longer than its patience: each write answers 503 with Retry-After in its time, and nothing has changed", async () => {
    const before = await shown()
    const { came, medianMs, longestMs } = await visitDuring(lockedFor(patienceMs * 3, () => Promise.all([...writes(2), ...writes(3)])))
    for (const { answer, ms } of came) {
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"])
      expect(answer.text).toContain("another process holds the store locked; nothing was changed")
      // However many wait: what one of them waited, the others need not wait again.
      expect(ms).toBeLessThan(patienceMs + 3_000)
    }
    expect(Math.min(...came.map(({ ms }) => ms))).toBeGreaterThan(patienceMs - 500)
    expect([medianMs < 100, longestMs < 1_500]).toEqual([true, true])
    expect(await shown()).toEqual(before)
    for (const { answer } of await Promise.all(writes(2))) expect([200, 201]).toContain(answer.status)
    expect(house.output()).not.toContain("request failed")
  }, 60_000)

  test("killed while it is locked, it starts when the lock is gone, with all there", async () => {
    const before = await shown()
    await house.kill()
    await lockedFor(1_500, () => house.start())
    expect(await shown()).toEqual(before)
    await visit()
  }, 30_000)
})
