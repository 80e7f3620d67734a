import * as http2 from "node:http2"
import type { EdgeFixture, Stage } from "./edge.fixture"
import { until } from "./edge.fixture"
import { CLIENT_PREFACE, Flag, FrameType } from "./http2/frame"
import { HpackDecoder } from "./http2/hpack-decoder"
import { HpackEncoder } from "./http2/hpack-encoder"
import type { HeaderField } from "./http2/hpack-table"
import { type Frame, frame, settings, uint32 } from "./http2/session.fixture"

/** What a stream of node's client saw. */
export class Reply {
  interim: http2.IncomingHttpHeaders[] = []
  fields: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {}
  trailers: http2.IncomingHttpHeaders = {}
  chunks: Buffer[] = []
  bytes = 0
  ended = false
  closed = false
  fault: Error | undefined

  constructor(
    readonly stream: http2.ClientHttp2Stream,
    keep = true,
  ) {
    stream.on("headers", (fields) => this.interim.push(fields))
    stream.on("response", (fields) => (this.fields = fields))
    stream.on("trailers", (fields) => (this.trailers = fields))
    stream.on("data", (chunk: Buffer) => {
      this.bytes += chunk.length
      if (keep) this.chunks.push(chunk)
    })
    stream.on("end", () => (this.ended = true))
    stream.on("close", () => (this.closed = true))
    stream.on("error", (error) => (this.fault = error))
  }

  get status(): number {
    return this.fields[":status"] ?? 0
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString()
  }

  /** The code by which the stream was reset; 0 for none. */
  get code(): number {
    return this.stream.rstCode ?? 0
  }

  /** The end of the answer, or of the stream. */
  async done(limitMs?: number): Promise<this> {
    await until(() => this.ended || this.closed, "the end of the stream", limitMs)
    return this
  }
}

/** A connection of node's HTTP/2 client to the edge, and what it was told of its end. */
export class Http2Client {
  goAways: number[] = []
  closed = false

  private constructor(readonly session: http2.ClientHttp2Session) {
    session.on("goaway", (code) => this.goAways.push(code))
    session.on("close", () => (this.closed = true))
    session.on("error", () => {})
  }

  static async connect(stage: Stage, fixture: EdgeFixture, options: http2.SecureClientSessionOptions = {}): Promise<Http2Client> {
    const session = http2.connect(`https://127.0.0.1:${fixture.port}`, { servername: "app.test", ca: fixture.certificate, ...options })
    const client = new Http2Client(session)
    stage.after(() => session.destroy())
    await new Promise<void>((resolve, reject) => {
      session.once("connect", () => resolve())
      session.once("error", reject)
    })
    return client
  }

  /** A request whose body the test may go on with, unless it is ended at once. */
  open(fields: http2.OutgoingHttpHeaders = {}, options: http2.ClientSessionRequestOptions = {}, keep = true): Reply {
    return new Reply(this.session.request({ ":authority": "app.test", ":path": "/", ...fields }, options), keep)
  }

  /** A whole request and its whole answer. */
  async ask(fields: http2.OutgoingHttpHeaders = {}, body?: string | Buffer): Promise<Reply> {
    const reply = this.open(fields, { endStream: body === undefined })
    if (body !== undefined) reply.stream.end(body)
    return reply.done()
  }
}

/** Frames of one side of a connection as they arrive, however they are cut. */
export class FrameLog {
  readonly frames: Frame[] = []
  readonly heads = new Map<number, HeaderField[][]>()
  dataBytes = 0
  /** For a test to mark. */
  answered = false
  private rest: Buffer = Buffer.alloc(0)
  private decoder = new HpackDecoder()

  add(chunk: Buffer): void {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    for (;;) {
      const end = this.rest.length < 9 ? Infinity : 9 + this.rest.readUIntBE(0, 3)
      if (end > this.rest.length) return
      const head = this.rest
      const payload = Buffer.from(head.subarray(9, end))
      const each = { type: head[3]!, flags: head[4]!, id: head.readUInt32BE(5), payload }
      this.rest = this.rest.subarray(end)
      if (each.type === FrameType.DATA) this.dataBytes += payload.length
      if (each.type === FrameType.HEADERS) {
        const { fields } = this.decoder.decode(payload, { listBytes: 1 << 20, count: 1000 })
        this.heads.set(each.id, [...(this.heads.get(each.id) ?? []), fields])
      }
      this.frames.push(each)
    }
  }

  status(id: number): string | undefined {
    return this.heads.get(id)?.[0]?.find(({ name }) => name === ":status")?.value
  }

  ofType(type: number, id?: number): Frame[] {
    return this.frames.filter((each) => each.type === type && (id === undefined || each.id === id))
  }

  /** The codes of GOAWAY frames, and of RST_STREAM on a stream. */
  get goAways(): number[] {
    return this.ofType(FrameType.GOAWAY).map(({ payload }) => payload.readUInt32BE(4))
  }

  resets(id: number): number[] {
    return this.ofType(FrameType.RST_STREAM, id).map(({ payload }) => payload.readUInt32BE(0))
  }

  hasEnded(id: number): boolean {
    return this.frames.some(
      (each) => each.id === id && (each.type === FrameType.DATA || each.type === FrameType.HEADERS) && (each.flags & Flag.END_STREAM) !== 0,
    )
  }
}

/** A client of the edge that says what the test wants, frame by frame. */
export class FrameClient {
  readonly log = new FrameLog()
  closed = false
  private encoder = new HpackEncoder()

  private constructor(readonly socket: import("node:net").Socket) {
    socket.on("data", (chunk: Buffer) => this.log.add(chunk))
    socket.on("close", () => (this.closed = true))
    socket.on("end", () => (this.closed = true))
    socket.on("error", () => (this.closed = true))
  }

  /** Connected, with the preface and these settings sent. */
  static async connect(fixture: EdgeFixture, pairs: [number, number][] = []): Promise<FrameClient> {
    const peer = await fixture.client("app.test", ["h2"])
    const client = new FrameClient(peer.socket)
    // The edge may have spoken already.
    client.log.add(Buffer.from(peer.take(), "latin1"))
    client.send(CLIENT_PREFACE, settings(...pairs), frame(FrameType.SETTINGS, Flag.ACK, 0))
    return client
  }

  send(...parts: Buffer[]): this {
    if (!this.closed) this.socket.write(Buffer.concat(parts))
    return this
  }

  /** A request head as HEADERS and, above a frame's size, CONTINUATION. */
  head(id: number, fields: Record<string, string> = {}, end = true): Buffer {
    const all = { ":method": "GET", ":scheme": "https", ":authority": "app.test", ":path": "/", ...fields }
    const list = Object.entries(all).map(([name, value]) => ({ name, value }))
    const target = Buffer.alloc(512 * 1024)
    const block = target.subarray(0, this.encoder.encode(list, target, 0))
    const parts: Buffer[] = []
    for (let at = 0; at === 0 || at < block.length; at += 16_384) {
      const last = at + 16_384 >= block.length
      const flags = (at === 0 && end ? Flag.END_STREAM : 0) | (last ? Flag.END_HEADERS : 0)
      parts.push(frame(at === 0 ? FrameType.HEADERS : FrameType.CONTINUATION, flags, id, block.subarray(at, at + 16_384)))
    }
    return Buffer.concat(parts)
  }

  data = (id: number, bytes: Buffer | string, end = false) =>
    frame(FrameType.DATA, end ? Flag.END_STREAM : 0, id, Buffer.from(bytes as string))

  reset = (id: number, code = 8) => frame(FrameType.RST_STREAM, 0, id, uint32(code))

  widen = (id: number, bytes: number) => frame(FrameType.WINDOW_UPDATE, 0, id, uint32(bytes))

  gone = () => until(() => this.closed, "the end of the connection")
}
