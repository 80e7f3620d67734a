import { changeBetween, grouped, hostsOf, type RouteChange, ungrouped } from "./route-change"

/**
 * Where a request goes: a TCP address (speaking HTTP/1.1, or HTTP/2 in clear where `protocol` says so; over TLS, whose certificate has to be valid for
 * the name, where `tls` is there), or a Unix socket (our own API).
 */
export type Upstream = { host: string; port: number; protocol?: "h2c"; tls?: { serverName: string } } | { unix: string }

/** Whether an upstream speaks HTTP/2 in clear (RFC 9113 section 3.3). */
export const speaksHttp2 = (upstream: Upstream) => "protocol" in upstream && upstream.protocol === "h2c"

/**
 * Where a hostname leads. `awaitedUntil` (clock time in milliseconds) stands with applications that may be started and restarted: until then one
 * that does not run, or does not take connections, is on its way up, and requests wait for it.
 */
export type Target =
  { kind: "upstream"; upstream: Upstream; awaitedUntil?: number } | { kind: "stopped"; reason: string; awaitedUntil?: number }

/**
 * One hostname of the edge, or `*.parent` for every name one label below `parent` that has no route of its own. `stopped` names are mapped and keep their TLS, but their application does not run: 503. Plain HTTP is redirected
 * unless `plain` says that it is served, and requests stand in the access log unless `unlogged`.
 */
export type Route = {
  host: string
  target: Target
  plain?: "serve"
  unlogged?: true
}

/** Whether a route leads to our own API. */
export const isOwnApi = (route: Route | undefined) => route?.target.kind === "upstream" && "unix" in route.target.upstream

/** Keeps a copy of the table elsewhere; resolves when the change holds there, and never rejects. */
export type RouteFollower = (change: RouteChange) => Promise<void>

/** Which server names have lost the route that they were served by. */
export type Removal = { has(serverName: string): boolean }

/**
 * Hostname → route, replaced whole on each change, so that a request sees one state and never half of two. With `beyond`, hosts that this table
 * does not have are looked for in another one, where `has` allows it.
 */
export class RouteTable {
  private routes = new Map<string, Route>()
  private followers = new Set<RouteFollower>()
  private watchers = new Set<(removed: Removal) => void>()
  private changeWatchers = new Set<() => void>()

  constructor(private beyond?: { table: RouteTable; has: (host: string) => boolean }) {}

  /**
   * Takes effect for the next request; requests under way keep the route they have. Hosts are canonical (`parseHost`). Resolves when it holds
   * at the followers too, who are told only what changed.
   */
  async replace(routes: Iterable<Route>): Promise<void> {
    const before = this.routes
    const next = new Map<string, Route>()
    for (const route of routes) next.set(route.host, route)
    this.routes = next
    if (this.watchers.size > 0) {
      const removed = new Set<string>()
      for (const host of before.keys()) if (!next.has(host)) removed.add(host)
      this.tell(removed)
    }
    for (const watch of this.changeWatchers) watch()
    if (this.followers.size === 0) return
    const change = changeBetween(before, next)
    if (change.set.length > 0 || change.removed !== "") await Promise.all([...this.followers].map((follow) => follow(change)))
  }

  /** Takes over a change as one step. */
  apply(change: RouteChange): void {
    const removed = new Set(hostsOf(change.removed))
    for (const host of removed) this.routes.delete(host)
    for (const route of ungrouped(change.set)) this.routes.set(route.host, route)
    this.tell(removed)
    for (const watch of this.changeWatchers) watch()
  }

  /** Tells of names that have lost their route, from now on, until the returned function is called. */
  watchRemovals(watcher: (removed: Removal) => void): () => void {
    this.watchers.add(watcher)
    const unwatchBeyond = this.beyond?.table.watchRemovals(watcher)
    return () => {
      this.watchers.delete(watcher)
      unwatchBeyond?.()
    }
  }

  /** Tells that some route may be another, from now on, until the returned function is called. */
  watchChanges(watcher: () => void): () => void {
    this.changeWatchers.add(watcher)
    const unwatchBeyond = this.beyond?.table.watchChanges(watcher)
    return () => {
      this.changeWatchers.delete(watcher)
      unwatchBeyond?.()
    }
  }

  /** Tells of each change from now on, until the returned function is called. */
  follow(follower: RouteFollower): () => void {
    this.followers.add(follower)
    return () => void this.followers.delete(follower)
  }

  /** What makes an empty table into this one. */
  whole(): RouteChange {
    return { set: grouped(this.routes.values()), removed: "" }
  }

  /** The route of a canonical hostname: its own, else that of the wildcard one level above (RFC 9525 section 6.3). In constant time. */
  match(host: string): Route | undefined {
    const route = this.routes.get(host) ?? this.routes.get(wildcardOf(host))
    if (route !== undefined || this.beyond === undefined || !this.beyond.has(host)) return route
    return this.beyond.table.match(host)
  }

  /** Whether there is a route of exactly this name, be it a wildcard: what may have a certificate. */
  has(name: string): boolean {
    return this.routes.has(name)
  }

  /** The name whose certificate serves a host, which is that of its route; the host itself where there is none. */
  certifiedBy(host: string): string {
    return this.match(host)?.host ?? host
  }

  /** Whether two different hosts are served by one wildcard, and so by one certificate, application and owner. */
  shareWildcard(one: string, other: string): boolean {
    const wildcard = wildcardOf(one)
    if (this.beyond?.has(one) === true && !this.routes.has(wildcard)) return this.beyond.table.shareWildcard(one, other)
    return wildcard === wildcardOf(other) && this.routes.has(wildcard) && !this.routes.has(one) && !this.routes.has(other)
  }

  get size(): number {
    return this.routes.size
  }

  private tell(removed: ReadonlySet<string>): void {
    if (removed.size === 0) return
    const { routes } = this
    // A name with a route of its own is not touched by the end of a wildcard above it.
    const removal = { has: (name: string) => removed.has(name) || (removed.has(wildcardOf(name)) && !routes.has(name)) }
    for (const watch of this.watchers) watch(removal)
  }
}

/** The wildcard that covers a host: its first label replaced. The empty name has none. */
const wildcardOf = (host: string): string => (host === "" ? "" : `*${host.slice(host.indexOf("."))}`)
