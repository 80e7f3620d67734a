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
  /** The upstream has spoken, so that its settings hold. */
  heard = false
  gone = false
  /** The upstream's side of the connection ended, or it broke. */
  lost = false
  private readonly startedAt = performance.now()
  private readonly connection: UpstreamConnection
  private readonly session: Http2Session

  /** `events.onRoom` when there may be more room than before, `events.onGone` once, last. */
  constructor(
    upstream: Upstream,
    pool: UpstreamPool,
    buffers: BufferPool,
    private events: { onRoom: () => void; onGone: (session: UpstreamSession) => void },
  ) {
    this.connection = pool.acquire(upstream, this, false)
    const { wire } = this.connection
    this.session = new Http2Session({
      role: "client",
      transport: { write: (bytes) => wire.write(bytes), end: () => wire.end(), destroy: () => wire.destroy() },
      limits,
      buffers,
      now: () => performance.now(),
      onActivity: () => {
        this.idleSince = performance.now()
        this.events.onRoom()
      },
      onClosed: () => {
        this.gone = true
        // The last words leave first.
        if (this.lost) this.connection.discard()
        else wire.end()
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
    const most = this.heard ? Math.min(STREAMS, this.session.peerMaxStreams) : 1
    return !this.draining && this.session.streams < most
  }

  /** Opens a stream; undefined when the connection takes no more, ever. */
  request(fields: readonly HeaderField[], end: boolean, user: StreamUser): Http2Stream | undefined {
    const stream = this.session.request(fields, end, user)
    if (!stream) this.session.drain()
    return stream
  }

  stop(): void {
    this.session.shut(ErrorCode.NO_ERROR, "")
  }

  onUpstreamConnected(): void {
    this.connectMs = performance.now() - this.startedAt
  }

  onUpstreamData(chunk: Buffer): void {
    this.session.receive(chunk)
    if (this.heard || this.gone) return
    this.heard = true
    this.events.onRoom()
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
    if (this.gone) this.connection.discard()
    else this.session.onTransportClosed()
  }
}
