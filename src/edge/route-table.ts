/** Where a request goes: a TCP address (speaking HTTP/1.1, or HTTP/2 in clear where `protocol` says so), or a Unix socket (our own API). */
export type Upstream = { host: string; port: number; protocol?: "h2c" } | { unix: string }

/**
 * One hostname of the edge. `stopped` names are mapped and keep their TLS, but their application does not run: 503. Plain HTTP is redirected
 * unless `plain` says that it is served, and requests stand in the access log unless `unlogged`.
 */
export type Route = {
  host: string
  target: { kind: "upstream"; upstream: Upstream } | { kind: "stopped"; reason: string }
  plain?: "serve"
  unlogged?: true
}

/** Hostname → route, replaced whole on each change, so that a request sees one state and never half of two. */
export class RouteTable {
  private routes = new Map<string, Route>()

  /** Takes effect for the next request; requests under way keep the route they have. Hosts are canonical (`parseHost`). */
  replace(routes: Iterable<Route>): void {
    const next = new Map<string, Route>()
    for (const route of routes) next.set(route.host, route)
    this.routes = next
  }

  /** Exact match of a canonical hostname, in constant time. */
  match(host: string): Route | undefined {
    return this.routes.get(host)
  }

  get size(): number {
    return this.routes.size
  }
}
