import type { Failure } from "./error-page"
import type { EdgeLimits } from "./limits"
import type { RouteTable, Upstream } from "./route-table"
import type { UpstreamPool } from "./upstream-pool"

/** Whose request is held; one of the two is called, once, perhaps before the call that asked for the hold returns. */
export interface HeldRequest {
  /** The application may be there again: this is the moment to try. */
  onTurn(upstream: Upstream): void
  /** It did not come in time, or is not awaited. */
  onForsaken(failure: Failure): void
}

export type HoldNeeds = {
  routes: RouteTable
  pool: UpstreamPool
  limits: Pick<EdgeLimits, "held" | "heldPerHost" | "holdProbeMs">
  /** How long a request waits at most, as things are now. */
  holdMs: () => number
  now: () => number
}

/**
 * Requests for applications that are being started or restarted. Each waits for a bounded time, until its route leads to another place than
 * the one that did not take its connection; meanwhile the eldest of a host tries the same place again, for all of them.
 */
export class Holds {
  private byHost = new Map<string, Set<Hold>>()
  private timer: Timer | undefined
  private unwatch: (() => void) | undefined
  private stopped = false
  size = 0

  constructor(readonly needs: HoldNeeds) {}

  /** False when there is no room, or the listener is ending. */
  enter(hold: Hold): boolean {
    const { limits, routes } = this.needs
    const ofHost = this.byHost.get(hold.host)
    if (this.stopped || this.size >= limits.held || (ofHost?.size ?? 0) >= limits.heldPerHost) return false
    if (ofHost === undefined) this.byHost.set(hold.host, new Set([hold]))
    else ofHost.add(hold)
    this.size++
    this.timer ??= setInterval(() => this.look(true), limits.holdProbeMs)
    this.unwatch ??= routes.watchChanges(() => this.look(false))
    return true
  }

  leave(hold: Hold): void {
    const ofHost = this.byHost.get(hold.host)
    if (ofHost?.delete(hold) !== true) return
    if (ofHost.size === 0) this.byHost.delete(hold.host)
    if (--this.size === 0) this.rest()
  }

  /** A connection to an upstream came about: whoever waits for that one goes on. */
  accepted(name: string): void {
    if (this.size === 0) return
    for (const hold of this.all()) if (hold.refusedBy === name) hold.look(true)
  }

  /** Forsakes everybody who waits; nobody is held any more. */
  stop(): void {
    this.stopped = true
    for (const hold of this.all()) hold.forsake()
    this.rest()
  }

  private look(isProbe: boolean): void {
    const now = performance.now()
    for (const ofHost of this.byHost.values()) {
      let mayProbe = isProbe
      for (const hold of ofHost) {
        if (now >= hold.until) hold.forsake()
        else if (hold.look(mayProbe && hold.refusedBy !== undefined)) mayProbe = false
      }
    }
  }

  private all(): Hold[] {
    return [...this.byHost.values()].flatMap((ofHost) => Array.from(ofHost))
  }

  private rest(): void {
    clearInterval(this.timer)
    this.timer = undefined
    this.unwatch?.()
    this.unwatch = undefined
  }
}

/** The waiting of one request, however often it has to wait: its time is counted from the first. */
export class Hold {
  /** Of the monotonic clock. */
  until = 0
  /** The upstream that did not take its connection; undefined while the route itself is awaited. */
  refusedBy: string | undefined

  constructor(
    private holds: Holds,
    readonly host: string,
    private request: HeldRequest,
  ) {}

  /** Waits for a route that leads somewhere. */
  awaitRoute(): void {
    this.enter(undefined)
  }

  /**
   * Waits for an upstream that did not take a connection, or `broke` it, which for applications that may be restarted is the first sign of that.
   * Forsakes the request at once where nobody is awaited there.
   */
  awaitUpstream(upstream: Upstream, broke: boolean): void {
    const { pool, routes, now, holdMs } = this.holds.needs
    const route = routes.match(this.host)
    const name = pool.nameOf(upstream)
    this.refusedBy = name
    if (route === undefined) return this.forsake()
    const isThere = route.target.kind === "upstream" && pool.nameOf(route.target.upstream) === name
    const { awaitedUntil } = route.target
    const isAwaited = (awaitedUntil ?? 0) > now() || (broke ? awaitedUntil !== undefined : pool.isExpectedBack(upstream, holdMs()))
    if (isThere && !isAwaited) return this.forsake()
    // The route may have changed while the connection was tried.
    if (this.enter(name) && !isThere) this.look(false)
  }

  leave(): void {
    this.holds.leave(this)
  }

  /** Goes on, or gives up, where the route says so; `mayProbe` goes on to the upstream that refused. True when it went on. */
  look(mayProbe: boolean): boolean {
    const { pool, routes, now } = this.holds.needs
    const route = routes.match(this.host)
    if (route === undefined) return this.end("not_mapped")
    const { target } = route
    if (target.kind === "stopped") {
      if ((target.awaitedUntil ?? 0) <= now()) return this.end("stopped")
      this.refusedBy = undefined
      return false
    }
    if (!mayProbe && this.refusedBy === pool.nameOf(target.upstream)) return false
    this.leave()
    this.request.onTurn(target.upstream)
    return true
  }

  /** Gives up, with what it waited for. */
  forsake(): void {
    this.end(this.refusedBy === undefined ? "stopped" : "unreachable")
  }

  private enter(refusedBy: string | undefined): boolean {
    const now = performance.now()
    if (this.until === 0) this.until = now + this.holds.needs.holdMs()
    this.refusedBy = refusedBy
    const isHeld = now < this.until && this.holds.enter(this)
    if (!isHeld) this.forsake()
    return isHeld
  }

  private end(failure: Failure): false {
    this.leave()
    this.request.onForsaken(failure)
    return false
  }
}
