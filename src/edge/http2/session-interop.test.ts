import { afterEach, expect, test } from "bun:test"
import * as http2 from "node:http2"
import type { AddressInfo } from "node:net"
import { BufferPool } from "./buffer-pool"
import { fields, GET, POST, RecordingUser } from "./session.fixture"
import { defaultHttp2Limits } from "./limits"
import { Http2Session } from "./session"
import type { Http2Stream, StreamUser } from "./stream"
import type { Transport } from "./transport"

/** The smallest transport: a Bun socket, and what it did not take. */
class SocketTransport implements Transport {
  session!: Http2Session
  private backlog = Buffer.alloc(0)
  private isEnding = false

  constructor(private socket: Bun.Socket<SocketTransport>) {}

  write(bytes: Buffer): boolean {
    const sent = this.backlog.length > 0 ? 0 : Math.max(0, this.socket.write(bytes))
    if (sent < bytes.length) this.backlog = Buffer.concat([this.backlog, bytes.subarray(sent)])
    return this.backlog.length === 0
  }

  end(): void {
    this.isEnding = true
    if (this.backlog.length === 0) this.socket.end()
  }

  destroy(): void {
    this.socket.terminate()
  }

  drained(): void {
    if (this.backlog.length > 0) this.backlog = this.backlog.subarray(Math.max(0, this.socket.write(this.backlog)))
    if (this.backlog.length > 0) return
    if (this.isEnding) this.socket.end()
    else this.session.onTransportDrained()
  }
}

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const handlers = (open: (transport: SocketTransport) => Http2Session): Bun.SocketHandler<SocketTransport> => ({
  open(socket) {
    socket.data = new SocketTransport(socket)
    socket.data.session = open(socket.data)
  },
  data: (socket, bytes) => socket.data.session.receive(bytes as Buffer),
  drain: (socket) => socket.data.drained(),
  close: (socket) => socket.data.session.onTransportClosed(),
})

/** Answers with what was sent, the request's path and trailers. */
class Echo implements StreamUser {
  constructor(
    private stream: Http2Stream,
    path: string,
    ended: boolean,
  ) {
    stream.sendHead([...fields(":status: 200\ncontent-type: text/plain"), { name: "x-path", value: path }], false)
    if (ended) this.onEnd()
  }

  onHead(): void {}
  onReset(): void {}
  onDrain(): void {
    this.stream.consumed(Infinity)
  }

  onData(bytes: Buffer): void {
    if (this.stream.write(bytes)) this.stream.consumed(bytes.length)
  }

  onEnd(): void {
    this.stream.end(fields("x-sum: 7"))
  }
}

function ourServer(): number {
  const buffers = new BufferPool(defaultHttp2Limits.outputBytes)
  const listener = Bun.listen<SocketTransport>({
    hostname: "127.0.0.1",
    port: 0,
    socket: handlers(
      (transport) =>
        new Http2Session({
          role: "server",
          transport,
          limits: defaultHttp2Limits,
          buffers,
          onStream: (stream, head, ended) => new Echo(stream, head.find(({ name }) => name === ":path")!.value, ended),
          onClosed() {},
        }),
    ),
  })
  stops.push(() => listener.stop(true))
  return listener.port
}

const body = (size: number, seed: number) => Buffer.from(Array.from({ length: size }, (_, i) => (i * seed + (i >> 8)) & 255))

test("node:http2 as the client: many streams with large bodies both ways, and trailers", async () => {
  const client = http2.connect(`http://127.0.0.1:${ourServer()}`)
  stops.push(() => new Promise<void>((done) => client.close(done)))
  const ask = (i: number) =>
    new Promise<{ status: unknown; path: unknown; trailers: unknown; bytes: Buffer; sent: Buffer }>((done, fail) => {
      const sent = body(i % 3 === 0 ? 0 : i * 40_000, i + 1)
      const request = client.request({ ":method": "POST", ":path": `/${i}` })
      const parts: Buffer[] = []
      const told: { status?: unknown; path?: unknown; trailers?: unknown } = {}
      request.on("response", (head) => Object.assign(told, { status: head[":status"], path: head["x-path"] }))
      request.on("trailers", (trailers) => (told.trailers = trailers["x-sum"]))
      request.on("data", (part: Buffer) => parts.push(part))
      request.on("end", () => done({ status: told.status, path: told.path, trailers: told.trailers, bytes: Buffer.concat(parts), sent }))
      request.on("error", fail)
      request.end(sent)
    })
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(i)))
  for (const [i, { status, path, trailers, bytes, sent }] of answers.entries()) {
    expect([status, path, trailers]).toEqual([200, `/${i}`, "7"])
    expect(bytes.equals(sent)).toBe(true)
  }
})

test("node:http2 as the server: heads, bodies, trailers and a reset", async () => {
  const server = http2.createServer()
  const cancelled: number[] = []
  server.on("stream", (stream: http2.ServerHttp2Stream, head) => {
    stream.on("error", () => {})
    if (head[":path"] === "/cancelled") {
      stream.respond({ ":status": 200 })
      stream.write("the first of more")
      stream.on("close", () => cancelled.push(stream.rstCode))
      return
    }
    stream.respond({ ":status": 201, "x-method": head[":method"] }, { waitForTrailers: true })
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "9" }))
    stream.pipe(stream)
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  stops.push(() => server.close())
  let session!: Http2Session
  const socket = await Bun.connect<SocketTransport>({
    hostname: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    socket: handlers((transport) => (session = new Http2Session({ role: "client", transport, limits: defaultHttp2Limits, onClosed() {} }))),
  })
  stops.push(() => socket.end())
  const users = Array.from({ length: 8 }, (_, i) => {
    const user = new RecordingUser()
    const sent = body(i * 50_000, i + 3)
    user.stream = session.request(POST, false, user)!
    let at = 0
    user.onDrain = () => {
      while (at < sent.length && user.stream.write(sent.subarray(at, (at += 30_000))));
      if (at >= sent.length) user.stream.end()
    }
    user.onDrain()
    return { user, sent }
  })
  const user = new RecordingUser()
  user.onData = () => user.stream.reset(8)
  user.stream = session.request([...GET.slice(0, 2), { name: ":path", value: "/cancelled" }, GET[3]!], true, user)!
  while (users.some((each) => !each.user.ended && each.user.resets.length === 0) || cancelled.length === 0) await Bun.sleep(1)
  for (const { user, sent } of users) {
    expect(user.heads[0]!.filter(({ name }) => name === ":status" || name === "x-method")).toEqual(fields(":status: 201\nx-method: POST"))
    expect(user.bytes.equals(sent)).toBe(true)
    expect(user.trailers).toEqual(fields("x-sum: 9"))
  }
  expect([cancelled, user.resets, session.streams]).toEqual([[8], [], 0])
  session.drain()
})

test.skipIf(Bun.which("curl") === null)("curl with prior knowledge uploads and downloads", async () => {
  const sent = body(3_000_000, 11)
  const command = [
    "curl",
    "-sS",
    "--max-time",
    "10",
    "--http2-prior-knowledge",
    "--data-binary",
    "@-",
    `http://127.0.0.1:${ourServer()}/up`,
  ]
  const curl = Bun.spawn(command, { stdin: sent, stdout: "pipe" })
  expect(Buffer.from(await new Response(curl.stdout).arrayBuffer()).equals(sent)).toBe(true)
  expect(await curl.exited).toBe(0)
})
