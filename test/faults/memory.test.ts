import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { connect, type Socket } from "node:net"
import { connect as connectTls, type TLSSocket } from "node:tls"
import { gzipSync } from "node:zlib"
import { type Appliance, binary, startAppliance } from "../e2e/appliance"
import type { Person } from "../e2e/person"
import { type MemoryGroup, memoryGroupObstacle, startMemoryGroup } from "../lab/memory-group"
import { loopbackBlock } from "../lab/ports"
import { waitUntil } from "../lab/process"

const obstacle = memoryGroupObstacle()
const spareMiB = 150
const mebibyte = 2 ** 20

describe.skipIf(obstacle !== undefined)(`a memory limit that is reached${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let group: MemoryGroup
  let house: Appliance
  let ada: Person
  let upstream: Bun.Server<undefined>
  let before: string | undefined
  let idleMiB = 0
  const open: (Socket | TLSSocket)[] = []

  beforeAll(async () => {
    group = await startMemoryGroup(await binary())
    before = process.env.FREEHOLD_BINARY
    process.env.FREEHOLD_BINARY = group.wrapper
    const piece = new Uint8Array(mebibyte).fill(0x61)
    upstream = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      maxRequestBodySize: 4096 * mebibyte,
      fetch: async (request) => {
        const { pathname } = new URL(request.url)
        if (pathname === "/large") {
          let left = 256
          return new Response(new ReadableStream({ pull: (to) => (left-- > 0 ? to.enqueue(piece) : to.close()) }))
        }
        let bytes = 0
        for await (const chunk of request.body ?? []) bytes += chunk.length
        return new Response(`${bytes}\n`)
      },
    })
    const block = await loopbackBlock(53, 1)
    house = await startAppliance({ address: block.address(20), settings: { FREEHOLD_EDGE_WORKERS: "1" } })
    ada = await house.login()
    await ada.map("web.home.arpa", await ada.external("app", { "8080": upstream.port ?? 0 }))
    await ada.send("POST", "/storage/namespaces", { name: "photos" })
    await isServed()
    idleMiB = await group.usedMiB()
    // From the start on, as systemd's MemoryMax has it.
    await house.end()
    await group.limit(idleMiB + spareMiB)
    await house.start()
    ada = await house.login()
    await isServed()
  })
  afterAll(async () => {
    for (const socket of open) socket.destroy()
    if (before === undefined) delete process.env.FREEHOLD_BINARY
    else process.env.FREEHOLD_BINARY = before
    await house?.stop()
    await group?.stop()
    await upstream?.stop(true)
  })

  const isServed = async () => {
    expect(await house.curl("https://web.home.arpa/", { args: ["--insecure"] })).toMatchObject({ code: 0, status: 200, text: "0\n" })
  }
  /** It lives, serves, and holds no more than it may. */
  const stands = async (what: string) => {
    await isServed()
    const used = await group.usedMiB()
    console.log(`${what}: ${Math.round(used)} MiB of ${Math.round(idleMiB)} idle and ${spareMiB} more`)
    expect(used).toBeLessThan(idleMiB + spareMiB)
    expect(house.output()).not.toContain("request failed")
  }
  /** Connections that were ended since they held the most. */
  const cutOff = async () =>
    Number(/^freehold_edge_connections_total\{outcome="cut_off"[^}]*\} (\d+)$/m.exec((await ada.ask("GET", "/metrics")).text)?.[1])
  const visitor = async (path: string, more = ""): Promise<TLSSocket> => {
    const socket = connectTls({ host: house.address, port: house.ports.https, servername: "web.home.arpa", rejectUnauthorized: false })
    open.push(socket)
    socket.on("error", () => {})
    await new Promise<void>((resolve, reject) => socket.once("secureConnect", resolve).once("close", () => reject(new Error("closed"))))
    socket.write(`GET ${path} HTTP/1.1\r\nHost: web.home.arpa\r\n${more}\r\n`)
    return socket
  }
  const closeAll = () => {
    for (const socket of open.splice(0)) socket.destroy()
  }

  test("large uploads through the edge and to the storage, eight at once", async () => {
    const size = 48 * mebibyte
    const content = randomBytes(size)
    const through = Array.from({ length: 4 }, () =>
      fetch(`https://${house.address}:${house.ports.https}/up`, {
        method: "POST",
        headers: { host: "web.home.arpa" },
        body: content,
        tls: { rejectUnauthorized: false, serverName: "web.home.arpa" },
      } as RequestInit).then((res) => res.text()),
    )
    const stored = Array.from({ length: 4 }, (_, n) =>
      fetch(`${house.url}/storage/photos/f${n}`, { method: "PUT", headers: { authorization: `Bearer ${ada.token}` }, body: content }).then(
        (res) => res.status,
      ),
    )
    expect(await Promise.all(through)).toEqual(Array(4).fill(`${size}\n`))
    for (const status of await Promise.all(stored)) expect([200, 201]).toContain(status)
    await stands("large uploads")
  }, 120_000)

  // Each would hold about 0.6 MiB, what one read of the application brought on its way to a visitor who does not take it: four times what there is.
  test("a thousand readers who ask for a download of 256 MiB and do not read it", async () => {
    for (let n = 0; n < 50; n++) for (const reader of await Promise.all(Array.from({ length: 20 }, () => visitor("/large")))) reader.pause()
    await waitUntil(async () => (await cutOff()) > 500, { what: "most of them to be ended", limitMs: 30_000 })
    await stands("slow readers")
    closeAll()
  }, 120_000)

  test("thousands of connections that say nothing", async () => {
    const ports = [house.ports.http, house.ports.api, house.ports.https]
    for (let n = 0; n < 3_000; n++) {
      const socket = connect({ host: house.address, port: ports[n % 3] ?? 0 })
      socket.on("error", () => {})
      open.push(socket)
      if (n % 100 === 0) await Bun.sleep(10)
    }
    await waitUntil(() => open.every((socket) => !socket.connecting), { what: "the connections to be made or refused", limitMs: 20_000 })
    await stands("silent connections")
    closeAll()
  }, 60_000)

  test("JSON bodies at and above their limits, deep ones, and what unpacks to a thousand times its size", async () => {
    const post = (body: BodyInit, headers: Record<string, string> = {}) =>
      fetch(`${house.url}/api/domain-mappings`, {
        method: "POST",
        headers: { authorization: `Bearer ${ada.token}`, "content-type": "application/json", ...headers },
        body,
        signal: AbortSignal.timeout(30_000),
      }).then(
        (res) => res.status,
        () => 0,
      )
    const large = `{"container_id":"${"x".repeat(32 * mebibyte)}"}`
    const deep = `${"[".repeat(400_000)}${"]".repeat(400_000)}`
    const bomb = gzipSync(Buffer.alloc(64 * mebibyte, 0x20))
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all([
        ...Array.from({ length: 6 }, () => post(large)),
        ...Array.from({ length: 6 }, () => post(deep)),
        ...Array.from({ length: 6 }, () => post(bomb, { "content-encoding": "gzip" })),
      ])
      for (const status of answers) expect([0, 400, 413, 415, 422, 429]).toContain(status)
    }
    await stands("large bodies")
  }, 90_000)

  test("killed by the kernel for its memory, it finds at the next start all that it had acknowledged", async () => {
    const acknowledged = new Set<string>()
    const pid = house.pid
    const life = { isOver: false }
    let pressed: Promise<void> | undefined
    const ended = waitUntil(() => !isThere(pid), { what: "the kernel to kill it", limitMs: 60_000, everyMs: 50 })
    /** Little more than it holds, and then two hundred who ask for what they do not read. */
    const press = async () => {
      let limit = Math.ceil(await group.usedMiB())
      while ((await group.limit(limit).catch(() => "refused")) === "refused") limit++
      while (isThere(pid)) {
        const reader = await visitor("/large").catch(() => undefined)
        reader?.pause()
      }
    }
    const writing = (async () => {
      for (let n = 0; !life.isOver; n++) {
        const answer = await ada.ask("PUT", `/storage/photos/kept${n}`, `content of ${n}`).catch(() => undefined)
        if (answer && answer.status < 300) acknowledged.add(`kept${n}`)
        const name = await ada.ask("POST", "/storage/namespaces", { name: `space-${n}` }).catch(() => undefined)
        if (name && name.status < 300) acknowledged.add(`space-${n}`)
        if (n === 20) pressed = press()
      }
    })()
    await ended.finally(() => (life.isOver = true))
    await writing
    await pressed
    closeAll()
    expect(acknowledged.size).toBeGreaterThan(20)
    await group.limit(idleMiB + spareMiB)
    await house.start()
    await isServed()
    const names = (await ada.ask("GET", "/storage/namespaces")).text
    for (const one of acknowledged) {
      if (one.startsWith("space")) expect(names).toContain(`"${one}"`)
      else expect((await ada.ask("GET", `/storage/photos/${one}`)).text).toBe(`content of ${one.slice(4)}`)
    }
  }, 120_000)
})

/** False for one that has ended, collected or not. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
