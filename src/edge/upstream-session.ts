import type { BufferBudget } from "./buffer-budget"
import type { BufferPool } from "./http2/buffer-pool"
import { ErrorCode } from "./http2/error-codes"
import type { HeaderField } from "./http2/hpack-table"
import { defaultHttp2Limits, type Http2Limits } from "./http2/limits"
import { Http2Session } from "./http2/session"
import type { Http2Stream, StreamUser } from "./http2/stream"
import type { Upstream } from "./route-table"
import type { UpstreamConnection, UpstreamPool, UpstreamUser } from "./upstream-pool"

const STREAMS = 256
const STREAM_WINDOW_BYTES = 64 * 1024

/** Clients that do not take their answers hold the windows of their own streams, and all of them together not the connection's. */
const limits: Http2Limits = {
  ...defaultHttp2Limits,
  streamWindowBytes: STREAM_WINDOW_BYTES,
  connectionWindowBytes: STREAMS * STREAM_WINDOW_BYTES,
}

/** One HTTP/2 connection to an upstream, shared by the requests of many clients. */
export class UpstreamSession implements UpstreamUser {
  connectMs = 0
  idleSince = performance.now()
  /** When the upstream spoke last; 0 until it has, and its settings hold. */
  heardAt = 0
  gone = false
  /** The upstream's side of the connection ended, or it broke. */
  lost = false
  /** We did not want it any more. */
  retired = false
  private readonly startedAt = performance.now()
  private readonly connection: UpstreamConnection
  private readonly session: Http2Session

  /** `events.onRoom` when there may be more room than before, `events.onGone` once, last. */
  constructor(
    upstream: Upstream,
    pool: UpstreamPool,
    { buffers, budget }: { buffers: BufferPool; budget: BufferBudget | undefined },
    private events: { onRoom: () => void; onGone: (session: UpstreamSession) => void },
  ) {
    this.connection = pool.acquire(upstream, this, false)
    const { wire } = this.connection
    this.session = new Http2Session({
      role: "client",
      transport: { write: (bytes) => wire.write(bytes), end: () => wire.end(), destroy: () => wire.destroy() },
      limits,
      buffers,
      budget,
      now: () => performance.now(),
      onActivity: () => {
        this.idleSince = performance.now()
        this.events.onRoom()
      },
      onClosed: () => {
        this.gone = true
        this.connection.discard()
        this.events.onGone(this)
      },
    })
  }

  get connected(): boolean {
    return this.connection.connected
  }

  get streams(): number {
    return this.session.streams
  }

  get draining(): boolean {
    return this.gone || this.session.draining
  }

  /** Until the upstream has spoken one request is enough, since nobody knows how many it takes. */
  get hasRoom(): boolean {
    const most = this.heardAt > 0 ? Math.min(STREAMS, this.session.peerMaxStreams) : 1
    return !this.draining && this.session.streams < most
  }

  /** Opens a stream; undefined when the connection takes no more, ever. */
  request(fields: readonly HeaderField[], end: boolean, user: StreamUser): Http2Stream | undefined {
    const stream = this.session.request(fields, end, user)
    if (!stream) this.retire()
    return stream
  }

  /** Takes no further requests, and ends when those under way have. */
  retire(): void {
    this.retired = true
    this.session.drain()
  }

  stop(): void {
    this.session.shut(ErrorCode.NO_ERROR, "")
  }

  onUpstreamConnected(): void {
    this.connectMs = performance.now() - this.startedAt
  }

  onUpstreamData(chunk: Buffer): void {
    const isFirst = this.heardAt === 0
    this.heardAt = performance.now()
    this.session.receive(chunk)
    if (isFirst && !this.gone) this.events.onRoom()
  }

  onUpstreamEnd(): void {
    this.break()
  }

  onUpstreamClosed(): void {
    this.break()
  }

  onUpstreamDrain(): void {
    this.session.onTransportDrained()
  }

  private break(): void {
    this.lost = true
    this.session.onTransportClosed()
  }
}
