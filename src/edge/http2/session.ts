import { AbuseBudget } from "./abuse-budget"
import { BufferPool } from "./buffer-pool"
import { ErrorCode } from "./error-codes"
import { CLIENT_PREFACE, MAX_INT31 } from "./frame"
import { FrameReader } from "./frame-reader"
import { FrameWriter } from "./frame-writer"
import { HeadReceiver } from "./head-receiver"
import { HeadWriter } from "./head-writer"
import { HpackDecoder } from "./hpack-decoder"
import { HpackEncoder } from "./hpack-encoder"
import type { HeaderField } from "./hpack-table"
import type { Http2Limits } from "./limits"
import { ReceiveWindows } from "./receive-windows"
import { Receiver } from "./receiver"
import { type ByteCount, Sender } from "./sender"
import type { SessionEvents } from "./session-events"
import { ourSettings, PeerSettings } from "./settings"
import { Http2Stream, type StreamUser } from "./stream"
import { StreamTable } from "./stream-table"
import type { Transport } from "./transport"

/** What a session is made of. */
export type Http2Options = {
  role: "server" | "client"
  transport: Transport
  limits: Http2Limits
  /** Server role: a request head arrived. Answers the stream's user, or undefined after having reset it. `tooLarge`: fields are missing (431). */
  onStream?: (stream: Http2Stream, fields: HeaderField[], ended: boolean, tooLarge: boolean) => StreamUser | undefined
  /** The session ended for good: once. */
  onClosed: (reason: { code: number; message: string }) => void
  /** Streams opened or closed. */
  onActivity?: () => void
  /** Shared by all sessions of a listener, so that idle ones hold no buffer. */
  buffers?: BufferPool
  /** Told of what waits in the streams. */
  budget?: ByteCount | undefined
  /** Runs a function at the end of the turn, never at once; `setImmediate` unless told otherwise. */
  schedule?: (run: () => void) => void
  now?: () => number
}

/** The payload of the PING that measures the round trip between the two GOAWAYs of a graceful end. */
const DRAIN_PING = Buffer.from("freehold")

/**
 * One HTTP/2 connection (RFC 9113), either role: bytes in by `receive`, bytes out by the transport. Each piece has a file: frames are taken
 * apart by the FrameReader, understood by the Receiver and the HeadReceiver, made by the Sender, the HeadWriter and the FrameWriter. What we
 * do not do: server push, priorities, and waiting for an answer to SETTINGS (the owner's idle time-out covers a silent peer).
 */
export class Http2Session {
  private closed = false
  private isDraining = false
  private noticeTimer: Timer | undefined
  private refusesStreams: boolean
  private heardGoAway = false
  private prefaceAt: number
  private readonly limits: Http2Limits
  private readonly transport: Transport
  private readonly schedule: (run: () => void) => void
  private readonly writer: FrameWriter
  private readonly table: StreamTable
  private readonly windows: ReceiveWindows
  private readonly peer: PeerSettings
  private readonly sender: Sender
  private readonly reader: FrameReader

  constructor(private options: Http2Options) {
    const { role, limits, transport, now = Date.now } = options
    this.limits = limits
    this.transport = transport
    this.schedule = options.schedule ?? setImmediate
    this.refusesStreams = role === "client"
    this.prefaceAt = role === "server" ? 0 : CLIENT_PREFACE.length
    const pool = options.buffers ?? new BufferPool(limits.outputBytes)
    this.writer = new FrameWriter(transport, pool, this.schedule, () => this.cutOffLater())
    this.windows = new ReceiveWindows(this.writer, limits)
    this.table = new StreamTable(limits.closedStreams, this.windows, () => this.onStreams())
    this.peer = new PeerSettings(role)
    const encoder = new HpackEncoder(limits.encoderTableBytes)
    const resets = new AbuseBudget(limits.resetBurst, limits.resetsPerSecond, now)
    const control = new AbuseBudget(limits.controlBurst, limits.controlPerSecond, now)
    const { writer, table, windows, peer } = this
    const heads = new HeadWriter(writer, encoder, peer, limits)
    this.sender = new Sender({ writer, heads, table, peer, limits, resets, control, now, budget: options.budget })
    const parts = { role, limits, table, sender: this.sender, writer, windows, peer, encoder, resets, control, events: this.events() }
    this.reader = new FrameReader(new Receiver(parts, new HeadReceiver(parts, new HpackDecoder(limits.headerTableBytes))))
    if (role === "client") writer.preface()
    writer.settings(ourSettings(role, limits))
    windows.open()
  }

  /** Bytes from the peer, valid only during the call. Never throws for what they are: faults become RST_STREAM or GOAWAY. */
  receive(bytes: Buffer): void {
    if (this.closed) return
    const rest = this.prefaceAt < CLIENT_PREFACE.length ? this.receivePreface(bytes) : bytes
    if (rest === undefined) return
    this.reader.push(rest)
    this.sender.pump()
  }

  onTransportDrained(): void {
    if (this.closed) return
    this.writer.backedUp = false
    this.writer.flush()
    this.sender.pump()
  }

  /** The peer's byte stream ended or broke. */
  onTransportClosed(): void {
    this.finish(ErrorCode.CANCEL, "the peer's connection ended")
  }

  /** Client role: opens a stream; undefined when the peer's concurrency limit, GOAWAY or the identifiers forbid. */
  request(fields: readonly HeaderField[], end: boolean, user: StreamUser): Http2Stream | undefined {
    const { table, peer, sender, windows } = this
    if (this.closed || this.isDraining || this.options.role === "server" || table.open.size >= peer.maxStreams) return undefined
    if (table.nextId > MAX_INT31) return undefined
    const stream = new Http2Stream(table.nextId, sender, windows, peer.initialWindow, windows.initial, false)
    table.nextId += 2
    stream.user = user
    stream.method = fields.find((field) => field.name === ":method")?.value
    table.add(stream)
    stream.sendHead(fields, end)
    return stream
  }

  /** Ends gracefully: no new streams, and the end when the open ones are done. A server tells so twice (RFC 9113 section 6.8). */
  drain(): void {
    if (this.closed || this.isDraining) return
    this.isDraining = true
    if (this.options.role === "server") {
      this.writer.goAway(MAX_INT31, ErrorCode.NO_ERROR, "")
      this.writer.ping(DRAIN_PING, 0, 0)
      this.noticeTimer = setTimeout(() => this.endNotice(), this.limits.drainNoticeMs)
    } else {
      this.onStreams()
    }
  }

  /** GOAWAY with the code, then the end; the owners of open streams are told by `onReset`. */
  shut(code: number, message: string): void {
    if (this.closed) return
    this.writer.goAway(this.table.lastTakenId, code, message)
    this.writer.push()
    this.finish(code, message)
    this.transport.end()
  }

  /** Writes what is pending now; normally by itself, at the end of the turn. */
  flush(): void {
    this.writer.flush()
  }

  get streams(): number {
    return this.table.open.size
  }

  get draining(): boolean {
    return this.isDraining || this.closed
  }

  get peerMaxStreams(): number {
    return this.peer.maxStreams
  }

  /** The peer announced SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441). */
  get peerAllowsExtendedConnect(): boolean {
    return this.peer.allowsExtendedConnect
  }

  /** Bytes that wait for the peer, in the session and its streams. */
  get queuedBytes(): number {
    return this.writer.used + this.sender.queuedBytes
  }

  /** When queued data last moved or began to wait, by `now`; means something while `queuedBytes` is above 0. */
  get lastProgressAt(): number {
    return this.sender.lastProgressAt
  }

  /** Takes the client's preface off; undefined when that was all, or it was none. */
  private receivePreface(bytes: Buffer): Buffer | undefined {
    const size = Math.min(bytes.length, CLIENT_PREFACE.length - this.prefaceAt)
    if (CLIENT_PREFACE.compare(bytes, 0, size, this.prefaceAt, this.prefaceAt + size) !== 0) {
      this.shut(ErrorCode.PROTOCOL_ERROR, "this is not the preface of an HTTP/2 client")
      return undefined
    }
    this.prefaceAt += size
    return size === bytes.length ? undefined : bytes.subarray(size)
  }

  private events(): SessionEvents {
    return {
      fail: (code, message) => this.shut(code, message),
      onRequest: (stream, fields, ended, tooLarge) => this.options.onStream?.(stream, fields, ended, tooLarge),
      onPingAnswer: () => this.endNotice(),
      onGoAway: (lastId) => this.onGoAway(lastId),
      refusesStreams: () => this.refusesStreams,
    }
  }

  /** The peer had a round trip's time to hear of the end: from now on its requests come too late. */
  private endNotice(): void {
    if (this.closed || this.noticeTimer === undefined) return
    clearTimeout(this.noticeTimer)
    this.noticeTimer = undefined
    this.refusesStreams = true
    this.writer.goAway(this.table.lastTakenId, ErrorCode.NO_ERROR, "")
    this.onStreams()
  }

  private onGoAway(lastId: number): void {
    this.isDraining = true
    this.heardGoAway = true
    if (this.options.role === "client") {
      for (const stream of this.table.open.values()) {
        if (stream.id <= lastId) continue
        this.sender.discard(stream)
        this.table.remove(stream, true)
        stream.user.onReset(ErrorCode.REFUSED_STREAM)
      }
    }
    this.onStreams()
  }

  private onStreams(): void {
    this.options.onActivity?.()
    if (this.mayEnd()) this.schedule(() => this.endIfDone())
  }

  private mayEnd(): boolean {
    return this.isDraining && !this.closed && this.table.open.size === 0 && (this.refusesStreams || this.heardGoAway)
  }

  /** Looked at again behind the call that ended the last stream: its owner may still be at work. */
  private endIfDone(): void {
    if (this.mayEnd()) this.shut(ErrorCode.NO_ERROR, "")
  }

  /** The peer makes us answer and does not read the answers. */
  private cutOffLater(): void {
    this.schedule(() => {
      if (this.closed) return
      this.finish(ErrorCode.ENHANCE_YOUR_CALM, "the peer does not read what it asked for")
      this.transport.destroy()
    })
  }

  private finish(code: number, message: string): void {
    if (this.closed) return
    this.closed = true
    this.reader.stopped = true
    this.writer.close()
    clearTimeout(this.noticeTimer)
    const open = [...this.table.open.values()]
    this.table.open.clear()
    for (const stream of open) {
      this.sender.discard(stream)
      stream.closed = true
      stream.queue = undefined
      stream.heads = undefined
    }
    for (const stream of open) stream.user.onReset(code)
    this.options.onClosed({ code, message })
  }
}
