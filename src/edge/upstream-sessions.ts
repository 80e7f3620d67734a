import { BufferPool } from "./http2/buffer-pool"
import { ErrorCode } from "./http2/error-codes"
import type { HeaderField } from "./http2/hpack-table"
import { defaultHttp2Limits } from "./http2/limits"
import { Http2Session } from "./http2/session"
import type { Http2Stream, StreamUser } from "./http2/stream"
import type { EdgeLimits } from "./limits"
import type { Upstream } from "./route-table"
import type { UpstreamConnection, UpstreamPool, UpstreamUser } from "./upstream-pool"

/** One HTTP/2 connection to an upstream, shared by the requests of many clients. */
export class UpstreamSession implements UpstreamUser {
  connectMs = 0
  idleSince = performance.now()
  gone = false
  private readonly startedAt = performance.now()
  private readonly connection: UpstreamConnection
  private readonly session: Http2Session

  constructor(upstream: Upstream, pool: UpstreamPool, buffers: BufferPool, leave: (session: UpstreamSession) => void) {
    this.connection = pool.acquire(upstream, this, false)
    const { wire } = this.connection
    this.session = new Http2Session({
      role: "client",
      transport: { write: (bytes) => wire.write(bytes), end: () => wire.end(), destroy: () => wire.destroy() },
      limits: defaultHttp2Limits,
      buffers,
      onActivity: () => (this.idleSince = performance.now()),
      onClosed: () => {
        this.gone = true
        leave(this)
        this.connection.discard()
      },
    })
  }

  get connected(): boolean {
    return this.connection.connected
  }

  get streams(): number {
    return this.session.streams
  }

  request(fields: readonly HeaderField[], end: boolean, user: StreamUser): Http2Stream | undefined {
    return this.gone || this.session.draining ? undefined : this.session.request(fields, end, user)
  }

  stop(): void {
    this.session.shut(ErrorCode.NO_ERROR, "")
  }

  onUpstreamConnected(): void {
    this.connectMs = performance.now() - this.startedAt
  }

  onUpstreamData(chunk: Buffer): void {
    this.session.receive(chunk)
  }

  onUpstreamEnd(): void {
    this.session.onTransportClosed()
  }

  onUpstreamClosed(): void {
    this.session.onTransportClosed()
  }

  onUpstreamDrain(): void {
    this.session.onTransportDrained()
  }
}

/** HTTP/2 connections by upstream, a bounded number each, ended when nothing used them for a while. */
export class UpstreamSessions {
  private byName = new Map<string, UpstreamSession[]>()
  private buffers = new BufferPool(defaultHttp2Limits.outputBytes)
  private timer: Timer | undefined

  constructor(
    private pool: UpstreamPool,
    private limits: EdgeLimits,
  ) {}

  /** Opens a stream on the first connection that has room, or a new one; undefined when the bound is reached and all are full. */
  request(
    upstream: Upstream,
    fields: readonly HeaderField[],
    end: boolean,
    user: StreamUser,
  ): { stream: Http2Stream; session: UpstreamSession } | undefined {
    const name = this.pool.nameOf(upstream)
    const sessions = this.byName.get(name) ?? []
    for (const session of sessions) {
      const stream = session.request(fields, end, user)
      if (stream) return { stream, session }
    }
    if (sessions.length >= this.limits.sessionsPerTarget) return undefined
    const session = new UpstreamSession(upstream, this.pool, this.buffers, (gone) => this.forget(name, gone))
    this.byName.set(name, [...sessions, session])
    this.timer ??= setInterval(() => this.sweep(), 1000)
    const stream = session.request(fields, end, user)
    return stream && { stream, session }
  }

  /** Ends every connection. */
  stop(): void {
    clearInterval(this.timer)
    this.timer = undefined
    for (const session of [...this.byName.values()].flat()) session.stop()
  }

  private forget(name: string, gone: UpstreamSession): void {
    const left = (this.byName.get(name) ?? []).filter((session) => session !== gone)
    if (left.length > 0) this.byName.set(name, left)
    else this.byName.delete(name)
    if (this.byName.size > 0) return
    clearInterval(this.timer)
    this.timer = undefined
  }

  private sweep(): void {
    const before = performance.now() - this.limits.idleMs
    for (const session of [...this.byName.values()].flat()) if (session.streams === 0 && session.idleSince < before) session.stop()
  }
}
