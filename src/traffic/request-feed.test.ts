import { afterEach, expect, test } from "bun:test"
import type { HeldName } from "../db/held-names"
import { AppError } from "../errors"
import { silentLog } from "../log"
import { type FeedLimits, RequestFeed } from "./request-feed"
import { connectionRequestRoutes, mappingRequestRoutes } from "./request-routes"
import type { RequestBatch, WatchedRequest } from "./requests"

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const noon = Date.UTC(2026, 10, 21, 12)
const request = (path: string, more: Partial<WatchedRequest> = {}): WatchedRequest => ({
  endedAt: noon,
  durationMs: 1.234,
  host: "app.test",
  method: "GET",
  path,
  protocol: "HTTP/2",
  tls: "TLSv1.3",
  status: 200,
  bytesIn: 0,
  bytesOut: 5,
  client: "192.0.2.7",
  requestId: "the-id",
  ...more,
})
const batch = (requests: WatchedRequest[], leftOut = 0, hostname = "app.test"): RequestBatch => ({ hostname, requests, leftOut })

/** `m1` of Ann holds `app.test` since nine; `c1` is Bob's. */
function setup(limits: Partial<FeedLimits> = {}) {
  const wanted: string[][] = []
  const clock = { ms: noon }
  const held: HeldName[] = [
    { hostname: "app.test", id: "m1", since: noon - 3 * 3_600_000 },
    { hostname: "shop.test", id: "c1", since: 0 },
  ]
  const feed = new RequestFeed({
    watch: async (hostnames) => void wanted.push(hostnames),
    holders: async (hostnames) => held.filter(({ hostname }) => hostnames.includes(hostname)),
    log: silentLog,
    now: () => clock.ms,
    limits,
  })
  undo.push(() => feed.stop())
  const own: Record<string, string> = { m1: "ann", m2: "bob", c1: "bob" }
  const guard = async (request: Request) => {
    const personId = request.headers.get("x-person")
    if (personId === null) throw new AppError("unauthorized", "unauthorized")
    return { personId }
  }
  const find = async ({ personId }: { personId: string }, id: string) => (own[id] === personId ? { hostname: "app.test" } : undefined)
  const mappings = mappingRequestRoutes(feed, guard, find)
  const connections = connectionRequestRoutes(feed, guard, async ({ personId }, id) => {
    if (own[id] !== personId) throw new AppError("not_found", "connection not found")
    return { id, hostname: "shop.test" }
  })
  const server = Bun.serve({
    port: 0,
    idleTimeout: 0,
    fetch: (request) => (new URL(request.url).pathname.startsWith("/v1") ? connections : mappings).handle(request),
  })
  undo.push(() => server.stop(true))
  const ask = (path: string, person?: string, init: RequestInit = {}) =>
    fetch(new URL(path, server.url), { ...init, headers: person === undefined ? {} : { "x-person": person } })
  return { feed, wanted, clock, held, own, ask }
}

type Event = { event: string; data: { requests?: { path: string }[]; left_out?: number; hostname?: string } }

/** A watch that is ready, and its events one by one; undefined at the end. */
async function listen(ask: ReturnType<typeof setup>["ask"], path: string, person: string) {
  const end = new AbortController()
  const res = await ask(path, person, { signal: end.signal })
  const reader = res.body!.pipeThrough(new TextDecoderStream() as never as TransformStream<Uint8Array, string>).getReader()
  let text = ""
  const next = async (): Promise<Event | undefined> => {
    for (;;) {
      const at = text.indexOf("\n\n")
      if (at >= 0) {
        const lines = text.slice(0, at).split("\n")
        text = text.slice(at + 2)
        const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
        const [event, data] = [field("event"), field("data")]
        if (event !== undefined) return { event, data: JSON.parse(data ?? "") as Event["data"] }
        continue
      }
      const { value, done } = await reader.read()
      if (done) return undefined
      text += value
    }
  }
  const first = await next()
  return { res, first, next, stop: () => end.abort() }
}

test("a watch is ready when the edge tells, is told each request, and switches the edge off when it is the last", async () => {
  const { feed, wanted, ask } = setup()
  const ann = await listen(ask, "/api/domain-mappings/m1/requests", "ann")
  expect(ann.res.headers.get("content-type")).toBe("text/event-stream")
  expect(ann.first).toEqual({ event: "ready", data: { hostname: "app.test" } })
  expect(wanted).toEqual([["app.test"]])
  feed.take([batch([request("/a"), request("/b", { status: 502, tls: "", failure: "It did not answer." })], 3)])
  expect(await ann.next()).toEqual({
    event: "requests",
    data: {
      requests: [
        {
          time: "2026-11-21T12:00:00.000Z",
          duration_ms: 1.23,
          host: "app.test",
          method: "GET",
          path: "/a",
          protocol: "HTTP/2",
          tls: "TLSv1.3",
          status: 200,
          bytes_in: 0,
          bytes_out: 5,
          client: "192.0.2.7",
          request_id: "the-id",
          failure: null,
        },
        expect.objectContaining({ path: "/b", status: 502, tls: null, failure: "It did not answer." }),
      ],
      left_out: 3,
    } as never,
  })
  const second = await listen(ask, "/api/domain-mappings/m1/requests", "ann")
  ann.stop()
  while (feed.size > 1) await Bun.sleep(2)
  expect(wanted.at(-1)).toEqual(["app.test"])
  second.stop()
  while (feed.size > 0) await Bun.sleep(2)
  expect(wanted.at(-1)).toEqual([])
})

test("only whoever may read the thing watches it, and nothing is opened for others", async () => {
  const { feed, ask } = setup()
  const answer = async (path: string, person?: string, method = "GET") => (await ask(path, person, { method })).status
  expect(await answer("/api/domain-mappings/m1/requests", "bob")).toBe(500)
  expect(await answer("/v1/connections/c1/requests", "ann")).toBe(500)
  expect(await answer("/api/domain-mappings/m1/requests")).toBe(500)
  expect(await answer("/api/domain-mappings/m1/requests", "ann", "HEAD")).toBe(200)
  expect(feed.size).toBe(0)
})

test("a name that somebody else holds is not told of, whoever claims it too, nor what was asked before it changed hands", async () => {
  const { feed, held, ask } = setup()
  const ann = await listen(ask, "/api/domain-mappings/m1/requests", "ann")
  // Bob claims the same name and has not proved it.
  const bob = await listen(ask, "/api/domain-mappings/m2/requests", "bob")
  feed.take([batch([request("/anns")])])
  expect((await ann.next())?.data.requests).toMatchObject([{ path: "/anns" }])
  held[0] = { hostname: "app.test", id: "m2", since: noon + 500 }
  feed.take([batch([request("/still-anns", { endedAt: noon + 500.5 })])])
  feed.take([batch([request("/bobs", { endedAt: noon + 600 })])])
  expect((await bob.next())?.data.requests).toMatchObject([{ path: "/bobs" }])
  held[0] = { hostname: "app.test", id: "m1", since: noon + 700 }
  feed.take([batch([request("/anns-again", { endedAt: noon + 800 })])])
  expect((await ann.next())?.data.requests).toMatchObject([{ path: "/anns-again" }])
})

test("a connection is watched in the same way", async () => {
  const { feed, ask } = setup()
  const bob = await listen(ask, "/v1/connections/c1/requests", "bob")
  feed.take([batch([request("/anns")]), batch([request("/shop")], 0, "shop.test")])
  expect((await bob.next())?.data.requests).toMatchObject([{ path: "/shop" }])
})

test("more requests than may be told in a second are counted, and the next second has room again", async () => {
  const { feed, clock, ask } = setup({ perSecond: 3 })
  const ann = await listen(ask, "/api/domain-mappings/m1/requests", "ann")
  const many = (count: number) => Array.from({ length: count }, () => request("/"))
  const told = async () => {
    const { requests, left_out } = (await ann.next())!.data
    return [requests?.length, left_out]
  }
  feed.take([batch(many(2))])
  expect(await told()).toEqual([2, 0])
  feed.take([batch(many(5), 10)])
  expect(await told()).toEqual([1, 14])
  feed.take([batch(many(1))])
  expect(await told()).toEqual([0, 1])
  clock.ms += 1000
  feed.take([batch(many(1))])
  expect(await told()).toEqual([1, 0])
})

test("watches are bounded, of one person and of all, and in time", async () => {
  const { feed, ask } = setup({ ofPerson: 2, ofAll: 3, watchMs: 400 })
  const path = "/api/domain-mappings/m1/requests"
  const [first] = [await listen(ask, path, "ann"), await listen(ask, path, "ann")]
  expect(() => feed.mayWatch("ann")).toThrow("no more than 2 hostnames are watched by one person at a time")
  await listen(ask, "/v1/connections/c1/requests", "bob")
  expect(() => feed.mayWatch("cid")).toThrow("no more than 3 hostnames are watched at a time")
  expect(await first?.next()).toEqual({ event: "end", data: {} })
  expect(await first?.next()).toBeUndefined()
  while (feed.size > 0) await Bun.sleep(5)
})

test("what the store cannot say is told to nobody, and the next is told again", async () => {
  const { feed, held, ask } = setup()
  const ann = await listen(ask, "/api/domain-mappings/m1/requests", "ann")
  const [mine] = held.splice(0, 1)
  feed.take([batch([request("/lost")])])
  await Bun.sleep(5)
  held.push(mine!)
  feed.take([batch([request("/b")])])
  expect((await ann.next())?.data.requests).toMatchObject([{ path: "/b" }])
})
