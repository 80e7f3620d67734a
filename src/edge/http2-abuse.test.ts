import { afterEach, expect, test } from "bun:test"
import { createServer } from "node:http"
import { type EdgeFixture, Stage, until } from "./edge.fixture"
import { FrameClient, Http2Client } from "./http2-client.fixture"
import { ErrorCode } from "./http2/error-codes"
import { Flag, FrameType } from "./http2/frame"
import { frame, settings } from "./http2/session.fixture"

const stage = new Stage()
afterEach(() => stage.end())

const CALM = ErrorCode.ENHANCE_YOUR_CALM

async function edge(): Promise<EdgeFixture> {
  const upstream = await stage.node(createServer((req, res) => (req.url === "/never" ? undefined : void res.end("ok"))))
  return stage.edgeTo(upstream, { lingerMs: 100 })
}

/** Somebody else is served while `abuse` goes on, and the abuser's connection ends with the code. */
async function endsWith(code: number, abuse: (client: FrameClient, round: number) => Buffer[], pairs: [number, number][] = []) {
  const fixture = await edge()
  const bystander = await Http2Client.connect(stage, fixture)
  const client = await FrameClient.connect(fixture, pairs)
  for (let round = 0; round < 200 && !client.closed && client.log.goAways.length === 0; round++) {
    client.send(...abuse(client, round))
    if (round % 10 === 0) expect((await bystander.ask()).text).toBe("ok")
    await Bun.sleep(0)
  }
  await client.gone()
  expect(client.log.goAways.at(-1)).toBe(code)
  expect((await bystander.ask()).text).toBe("ok")
  await until(() => fixture.edge.connections === 1)
  expect(fixture.edge.bufferedBytes).toBeLessThan(64 * 1024)
  return fixture
}

const times = (count: number, make: (i: number) => Buffer) => Array.from({ length: count }, (_, i) => make(i))

test("rapid reset ends the connection, and leaves nothing open behind it", async () => {
  const fixture = await endsWith(CALM, (client, round) =>
    times(100, (i) => Buffer.concat([client.head(200 * round + 2 * i + 1, { ":path": "/never" }), client.reset(200 * round + 2 * i + 1)])),
  )
  await until(() => fixture.access.length > 100)
  expect(new Set(fixture.access.map((line) => line.status).filter((status) => status !== 200))).toEqual(new Set([499]))
})

test("a flood of CONTINUATION ends the connection", () =>
  endsWith(CALM, (client, round) =>
    round === 0
      ? [frame(FrameType.HEADERS, Flag.END_STREAM, 1, client.head(1).subarray(9))]
      : times(20, () => frame(FrameType.CONTINUATION, 0, 1, Buffer.alloc(100))),
  ))

test("a header block that never ends is bounded in bytes too", () =>
  endsWith(CALM, (client, round) =>
    round === 0
      ? [frame(FrameType.HEADERS, 0, 1, client.head(1).subarray(9))]
      : [frame(FrameType.CONTINUATION, 0, 1, Buffer.alloc(16_384))],
  ))

test.each([
  ["SETTINGS", () => settings([3, 100])],
  ["PING", () => frame(FrameType.PING, 0, 0, Buffer.alloc(8))],
  ["PRIORITY", () => frame(FrameType.PRIORITY, 0, 1, Buffer.alloc(5))],
  ["unknown frames", () => frame(0x20, 0, 0, Buffer.alloc(8))],
])("a flood of %s ends the connection", (_, make) => endsWith(CALM, () => times(200, make)))

test("a flood of empty DATA ends the connection", () =>
  endsWith(CALM, (client, round) => [
    ...(round === 0 ? [client.head(1, { ":method": "POST" }, false)] : []),
    ...times(200, () => client.data(1, "")),
  ]))

test("a peer that asks and does not read the answers is cut off, with memory bounded", async () => {
  const fixture = await edge()
  const client = await FrameClient.connect(fixture)
  client.socket.pause()
  let held = 0
  for (let i = 0; i < 2000 && fixture.edge.connections > 0; i++) {
    client.send(...times(100, () => frame(FrameType.PING, 0, 0, Buffer.alloc(8))))
    held = Math.max(held, fixture.edge.bufferedBytes)
    await Bun.sleep(0)
  }
  await until(() => fixture.edge.connections === 0)
  expect(held).toBeLessThan(1024 * 1024)
})

test("more streams than announced are refused, and those before go on", async () => {
  const upstream = await stage.raw()
  const fixture = await stage.edgeTo(upstream.upstream)
  const client = await FrameClient.connect(fixture)
  client.send(...times(140, (i) => client.head(2 * i + 1)))
  await until(() => client.log.ofType(FrameType.RST_STREAM).length === 12)
  expect(client.log.resets(257)).toEqual([ErrorCode.REFUSED_STREAM])
  await until(() => upstream.peers.length === 128)
  for (const peer of upstream.peers) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
  await until(() => client.log.heads.size === 128)
  expect(client.log.goAways).toEqual([])
})

test("CONNECT without a protocol is a 405, an unknown protocol too, a head of other pseudo fields a reset stream", async () => {
  const client = await FrameClient.connect(await edge())
  const connect = { ":method": "CONNECT", ":protocol": "connect-udp" }
  client.send(client.head(1, connect), client.head(3, { ":bogus": "1" }), client.head(5))
  await until(() => client.log.hasEnded(5))
  expect([client.log.status(1), client.log.resets(3), client.log.status(5)]).toEqual(["405", [ErrorCode.PROTOCOL_ERROR], "200"])
})

test("what is no preface of HTTP/2 ends the connection", async () => {
  const fixture = await edge()
  const peer = await fixture.client("app.test", ["h2"])
  peer.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
  await peer.gone()
  await until(() => fixture.edge.connections === 0)
})
