import { afterEach, expect, test } from "bun:test"
import { createServer } from "node:http"
import type { RequestBatch, WatchedRequest } from "../traffic/requests"
import { Stage, until } from "./edge.fixture"
import { RequestTap } from "./request-tap"

const stage = new Stage()
afterEach(() => stage.end())

const get = "GET /a?token=s3cret HTTP/1.1\r\nHost: app.test\r\n\r\n"
const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
const request = { path: "/" } as WatchedRequest

test("while nobody watches there is nothing to look at but an undefined field", async () => {
  const edge = await stage.edgeTo((await stage.answering(hello)).upstream)
  expect(edge.tap.watched).toBeUndefined()
  const client = await edge.client()
  await client.send(get).has("hello")
  edge.tap.watch(["app.test"])
  client.take()
  await client.send(get).has("hello")
  await until(() => edge.told.length > 0)
  edge.tap.watch([])
  expect(edge.tap.watched).toBeUndefined()
  client.take()
  await client.send(get).has("hello")
  await until(() => edge.access.length === 3)
  expect(edge.told).toHaveLength(1)
})

test("an entry says what was asked and answered, without the values of a query, and that of another name is not taken", async () => {
  const edge = await stage.edgeTo((await stage.answering(hello)).upstream)
  edge.tap.watch(["app.test"])
  const { target } = edge.routes.match("app.test")!
  await edge.routes.replace(["app.test", "other.test"].map((host) => ({ host, target })))
  await (await edge.client("other.test")).send(get.replace("app.test", "other.test")).has("hello")
  await (await edge.client()).send(get).has("hello")
  await until(() => edge.told.length > 0 && edge.access.length === 2)
  expect(edge.told).toEqual([
    {
      endedAt: expect.any(Number),
      durationMs: expect.any(Number),
      host: "app.test",
      method: "GET",
      path: "/a?token=…",
      protocol: "HTTP/1.1",
      tls: "TLSv1.3",
      status: 200,
      bytesIn: 0,
      bytesOut: 5,
      client: "127.0.0.1",
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    },
  ])
  expect(edge.access.at(-1)?.requestId).toBe(edge.told[0]!.requestId)
})

test("what goes wrong is said in words", async () => {
  const raw = await stage.raw()
  const edge = await stage.edgeTo(raw.upstream)
  edge.tap.watch(["app.test"])
  const next = async (count: number) => {
    await until(() => edge.told.length === count, `entry ${count}`)
    return [edge.told[count - 1]!.status, edge.told[count - 1]!.failure] as const
  }
  const cut = await edge.client()
  cut.send(get)
  await until(() => raw.peers.length === 1)
  await raw.peers[0]!.has("GET /a")
  raw.peers[0]!.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello")
  await cut.has("hello")
  raw.peers[0]!.socket.destroy()
  expect(await next(1)).toEqual([200, "The application broke off its answer."])

  const impatient = await edge.client()
  impatient.send("POST /a HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10\r\n\r\nabc")
  await until(() => raw.peers.length === 2)
  await raw.peers[1]!.has("abc")
  impatient.socket.destroy()
  expect(await next(2)).toEqual([499, "The client left, or took nothing more, before the answer was complete."])

  await edge.routes.replace([{ host: "app.test", target: { kind: "upstream", upstream: { host: "127.0.0.1", port: 9 } } }])
  await (await edge.client()).send(get).has("502")
  expect(await next(3)).toEqual([502, "The application of this hostname did not accept the connection."])

  await edge.routes.replace([{ host: "app.test", target: { kind: "stopped", reason: "set its origin_url" } }])
  await (await edge.client()).send(get).has("503")
  expect(await next(4)).toEqual([503, "The application of this hostname is stopped. Reason: set its origin_url."])
})

test("HTTP/2 and names of a wildcard are told of too, with the name that was asked for", async () => {
  const upstream = await stage.node(createServer((_, res) => res.end("hello")))
  const edge = await stage.edgeTo(upstream)
  await edge.routes.replace([{ host: "*.test", target: { kind: "upstream", upstream } }])
  edge.tap.watch(["*.test"])
  const session = (await import("node:http2")).connect(`https://127.0.0.1:${edge.port}`, {
    servername: "app.test",
    ca: edge.certificate,
  } as never)
  stage.after(() => session.destroy())
  const stream = session.request({ ":path": "/b?x=1", ":authority": "app.test" })
  stream.resume().end()
  await until(() => edge.told.length === 1)
  expect(edge.told[0]).toMatchObject({ host: "app.test", path: "/b?x=…", protocol: "HTTP/2", status: 200, bytesOut: 5 })
  await edge.routes.replace([{ host: "*.test", target: { kind: "upstream", upstream: { host: "127.0.0.1", port: 9 } } }])
  session.request({ ":path": "/c", ":authority": "app.test" }).resume().end()
  await until(() => edge.told.length === 2)
  expect(edge.told[1]).toMatchObject({
    path: "/c",
    status: 502,
    failure: "The application of this hostname did not accept the connection.",
  })
})

test("a flood is bounded: what does not fit into a batch is counted, and not even described", async () => {
  const sunk: RequestBatch[] = []
  const tap = new RequestTap((batches) => sunk.push(...batches), { batchMs: 5, batchSize: 3 })
  tap.watch(["a", "b"])
  let described = 0
  const describe = () => {
    described++
    return request
  }
  for (let i = 0; i < 10; i++) tap.note("a", describe)
  tap.note("b", describe)
  await until(() => sunk.length > 0)
  expect(sunk.map(({ hostname, requests, leftOut }) => [hostname, requests.length, leftOut])).toEqual([
    ["a", 3, 7],
    ["b", 1, 0],
  ])
  expect(described).toBe(4)
  tap.note("a", describe)
  tap.watch(["b"])
  await Bun.sleep(20)
  expect(sunk).toHaveLength(2)
})
