import type { Log } from "../log"
import type { BufferBudget } from "./buffer-budget"
import type { EdgeLimits } from "./limits"
import type { Upstream } from "./route-table"
import { UpstreamHealth } from "./upstream-health"
import { Wire, wireHandlers, type WireUser } from "./wire"

/** Who a connection's bytes belong to at the moment. */
export interface UpstreamUser {
  onUpstreamConnected(): void
  onUpstreamData(chunk: Buffer): void
  onUpstreamEnd(): void
  /** Called once, last, after the end or a fault. */
  onUpstreamClosed(): void
  onUpstreamDrain(): void
}

/** `retired` ones have left the pool, with nothing open. */
type Target = {
  name: string
  upstream: Upstream
  health: UpstreamHealth
  idle: UpstreamConnection[]
  open: number
  usedAt: number
  retired: boolean
}

/** What was learned of an upstream is kept so long after its last connection. */
const MEMORY_MS = 60_000
const SWEEP_MS = 1000
/** After so long without a packet the kernel asks whether the other end is still there, then each second, and after ten times it breaks the connection. */
const KEEP_ALIVE_MS = 5000

/** What every connection's Wire is made of. */
type WireParts = { handlers: ReturnType<typeof wireHandlers>; budget?: BufferBudget | undefined }

/** One connection to an upstream. Without a user, any byte or end on it makes it unfit for the next request. */
export class UpstreamConnection implements WireUser {
  readonly wire: Wire
  connected = false
  reused = false
  timedOut = false
  idleSince = 0
  user: UpstreamUser | undefined
  readonly bornAt = performance.now()
  private timer: Timer | undefined

  constructor(
    readonly target: Target,
    connectMs: number,
    mayOpen: boolean,
    { handlers, budget }: WireParts,
    private forget: (connection: UpstreamConnection) => void,
  ) {
    const { upstream, health } = target
    const wire = new Wire(budget)
    wire.user = this
    this.wire = wire
    if (!mayOpen || !health.mayTry(this.bornAt)) {
      queueMicrotask(() => wire.destroy())
      return
    }
    this.timer = setTimeout(() => {
      this.timedOut = true
      health.timedOut(performance.now())
      wire.destroy()
    }, connectMs)
    const tls = "unix" in upstream ? undefined : upstream.tls
    const open = (opened: Bun.Socket<Wire>) => {
      clearTimeout(this.timer)
      if (!this.timedOut) health.accepted()
      // A container's network may go without a word, and a bridge that loses a port may change its address, which others hear from our next packet.
      if (!("unix" in upstream)) opened.setKeepAlive(true, KEEP_ALIVE_MS)
      this.connected = !wire.closed
      wire.open(opened)
      this.user?.onUpstreamConnected()
    }
    const socket = {
      ...handlers,
      // Over TLS nothing is sent before it is known who is there.
      open: (opened: Bun.Socket<Wire>) => {
        if (tls === undefined) open(opened)
      },
      handshake: (opened: Bun.Socket<Wire>, success: boolean, problem: Error | null) => {
        if (success && problem === null) return open(opened)
        if (!this.timedOut) health.accepted()
        opened.terminate()
        wire.destroy()
      },
      connectError: (_: unknown, error: Error & { code?: string }) => {
        // Whoever refuses is there; a host that cannot be reached costs each visitor seconds, as a time-out does.
        if (error.code === "EHOSTUNREACH" || error.code === "ETIMEDOUT") health.timedOut(performance.now())
        else if (!this.timedOut) health.refused(performance.now())
        // For a Unix socket this comes out of the call to `connect`, before anybody has the connection.
        queueMicrotask(() => wire.onClosed())
      },
    }
    // What went wrong is told to `connectError`, which comes first.
    const options = { allowHalfOpen: true, data: wire, socket }
    const connecting = Promise.try(() =>
      "unix" in upstream
        ? Bun.connect({ unix: upstream.unix, ...options })
        : Bun.connect({ hostname: upstream.host, port: upstream.port, ...options, ...(tls === undefined ? {} : { tls }) }),
    )
    connecting.catch(() => wire.onClosed())
  }

  onData(chunk: Buffer): void {
    if (this.user) this.user.onUpstreamData(chunk)
    else this.wire.destroy()
  }

  onEnd(): void {
    if (this.user) this.user.onUpstreamEnd()
    else this.wire.destroy()
  }

  onDrain(): void {
    this.user?.onUpstreamDrain()
  }

  onClosed(): void {
    clearTimeout(this.timer)
    const { user } = this
    this.user = undefined
    this.forget(this)
    user?.onUpstreamClosed()
  }

  /** Gives up the connection at once; its user hears nothing more. */
  discard(): void {
    this.user = undefined
    this.wire.destroy()
  }
}

/** Keep-alive connections by target, bounded in number, idle time and age. */
export class UpstreamPool {
  private targets = new Map<string, Target>()
  /** Routes that share an upstream object need no name made at each request. */
  private known = new WeakMap<Upstream, Target>()
  private open = new Set<UpstreamConnection>()
  private timer: Timer | undefined
  private stopped = false

  private parts: WireParts

  constructor(
    private limits: EdgeLimits,
    log: Log,
    budget?: BufferBudget,
  ) {
    this.parts = { handlers: wireHandlers(log), budget }
  }

  /** An idle connection where `mayReuse`, else a new one, which may be written to before it is connected. */
  acquire(upstream: Upstream, user: UpstreamUser, mayReuse: boolean): UpstreamConnection {
    const target = this.targetOf(upstream)
    if (mayReuse && target.idle.length > 0) {
      const now = performance.now()
      for (let connection = target.idle.pop(); connection; connection = target.idle.pop()) {
        if (connection.wire.closed || now - connection.idleSince > this.limits.poolIdleMs) {
          connection.discard()
          continue
        }
        connection.reused = true
        connection.user = user
        return connection
      }
    }
    const mayOpen = this.open.size < this.limits.upstreamConnections
    const connection = new UpstreamConnection(target, this.limits.connectMs, mayOpen, this.parts, (gone) => this.forget(gone))
    this.open.add(connection)
    target.open++
    connection.user = user
    return connection
  }

  /** Takes back a connection whose request and response are both complete. */
  release(connection: UpstreamConnection): void {
    const now = performance.now()
    connection.user = undefined
    const { idle } = connection.target
    const unfit = connection.wire.closed || connection.wire.writableLength > 0 || now - connection.bornAt > this.limits.poolAgeMs
    if (this.stopped || unfit || idle.length >= this.limits.poolIdlePerTarget) return connection.discard()
    connection.idleSince = now
    connection.wire.resume()
    idle.push(connection)
    this.sweepLater()
  }

  /** Open connections, busy ones included. */
  get size(): number {
    return this.open.size
  }

  /** Whether an upstream took connections until at most `limitMs` ago, and takes none now. */
  isExpectedBack(upstream: Upstream, limitMs: number): boolean {
    return this.targetOf(upstream).health.isExpectedBack(performance.now(), limitMs)
  }

  /** How an upstream is named in the access log. */
  nameOf(upstream: Upstream): string {
    return this.targetOf(upstream).name
  }

  /** Ends every connection; the pool is not used afterwards. */
  stop(): void {
    this.stopped = true
    clearInterval(this.timer)
    this.timer = undefined
    for (const connection of this.open) connection.wire.destroy()
  }

  private targetOf(upstream: Upstream): Target {
    const known = this.known.get(upstream)
    if (known && !known.retired) return known
    const name = upstreamName(upstream)
    let target = this.targets.get(name)
    if (!target) {
      const usedAt = performance.now()
      target = { name, upstream, health: new UpstreamHealth(), idle: [], open: 0, usedAt, retired: false }
      this.targets.set(name, target)
      this.sweepLater()
    }
    this.known.set(upstream, target)
    return target
  }

  private forget(connection: UpstreamConnection): void {
    if (!this.open.delete(connection)) return
    const { target } = connection
    target.open--
    target.usedAt = performance.now()
    const at = target.idle.indexOf(connection)
    if (at < 0) return
    target.idle.splice(at, 1)
  }

  private sweepLater(): void {
    if (!this.stopped) this.timer ??= setInterval(() => this.sweep(), Math.min(SWEEP_MS, this.limits.poolIdleMs))
  }

  private sweep(): void {
    const now = performance.now()
    for (const [name, target] of this.targets) {
      // The oldest are in front, since the last one released is the first one reused.
      while (target.idle[0] && now - target.idle[0].idleSince > this.limits.poolIdleMs) target.idle.shift()!.discard()
      if (target.open > 0 || now - target.usedAt < MEMORY_MS) continue
      target.retired = true
      this.targets.delete(name)
    }
    if (this.targets.size > 0) return
    clearInterval(this.timer)
    this.timer = undefined
  }
}

function upstreamName(upstream: Upstream): string {
  if ("unix" in upstream) return `unix:${upstream.unix}`
  const address = upstream.host.includes(":") ? `[${upstream.host}]:${upstream.port}` : `${upstream.host}:${upstream.port}`
  // Connections to two names at one address are not one another's.
  return upstream.tls === undefined ? address : `${upstream.tls.serverName}@${address}`
}
