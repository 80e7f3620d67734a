import { describe, expect, test } from "bun:test"
import { startApi } from "../../test/api"
import { Authenticator } from "../accounts/authenticator"
import { AccountStore } from "../accounts/store"
import { holdersOf } from "../db/held-names"
import { TrafficCounters } from "../edge/traffic-counters"
import { Guards } from "../http/guards"
import { httpRoot } from "../http/root"
import { HOUR_MS, MINUTE_MS, type TrafficReply } from "./model"
import { mappingTrafficRoutes, type Traffic } from "./routes"
import { type TrafficNeeds, TrafficService } from "./service"
import { TrafficStore } from "./store"

const start = Date.UTC(2026, 10, 21, 12)
const signal = new AbortController().signal

/** Traffic of a store in memory. `ada` and `eve` have a container each; time is the test's to say. */
async function setup() {
  const api = await startApi()
  api.clock.ms = start
  const { clock, db } = api
  const now = () => clock.ms
  const [ada, eve] = [await api.person("ada"), await api.person("eve")]
  await api.container(ada.id, "aaaaaaaa")
  await api.container(eve.id, "eeeeeeee")
  const counters = new TrafficCounters({}, now)
  const store = new TrafficStore(db)
  const holders = (hostnames: string[]) => holdersOf(db, hostnames)
  const serve = (change: Partial<TrafficNeeds> = {}) =>
    new TrafficService({ store, source: counters, holders, log: api.log, now, ...change })
  const service = serve()
  const guards = new Guards(
    new Authenticator(new AccountStore(db), api.signer, now),
    () => false,
    () => false,
  )
  const traffic: Traffic = { read: (...asked) => service.read(...asked), day: async () => ({ from: "", to: "", holders: [] }) }
  const find = async ({ personId }: { personId: string }, id: string) => {
    const row = await api.mappingStore.find(id, personId)
    return row && { hostname: row.domain }
  }
  const root = httpRoot({
    routes: [mappingTrafficRoutes(traffic, guards.networking, find, async () => [])],
    isAllowedOrigin: () => false,
    log: api.log,
  })
  const send = (method: string, path: string, token?: string) =>
    root.handle(
      new Request(`http://127.0.0.1${path}`, { method, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } }),
    )
  const map = async (who: { id: string }, domain: string, status = "verified") => {
    const id = `dom_${domain}_${who === ada ? "ada" : "eve"}`
    await db
      .insertInto("domainMappings")
      .values({
        id,
        personId: who.id,
        domain,
        containerId: who === ada ? "aaaaaaaa" : "eeeeeeee",
        targetPort: 8080,
        status: status as "verified",
        verifyToken: "",
        proof: null,
        windowStartedAt: 0,
        nextCheckAt: 0,
        checks: 0,
        lastDetail: null,
        createdAt: 0,
        verifiedAt: status === "verified" ? now() : null,
      } as never)
      .execute()
    return id
  }
  const unmap = (id: string) => db.deleteFrom("domainMappings").where("id", "=", id).execute()
  const read = async (who: { token: string }, id: string, query = "") => {
    const res = await send("GET", `/api/domain-mappings/${id}/traffic${query}`, who.token)
    if (res.status !== 200) throw new Error(`${res.status} ${await res.text()}`)
    return (await res.json()) as TrafficReply
  }
  /** Goes on to the next minute, which ends the one before. */
  const nextMinute = async (minutes = 1) => {
    clock.ms = Math.floor(clock.ms / MINUTE_MS) * MINUTE_MS + minutes * MINUTE_MS
    await service.turn(signal)
  }
  const count = (domain: string, times: number[], status = 200) => {
    for (const ms of times) counters.note(domain, status, 10, 100, ms)
  }
  return { ...api, ada, eve, counters, store, holders, serve, service, send, map, unmap, read, nextMinute, count }
}

const times = (reply: TrafficReply) => reply.rows.map((row) => [row.time, row.requests, row.partial])

describe("a read", () => {
  test("has a row for each minute with requests, the current one as the last and partial", async () => {
    const t = await setup()
    const id = await t.map(t.ada, "a.test")
    t.count("a.test", [10, 20, 30], 200)
    t.count("a.test", [1000], 502)
    await t.nextMinute()
    await t.nextMinute()
    t.count("a.test", [5])
    const reply = await t.read(t.ada, id)
    expect(reply as unknown).toEqual({
      domain: "a.test",
      step: "minute",
      from: "2026-11-21T11:03:00.000Z",
      to: "2026-11-21T12:03:00.000Z",
      rows: [
        {
          time: "2026-11-21T12:00:00.000Z",
          requests: 4,
          statuses: { "1xx": 0, "2xx": 3, "3xx": 0, "4xx": 0, "5xx": 1 },
          bytes_in: 40,
          bytes_out: 400,
          p50_ms: 19.261,
          p95_ms: 972.78,
          p99_ms: 972.78,
        },
        {
          time: "2026-11-21T12:02:00.000Z",
          requests: 1,
          statuses: { "1xx": 0, "2xx": 1, "3xx": 0, "4xx": 0, "5xx": 0 },
          bytes_in: 10,
          bytes_out: 100,
          p50_ms: 4.94,
          p95_ms: 4.94,
          p99_ms: 4.94,
          partial: true,
        },
      ],
    })
  })

  test("merges minutes and what is already rolled up into hours, with percentiles of the whole and not of their means", async () => {
    const t = await setup()
    const id = await t.map(t.ada, "a.test")
    t.count(
      "a.test",
      Array.from({ length: 98 }, () => 1),
    )
    await t.nextMinute()
    await t.store.rollUp(start + MINUTE_MS, 10)
    t.count("a.test", [500, 500])
    await t.nextMinute()
    t.count(
      "a.test",
      Array.from({ length: 100 }, () => 1),
    )
    const { rows } = await t.read(t.ada, id, "?step=hour")
    expect(rows).toMatchObject([{ time: "2026-11-21T12:00:00.000Z", requests: 200, partial: true, bytes_out: 20_000 }])
    expect([rows[0]?.p50_ms, rows[0]?.p99_ms].map(Math.round as never)).toEqual([1, 1])
    t.count("a.test", [500])
    const [more] = (await t.read(t.ada, id, "?step=hour")).rows
    expect(Math.abs((more?.p99_ms ?? 0) / 500 - 1)).toBeLessThan(0.05)
  })

  test("takes times as ISO 8601 or milliseconds, from the step of `from` to before `to`", async () => {
    const t = await setup()
    const id = await t.map(t.ada, "a.test")
    for (let i = 0; i < 4; i++) {
      t.count("a.test", [1])
      await t.nextMinute()
    }
    t.count("a.test", [1])
    const [from, to] = [new Date(start + MINUTE_MS + 5000).toISOString(), start + 3 * MINUTE_MS]
    expect(times(await t.read(t.ada, id, `?from=${from}&to=${to}`))).toEqual([
      ["2026-11-21T12:01:00.000Z", 1, undefined],
      ["2026-11-21T12:02:00.000Z", 1, undefined],
    ])
    const zoned = encodeURIComponent("2026-11-21T13:03:00+01:00")
    expect(times(await t.read(t.ada, id, `?from=${zoned}`))).toEqual([
      ["2026-11-21T12:03:00.000Z", 1, undefined],
      ["2026-11-21T12:04:00.000Z", 1, true],
    ])
  })

  test("waits for a minute that is being written", async () => {
    const t = await setup()
    const id = await t.map(t.ada, "a.test")
    const gate = Promise.withResolvers<void>()
    const service = t.serve({ holders: (hostnames) => gate.promise.then(() => t.holders(hostnames)) })
    t.count("a.test", [1, 2])
    t.clock.ms += MINUTE_MS
    const turn = service.turn(signal)
    const read = service.read({ id, hostname: "a.test" }, new URLSearchParams())
    gate.resolve()
    expect(times(await read)).toEqual([["2026-11-21T12:00:00.000Z", 2, undefined]])
    await turn
  })

  test("looks again when the minute ends between its look into the store and that into memory", async () => {
    const t = await setup()
    const id = await t.map(t.ada, "a.test")
    let looks = 0
    const store = new (class extends TrafficStore {
      override async read(...asked: Parameters<TrafficStore["read"]>) {
        const rows = await super.read(...asked)
        if (looks++ === 0) await service.turn(signal)
        return rows
      }
    })(t.db)
    const service = t.serve({ store })
    t.count("a.test", [1, 2])
    t.clock.ms += MINUTE_MS
    const reply = await service.read({ id, hostname: "a.test" }, new URLSearchParams())
    expect([looks, times(reply)]).toEqual([2, [["2026-11-21T12:00:00.000Z", 2, undefined]]])
  })

  test("is for the owner, with the scope of the mapping", async () => {
    const t = await setup()
    const id = await t.map(t.ada, "a.test")
    const path = `/api/domain-mappings/${id}/traffic`
    const answer = async (method: string, at: string, token?: string) => {
      const res = await t.send(method, at, token)
      return [res.status, (await res.text()).trim(), res.headers.get("content-type")]
    }
    const plain = "text/plain; charset=utf-8"
    expect(await answer("GET", path)).toEqual([401, "unauthorized", plain])
    expect(await answer("GET", path, t.eve.token)).toEqual([404, "not found", plain])
    expect(await answer("GET", "/api/domain-mappings/nope/traffic", t.ada.token)).toEqual([404, "not found", plain])
    expect(await answer("GET", `${path}/`, t.ada.token)).toEqual([404, "not found", plain])
    expect(await answer("POST", path, t.ada.token)).toEqual([405, "method not allowed", plain])
    const scope = `networking.${t.ada.id}.domain-mappings.${id}`
    const may = await t.serviceToken(t.ada, { [scope]: ["read"] })
    const mayNot = await t.serviceToken(t.ada, { [`networking.${t.ada.id}.domains`]: ["read"] })
    expect((await t.send("GET", path, may.token)).status).toBe(200)
    expect(await answer("GET", path, mayNot.token)).toEqual([403, `forbidden: missing ${scope} scope`, plain])
  })

  test("refuses a query that it does not understand", async () => {
    const t = await setup()
    const id = await t.map(t.ada, "a.test")
    const res = await t.send("GET", `/api/domain-mappings/${id}/traffic?step=day`, t.ada.token)
    expect([res.status, await res.text()]).toEqual([400, "step must be minute or hour\n"])
  })

  test("of a name that is not verified yet has no rows", async () => {
    const t = await setup()
    const id = await t.map(t.ada, "a.test", "pending")
    expect((await t.read(t.ada, id)).rows).toEqual([])
  })
})

describe("a name that changes hands", () => {
  test("shows its new holder nothing from before, not even of the same minute", async () => {
    const t = await setup()
    const adas = await t.map(t.ada, "a.test")
    t.count("a.test", [1])
    await t.nextMinute()
    t.count("a.test", [1, 1])
    t.clock.ms += 10
    await t.unmap(adas)
    const eves = await t.map(t.eve, "a.test")
    t.count("a.test", [1])
    expect((await t.read(t.eve, eves)).rows).toEqual([])
    await t.nextMinute()
    t.count("a.test", [1, 1, 1])
    await t.nextMinute()
    expect(times(await t.read(t.eve, eves))).toEqual([["2026-11-21T12:02:00.000Z", 3, undefined]])
    // The old rows are there until they are old.
    expect(await t.store.read("minute", adas, start, start + HOUR_MS)).toHaveLength(1)
  })

  test("has its first minute counted when nobody had it before", async () => {
    const t = await setup()
    t.clock.ms += 20_000
    const id = await t.map(t.ada, "a.test")
    t.count("a.test", [1])
    expect(times(await t.read(t.ada, id))).toEqual([["2026-11-21T12:00:00.000Z", 1, true]])
    await t.nextMinute()
    expect(times(await t.read(t.ada, id))).toEqual([["2026-11-21T12:00:00.000Z", 1, undefined]])
  })
})

describe("the store", () => {
  test("keeps minutes for two days and hours for ninety", async () => {
    const t = await setup()
    const id = await t.map(t.ada, "a.test")
    for (let i = 0; i < 3; i++) {
      t.count("a.test", [i + 1])
      await t.nextMinute()
    }
    const all = [start, start + HOUR_MS] as const
    t.clock.ms = start + 48 * HOUR_MS + MINUTE_MS
    await t.service.turn(signal)
    expect((await t.store.read("minute", id, ...all)).map((row) => row.start)).toEqual([start + MINUTE_MS, start + 2 * MINUTE_MS])
    expect(await t.store.read("hour", id, ...all)).toMatchObject([{ start, requests: 1 }])
    await t.nextMinute(2)
    expect(await t.store.read("minute", id, ...all)).toEqual([])
    expect(await t.store.read("hour", id, ...all)).toMatchObject([{ start, requests: 3, status2xx: 3, bytesIn: 30, bytesOut: 300 }])
    t.clock.ms = start + 90 * 24 * HOUR_MS
    await t.service.turn(signal)
    expect(await t.store.read("hour", id, ...all)).toHaveLength(1)
    await t.nextMinute()
    expect([await t.store.read("hour", id, ...all), await t.store.size("hour")]).toEqual([[], 0])
  })

  test("past its bound on rows gives up the oldest before their time", async () => {
    const t = await setup()
    await Promise.all(["a.test", "b.test"].map((domain) => t.map(t.ada, domain)))
    const small = t.serve({ maxRows: 20 })
    const sizes: number[][] = []
    for (let i = 0; i < 30; i++) {
      t.clock.ms = start + i * HOUR_MS
      await small.turn(signal)
      t.count("a.test", [1])
      t.count("b.test", [1])
      t.clock.ms += MINUTE_MS
      await small.turn(signal)
      sizes.push([await t.store.size("minute"), await t.store.size("hour")])
    }
    expect(sizes.map(([minutes]) => minutes)).toContain(20)
    expect(Math.max(...sizes.flat())).toBe(20)
  })

  test("takes many names in batches, and leaves out those that nobody has mapped", async () => {
    const t = await setup()
    const ids = await Promise.all(Array.from({ length: 450 }, (_, i) => t.map(i % 2 ? t.ada : t.eve, `n${i}.test`)))
    for (let i = 0; i < 450; i++) t.count(`n${i}.test`, [i + 1])
    t.count("unknown.test", [1])
    await t.nextMinute()
    expect(await t.store.size("minute")).toBe(450)
    for (const i of [0, 199, 200, 449]) expect(times(await t.read(i % 2 ? t.ada : t.eve, ids[i]!))).toHaveLength(1)
    t.clock.ms += 49 * HOUR_MS
    await t.service.turn(signal)
    expect([await t.store.size("minute"), await t.store.size("hour")]).toEqual([0, 450])
  })

  test("adds up what is written twice for one minute, as after a restart in it", async () => {
    const t = await setup()
    const id = await t.map(t.ada, "a.test")
    t.count("a.test", [1, 2])
    await t.service.stop()
    const counters = new TrafficCounters({}, () => t.clock.ms)
    const again = t.serve({ source: counters })
    counters.note("a.test", 500, 1, 1, 900)
    await again.stop()
    const { rows } = await t.read(t.ada, id)
    expect(rows).toMatchObject([{ requests: 3, statuses: { "2xx": 2, "5xx": 1 }, bytes_in: 21, bytes_out: 201 }])
    expect(Math.abs((rows[0]?.p99_ms ?? 0) / 900 - 1)).toBeLessThan(0.05)
  })
})

test("names beyond the bound are told in the log", async () => {
  const t = await setup()
  const counters = new TrafficCounters({ maxHosts: 1 }, () => t.clock.ms)
  const service = t.serve({ source: counters })
  counters.note("a.test", 200, 0, 0, 1)
  counters.note("b.test", 200, 0, 0, 1)
  await service.stop()
  expect(t.logged.map((line) => JSON.parse(line) as object)).toContainEqual(expect.objectContaining({ level: "warn", requests: 1 }))
})

test("the worker writes when the minute is over, and leaves nothing running when it stops", async () => {
  const t = await setup()
  const id = await t.map(t.ada, "a.test")
  t.clock.ms = start + MINUTE_MS - 1
  t.service.start()
  t.count("a.test", [1])
  t.clock.ms += 2
  const limit = performance.now() + 5000
  while ((await t.store.size("minute")) === 0) {
    if (performance.now() > limit) throw new Error("nothing was written")
    await Bun.sleep(2)
  }
  await t.service.stop()
  expect(times(await t.read(t.ada, id))).toEqual([["2026-11-21T12:00:00.000Z", 1, undefined]])
})
