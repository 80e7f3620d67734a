import { afterEach, expect, test } from "bun:test"
import { type EdgeFixture, Stage, until } from "./edge.fixture"
import { h2cServer } from "./h2c.fixture"
import { FrameClient } from "./http2-client.fixture"
import { ErrorCode } from "./http2/error-codes"
import { FrameType } from "./http2/frame"
import type { Upstream } from "./route-table"

const stage = new Stage()
afterEach(() => stage.end())

const ENABLE_CONNECT_PROTOCOL = 8
const connect = { ":method": "CONNECT", ":protocol": "websocket", "sec-websocket-version": "13", origin: "https://app.test" }

/** A frame of RFC 6455 from a client, masked with nothing. */
const message = (opcode: number, text: string) => {
  const body = Buffer.from(text, "latin1")
  const length = body.length < 126 ? [0x80 | body.length] : [0x80 | 126, body.length >> 8, body.length & 255]
  return Buffer.concat([Buffer.from([0x80 | opcode, ...length, 0, 0, 0, 0]), body])
}
const TEXT = 1
const CLOSE = 8

/** A real WebSocket server that echoes in capitals. */
function echo(): { upstream: Upstream; seen: Headers[]; closes: number[] } {
  const seen: Headers[] = []
  const closes: number[] = []
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(req, self) {
      seen.push(req.headers)
      if (new URL(req.url).pathname === "/refused") return new Response("not for you", { status: 403 })
      if (new URL(req.url).pathname === "/ignored") return new Response("a page")
      return self.upgrade(req, { headers: { "sec-websocket-protocol": "chat" } }) ? undefined : new Response("no", { status: 400 })
    },
    websocket: {
      message: (ws, text) => void (text === "close" ? ws.close(4001, "bye") : ws.send(String(text).toUpperCase())),
      close: (_, code) => void closes.push(code),
    },
  })
  stage.after(() => server.stop(true))
  return { upstream: { host: "127.0.0.1", port: server.port! }, seen, closes }
}

const open = async (fixture: EdgeFixture, path: string, fields: Record<string, string> = {}) => {
  const client = await FrameClient.connect(fixture)
  client.send(client.head(1, { ...connect, ":path": path, ...fields }, false))
  await until(() => client.log.heads.has(1) || client.log.resets(1).length > 0)
  return client
}

const received = (client: FrameClient) =>
  Buffer.concat(client.log.ofType(FrameType.DATA, 1).map(({ payload }) => payload)).toString("latin1")

test("extended CONNECT reaches a WebSocket of HTTP/1.1: messages both ways, and the upstream's close", async () => {
  const { upstream, seen, closes } = echo()
  const fixture = await stage.edgeTo(upstream)
  const client = await open(fixture, "/chat?room=1", { "sec-websocket-protocol": "chat", "sec-websocket-key": "from the client" })
  const [settings] = client.log.ofType(FrameType.SETTINGS)
  const announced = new Map(
    Array.from({ length: settings!.payload.length / 6 }, (_, i) => [
      settings!.payload.readUInt16BE(6 * i),
      settings!.payload.readUInt32BE(6 * i + 2),
    ]),
  )
  expect(announced.get(ENABLE_CONNECT_PROTOCOL)).toBe(1)
  const names = client.log.heads.get(1)![0]!.map(({ name, value }) => `${name}: ${value}`)
  expect(names).toContain(":status: 200")
  expect(names).toContain("sec-websocket-protocol: chat")
  expect(names.join()).not.toMatch(/sec-websocket-accept|upgrade|connection/)
  expect(seen[0]!.get("origin")).toBe("https://app.test")
  expect(seen[0]!.get("sec-websocket-key")).toMatch(/^[A-Za-z0-9+/]{22}==$/)
  client.send(client.data(1, message(TEXT, "hello")))
  await until(() => received(client).includes("HELLO"))
  const large = "x".repeat(60_000)
  client.send(
    ...[message(TEXT, large)].flatMap((bytes) => [
      client.data(1, bytes.subarray(0, 16_000)),
      client.data(1, bytes.subarray(16_000, 32_000)),
      client.data(1, bytes.subarray(32_000, 48_000)),
      client.data(1, bytes.subarray(48_000)),
    ]),
  )
  await until(() => received(client).includes(large.toUpperCase()))
  client.send(client.widen(1, 100_000), client.widen(0, 100_000), client.data(1, message(TEXT, "close")))
  await until(() => received(client).includes("bye"))
  client.send(client.data(1, message(CLOSE, "\x0f\xa1"), true))
  await until(() => client.log.hasEnded(1) && closes.length === 1)
  await until(() => fixture.access.length === 1)
  expect(fixture.access[0]).toMatchObject({ status: 200, method: "GET", path: "/chat", protocol: "HTTP/2" })
  expect(client.log.resets(1).filter((code) => code !== ErrorCode.NO_ERROR)).toEqual([])
})

test("the client's close and its reset reach the upstream", async () => {
  const { upstream, closes } = echo()
  const fixture = await stage.edgeTo(upstream)
  const client = await open(fixture, "/")
  client.send(client.data(1, message(CLOSE, "\x03\xe8"), true))
  await until(() => closes.length === 1)
  await until(() => client.log.hasEnded(1))
  client.send(client.head(3, { ...connect, ":path": "/" }, false))
  await until(() => client.log.heads.has(3))
  client.send(client.reset(3))
  await until(() => closes.length === 2)
  expect(closes[0]).toBe(1000)
  client.send(client.head(5, { ":path": "/refused" }))
  await until(() => client.log.status(5) === "403")
})

test("a refused upgrade passes as it is, and one that is answered as a plain request is a 502", async () => {
  const { upstream } = echo()
  const fixture = await stage.edgeTo(upstream)
  const refused = await open(fixture, "/refused")
  await until(() => refused.log.hasEnded(1))
  expect([refused.log.status(1), received(refused)]).toEqual(["403", "not for you"])
  await until(() => refused.log.resets(1).length === 1)
  expect(refused.log.resets(1)).toEqual([ErrorCode.NO_ERROR])
  const ignored = await open(fixture, "/ignored")
  expect(ignored.log.status(1)).toBe("502")
})

test.each([
  ["another key's answer", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"],
  ["no answer to the key", ""],
])("a change of protocols with %s is a 502", async (_, accept) => {
  const upstream = await stage.raw((peer) =>
    peer.socket.once("data", () =>
      peer.send(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${accept}\r\n`),
    ),
  )
  const client = await open(await stage.edgeTo(upstream.upstream), "/")
  expect(client.log.status(1)).toBe("502")
  await upstream.peers[0]!.gone()
})

test("what a client sends before the answer waits for it, and is not part of a refused upgrade", async () => {
  const { upstream, closes } = echo()
  const fixture = await stage.edgeTo(upstream)
  const client = await FrameClient.connect(fixture)
  client.send(
    client.head(1, { ...connect, ":path": "/" }, false),
    client.data(1, message(TEXT, "early")),
    client.data(1, message(CLOSE, ""), true),
  )
  await until(() => received(client).includes("EARLY") && client.log.hasEnded(1) && closes.length === 1)
  client.send(client.head(3, { ...connect, ":path": "/refused" }, false), client.data(3, "x".repeat(1000), true))
  await until(() => client.log.hasEnded(3))
  expect(client.log.status(3)).toBe("403")
})

test("an upstream that speaks h2c takes no upgrade", async () => {
  const { upstream } = await h2cServer(stage, (stream) => stream.respond({ ":status": 200 }))
  const client = await open(await stage.edgeTo(upstream), "/")
  expect(client.log.status(1)).toBe("405")
})

test("bytes that wait for an answer cost their size and no more, however small they are cut", async () => {
  const upstream = await stage.raw()
  const client = await FrameClient.connect(await stage.edgeTo(upstream.upstream))
  const before = process.memoryUsage().heapUsed
  const crumbs = Buffer.concat(Array.from({ length: 60_000 }, () => client.data(1, "x")))
  client.send(client.head(1, { ...connect, ":path": "/" }, false), crumbs)
  await until(() => upstream.peers[0]?.text.includes("\r\n\r\n") === true)
  await Bun.sleep(100)
  Bun.gc(true)
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 * 1024 * 1024)
})
