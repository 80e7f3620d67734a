import { CLIENT_PREFACE, Flag, FrameType } from "./frame"
import { HpackDecoder } from "./hpack-decoder"
import { HpackEncoder } from "./hpack-encoder"
import type { HeaderField } from "./hpack-table"
import { defaultHttp2Limits, type Http2Limits } from "./limits"
import { Http2Session } from "./session"
import type { Http2Stream, StreamUser } from "./stream"

export type Frame = { type: number; flags: number; id: number; payload: Buffer }

/** One frame as bytes. */
export function frame(type: number, flags: number, id: number, payload: Buffer | number[] = []): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, Buffer.from(payload)])
}

export const uint32 = (...values: number[]) =>
  Buffer.concat(values.map((value) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value])))

/** A SETTINGS frame of pairs. */
export const settings = (...pairs: [number, number][]) =>
  frame(FrameType.SETTINGS, 0, 0, Buffer.concat(pairs.map(([id, value]) => Buffer.concat([Buffer.from([id >>> 8, id]), uint32(value)]))))

/** Whole frames in a byte stream. */
export function parseFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = []
  for (let at = 0; at + 9 <= bytes.length;) {
    const end = at + 9 + bytes.readUIntBE(at, 3)
    frames.push({ type: bytes[at + 3]!, flags: bytes[at + 4]!, id: bytes.readUInt32BE(at + 5), payload: bytes.subarray(at + 9, end) })
    at = end
  }
  return frames
}

export const fields = (text: string): HeaderField[] =>
  text
    .trim()
    .split("\n")
    .map((line) => {
      const colon = line.trim().indexOf(":", 1)
      return { name: line.trim().slice(0, colon), value: line.trim().slice(colon + 2) }
    })

export const GET = fields(":method: GET\n:scheme: https\n:path: /\n:authority: a.test")
export const POST = fields(":method: POST\n:scheme: https\n:path: /\n:authority: a.test")
export const OK = fields(":status: 200")

/** A user that writes down what it is told. */
export class RecordingUser implements StreamUser {
  heads: HeaderField[][] = []
  bytes = Buffer.alloc(0)
  ended = false
  trailers: HeaderField[] | undefined
  resets: number[] = []
  drains = 0
  stream!: Http2Stream

  constructor(public consumes = true) {}

  onHead(head: HeaderField[], ended: boolean): void {
    this.heads.push(head)
    if (ended) this.ended = true
  }

  onData(bytes: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, bytes])
    if (this.consumes) this.stream.consumed(bytes.length)
  }

  onEnd(trailers: HeaderField[] | undefined): void {
    this.ended = true
    this.trailers = trailers
  }

  onReset(code: number): void {
    this.resets.push(code)
  }

  onDrain(): void {
    this.drains++
  }
}

type Seen = { stream: Http2Stream; fields: HeaderField[]; ended: boolean; tooLarge: boolean; user: RecordingUser }

/** A session whose other side the test plays byte by byte. */
export class ScriptedPeer {
  readonly session: Http2Session
  readonly seen: Seen[] = []
  closed: { code: number; message: string } | undefined
  closedCalls = 0
  ended = false
  destroyed = false
  /** Whether the transport takes more. */
  accepts = true
  writes = 0
  now = 1_000_000
  /** What an owner does with a new stream. */
  onRequest: (seen: Seen) => void = () => {}
  readonly encoder = new HpackEncoder()
  readonly decoder = new HpackDecoder()
  private output: Buffer[] = []
  private tasks: (() => void)[] = []

  constructor(
    readonly role: "server" | "client" = "server",
    limits: Partial<Http2Limits> = {},
    greet = true,
  ) {
    this.session = new Http2Session({
      role,
      limits: { ...defaultHttp2Limits, ...limits },
      transport: {
        write: (bytes) => {
          this.writes++
          this.output.push(Buffer.from(bytes))
          return this.accepts
        },
        end: () => (this.ended = true),
        destroy: () => (this.destroyed = true),
      },
      onStream: (stream, head, ended, tooLarge) => {
        const user = new RecordingUser()
        user.stream = stream
        const seen = { stream, fields: head, ended, tooLarge, user }
        this.seen.push(seen)
        this.onRequest(seen)
        return user
      },
      onClosed: (reason) => {
        this.closed = reason
        this.closedCalls++
      },
      schedule: (run) => this.tasks.push(run),
      now: () => this.now,
    })
    if (!greet) return
    if (role === "server") this.send(CLIENT_PREFACE)
    this.send(settings(), frame(FrameType.SETTINGS, Flag.ACK, 0))
    this.frames()
  }

  send(...parts: Buffer[]): this {
    this.session.receive(Buffer.concat(parts))
    return this
  }

  headers(id: number, head: readonly HeaderField[], flags: number = Flag.END_HEADERS): Buffer {
    return frame(FrameType.HEADERS, flags, id, this.block(head))
  }

  block(head: readonly HeaderField[]): Buffer {
    const target = Buffer.alloc(256 * 1024)
    return target.subarray(0, this.encoder.encode(head, target, 0))
  }

  /** Ends the turn, and answers the bytes written since the last time. */
  bytes(): Buffer {
    while (this.tasks.length > 0) this.tasks.shift()!()
    const bytes = Buffer.concat(this.output)
    this.output = []
    return bytes
  }

  frames(): Frame[] {
    const bytes = this.bytes()
    return parseFrames(bytes.subarray(0, 24).equals(CLIENT_PREFACE) ? bytes.subarray(24) : bytes)
  }

  /** What was written, in words: `HEADERS 1`, `DATA 1 END 5`, `RST_STREAM 1 8`. */
  words(): string[] {
    return this.frames().map((each) => describe(each))
  }

  /** The code of the GOAWAY that ended the session, or undefined. */
  goAway(): number | undefined {
    return this.frames()
      .findLast((each) => each.type === FrameType.GOAWAY)
      ?.payload.readUInt32BE(4)
  }
}

const NAMES = Object.entries(FrameType)

function describe({ type, flags, id, payload }: Frame): string {
  const name = NAMES.find(([, value]) => value === type)?.[0]
  const end = (flags & 1) !== 0 ? (type === FrameType.SETTINGS || type === FrameType.PING ? " ACK" : " END") : ""
  const detail =
    type === FrameType.DATA
      ? ` ${payload.length}`
      : type === FrameType.RST_STREAM || type === FrameType.WINDOW_UPDATE
        ? ` ${payload.readUInt32BE(0)}`
        : type === FrameType.GOAWAY
          ? ` ${payload.readUInt32BE(0)} ${payload.readUInt32BE(4)}`
          : ""
  return `${name} ${id}${end}${detail}`
}

/** A peer with stream 1 open (head only) and stream 3 ended on the peer's side. */
export function withStreams(): ScriptedPeer {
  const peer = new ScriptedPeer()
  peer.send(peer.headers(1, POST), peer.headers(3, GET, Flag.END_HEADERS | Flag.END_STREAM))
  peer.frames()
  return peer
}
