import { connect, type Socket } from "node:net"
import type { EdgeLimits } from "./limits"
import type { Upstream } from "./route-table"

/** Who a connection's bytes belong to at the moment. */
export interface UpstreamUser {
  onUpstreamConnected(): void
  onUpstreamData(chunk: Buffer): void
  onUpstreamEnd(): void
  /** Called once, last, after the end or a fault. */
  onUpstreamClosed(): void
  onUpstreamDrain(): void
}

type Target = { name: string; upstream: Upstream; idle: UpstreamConnection[] }

/** One socket to an upstream. Without a user, any byte or end on it makes it unfit for the next request. */
export class UpstreamConnection {
  readonly socket: Socket
  connected = false
  reused = false
  timedOut = false
  idleSince = 0
  user: UpstreamUser | undefined
  readonly bornAt = performance.now()

  constructor(
    readonly target: Target,
    connectMs: number,
    forget: (connection: UpstreamConnection) => void,
  ) {
    const { upstream } = target
    const options = "unix" in upstream ? { path: upstream.unix } : { host: upstream.host, port: upstream.port }
    const socket = connect({ ...options, allowHalfOpen: true, noDelay: true })
    this.socket = socket
    const timer = setTimeout(() => {
      this.timedOut = true
      socket.destroy()
    }, connectMs)
    socket.on("connect", () => {
      clearTimeout(timer)
      this.connected = true
      this.user?.onUpstreamConnected()
    })
    socket.on("data", (chunk: Buffer) => (this.user ? this.user.onUpstreamData(chunk) : socket.destroy()))
    socket.on("end", () => (this.user ? this.user.onUpstreamEnd() : socket.destroy()))
    socket.on("drain", () => this.user?.onUpstreamDrain())
    // The fault itself is told by what follows it: a close without an end.
    socket.on("error", () => socket.destroy())
    socket.on("close", () => {
      clearTimeout(timer)
      const { user } = this
      this.user = undefined
      forget(this)
      user?.onUpstreamClosed()
    })
  }

  /** Gives up the connection at once; its user hears nothing more. */
  discard(): void {
    this.user = undefined
    this.socket.destroy()
  }
}

/** Keep-alive connections by target, bounded in number, idle time and age. */
export class UpstreamPool {
  private targets = new Map<string, Target>()
  private open = new Set<UpstreamConnection>()
  private timer: Timer | undefined
  private idleCount = 0
  private stopped = false

  constructor(private limits: EdgeLimits) {}

  /** An idle connection where `mayReuse`, else a new one, which may be written to before it is connected. */
  acquire(upstream: Upstream, user: UpstreamUser, mayReuse: boolean): UpstreamConnection {
    const target = this.targetOf(upstream)
    const now = performance.now()
    for (let connection = mayReuse ? target.idle.pop() : undefined; connection; connection = target.idle.pop()) {
      this.idleCount--
      if (connection.socket.destroyed || !connection.socket.writable || now - connection.idleSince > this.limits.poolIdleMs) {
        connection.discard()
        continue
      }
      connection.reused = true
      connection.user = user
      return connection
    }
    const connection = new UpstreamConnection(target, this.limits.connectMs, (gone) => this.forget(gone))
    this.open.add(connection)
    connection.user = user
    return connection
  }

  /** Takes back a connection whose request and response are both complete. */
  release(connection: UpstreamConnection): void {
    const now = performance.now()
    connection.user = undefined
    const { idle } = connection.target
    const unfit = connection.socket.destroyed || connection.socket.writableLength > 0 || now - connection.bornAt > this.limits.poolAgeMs
    if (this.stopped || unfit || idle.length >= this.limits.poolIdlePerTarget) return connection.discard()
    connection.idleSince = now
    connection.socket.resume()
    idle.push(connection)
    this.idleCount++
    this.timer ??= setInterval(() => this.sweep(), Math.min(1000, this.limits.poolIdleMs))
  }

  /** Open connections, busy ones included. */
  get size(): number {
    return this.open.size
  }

  /** Ends every connection; the pool is not used afterwards. */
  stop(): void {
    this.stopped = true
    clearInterval(this.timer)
    this.timer = undefined
    for (const connection of this.open) connection.socket.destroy()
  }

  private targetOf(upstream: Upstream): Target {
    const name = upstreamName(upstream)
    let target = this.targets.get(name)
    if (!target) this.targets.set(name, (target = { name, upstream, idle: [] }))
    return target
  }

  private forget(connection: UpstreamConnection): void {
    this.open.delete(connection)
    const { target } = connection
    const at = target.idle.indexOf(connection)
    if (at < 0) return
    target.idle.splice(at, 1)
    this.idleCount--
  }

  private sweep(): void {
    const now = performance.now()
    for (const [name, target] of this.targets) {
      // The oldest are in front, since the last one released is the first one reused.
      while (target.idle[0] && now - target.idle[0].idleSince > this.limits.poolIdleMs) {
        this.idleCount--
        target.idle.shift()!.discard()
      }
      if (target.idle.length === 0) this.targets.delete(name)
    }
    if (this.idleCount > 0) return
    clearInterval(this.timer)
    this.timer = undefined
  }
}

/** How an upstream is named in the access log. */
export function upstreamName(upstream: Upstream): string {
  if ("unix" in upstream) return `unix:${upstream.unix}`
  return upstream.host.includes(":") ? `[${upstream.host}]:${upstream.port}` : `${upstream.host}:${upstream.port}`
}
