import { afterEach, expect, test } from "bun:test"
import { createServer, type IncomingMessage } from "node:http"
import { Stage, until } from "./edge.fixture"
import { h2cServer } from "./h2c.fixture"
import { FrameClient, Http2Client } from "./http2-client.fixture"
import { FrameType } from "./http2/frame"

const stage = new Stage()
afterEach(() => stage.end())

const MIB = 1024 * 1024
const SIZE = 64 * MIB
const piece = Buffer.alloc(256 * 1024, "x")
const INITIAL_WINDOW_SIZE = 4

/** Writes 64 MiB as fast as the other side takes it; tells how much was taken. */
function pour(out: NodeJS.WritableStream, written: { bytes: number }): void {
  const more = () => {
    while (written.bytes < SIZE) {
      written.bytes += piece.length
      if (!out.write(piece)) return void out.once("drain", more)
    }
    out.end()
  }
  more()
}

/** The value when it has not changed for a while. */
async function settled(value: () => number): Promise<number> {
  let last = -1
  for (let i = 0; i < 50 && last !== value(); i++) {
    last = value()
    await Bun.sleep(150)
  }
  return last
}

test("64 MiB to a client that stops reading stop the upstream, and other streams go on meanwhile", async () => {
  const written = { bytes: 0 }
  const upstream = await stage.node(createServer((req, res) => (req.url === "/large" ? pour(res, written) : void res.end("small"))))
  const fixture = await stage.edgeTo(upstream)
  const client = await Http2Client.connect(stage, fixture)
  const large = client.open({ ":path": "/large" }, {}, false)
  large.stream.pause()
  const taken = await settled(() => written.bytes)
  expect(taken).toBeLessThan(SIZE / 2)
  expect(fixture.edge.bufferedBytes).toBeLessThan(2 * MIB)
  for (let i = 0; i < 10; i++) expect((await client.ask()).text).toBe("small")
  large.stream.resume()
  await large.done(20_000)
  expect(large.bytes).toBe(SIZE)
})

test("64 MiB from a client to an upstream that stops reading stop the client, and other streams go on meanwhile", async () => {
  let upload: IncomingMessage | undefined
  let received = 0
  const upstream = await stage.node(
    createServer((req, res) => {
      if (req.url !== "/large") return void req.resume().on("end", () => res.end("small"))
      upload = req
      req.on("data", (chunk: Buffer) => (received += chunk.length))
      req.on("end", () => res.end(String(received)))
      req.pause()
    }),
  )
  const fixture = await stage.edgeTo(upstream)
  const client = await Http2Client.connect(stage, fixture)
  const written = { bytes: 0 }
  const large = client.open({ ":path": "/large", ":method": "POST" }, { endStream: false })
  await until(() => upload !== undefined)
  pour(large.stream, written)
  const before = await settled(() => written.bytes)
  expect(before).toBeLessThan(SIZE / 2)
  expect(fixture.edge.bufferedBytes).toBeLessThan(2 * MIB)
  for (let i = 0; i < 10; i++) expect((await client.ask({ ":method": "POST" }, Buffer.alloc(100_000))).text).toBe("small")
  upload!.resume()
  await large.done(20_000)
  expect(large.text).toBe(String(SIZE))
})

test("the same both ways through an h2c upstream", async () => {
  const written = { bytes: 0 }
  const { upstream } = await h2cServer(stage, (stream, fields) => {
    stream.respond({ ":status": 200 })
    if (fields[":path"] === "/down") return pour(stream, written)
    if (fields[":path"] !== "/up") return void stream.end("small")
    let received = 0
    stream.on("data", (chunk: Buffer) => (received += chunk.length))
    stream.on("end", () => stream.end(String(received)))
  })
  const fixture = await stage.edgeTo(upstream)
  const client = await Http2Client.connect(stage, fixture)
  const large = client.open({ ":path": "/down" }, {}, false)
  large.stream.pause()
  const taken = await settled(() => written.bytes)
  expect(taken).toBeLessThan(SIZE / 2)
  const other = await Http2Client.connect(stage, fixture)
  for (let i = 0; i < 10; i++) expect((await other.ask()).text).toBe("small")
  large.stream.resume()
  await large.done(20_000)
  expect(large.bytes).toBe(SIZE)
  const upload = client.open({ ":path": "/up", ":method": "POST" }, { endStream: false })
  pour(upload.stream, { bytes: 0 })
  await upload.done(20_000)
  expect(upload.text).toBe(String(SIZE))
})

test("many large answers to a client that opens no window are held within a bound, and given up in the end", async () => {
  const upstream = await stage.node(createServer((_, res) => pour(res, { bytes: 0 })))
  const fixture = await stage.edgeTo(upstream, { responseIdleMs: 600, idleMs: 300, lingerMs: 300 })
  const client = await FrameClient.connect(fixture, [[INITIAL_WINDOW_SIZE, 0]])
  const before = process.memoryUsage.rss()
  client.send(...Array.from({ length: 100 }, (_, i) => client.head(2 * i + 1)))
  await until(() => client.log.heads.size === 100)
  await settled(() => fixture.edge.bufferedBytes)
  expect(fixture.edge.bufferedBytes).toBeLessThan(64 * MIB)
  expect(process.memoryUsage.rss() - before).toBeLessThan(512 * MIB)
  const other = await Http2Client.connect(stage, fixture)
  const reply = other.open({}, {}, false)
  await until(() => reply.bytes > 0)
  reply.stream.close()
  await until(() => client.log.ofType(FrameType.RST_STREAM).length === 100)
  expect(fixture.edge.bufferedBytes).toBeLessThan(MIB)
})

test("a client that takes a byte at a time still gets the end of an answer", async () => {
  const upstream = await stage.answering("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n12345678901234567890")
  const fixture = await stage.edgeTo(upstream.upstream, { bodyIdleMs: 150, idleMs: 150, lingerMs: 150 })
  const client = await FrameClient.connect(fixture, [[INITIAL_WINDOW_SIZE, 0]])
  client.send(client.head(1))
  await until(() => client.log.heads.has(1))
  for (let i = 1; i <= 20; i++) {
    client.send(client.widen(1, 1))
    await until(() => client.log.dataBytes === i)
    await Bun.sleep(20)
  }
  expect(client.log.hasEnded(1)).toBe(true)
  client.send(client.head(3))
  await until(() => client.log.resets(3).length > 0)
  expect(client.log.resets(3)).toEqual([8])
})
