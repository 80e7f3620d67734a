/** Where a request goes: a TCP address, or a Unix socket (our own API and dashboard in this process). */
export type Upstream = { host: string; port: number } | { unix: string }

/** One hostname of the edge. `stopped` names are mapped and keep their TLS, but their application does not run: 503. */
export type Route = { host: string; target: { kind: "upstream"; upstream: Upstream } | { kind: "stopped"; reason: string } }

/** Hostname → route, replaced whole on each change, so that a request sees one state and never half of two. */
export class RouteTable {
  private routes = new Map<string, Route>()

  /** Takes effect for the next request; requests under way keep the route they have. Hosts are canonical (`parseHost`). */
  replace(routes: Iterable<Route>): void {
    this.routes = new Map(Array.from(routes, (route) => [route.host, route]))
  }

  /** Exact match of a canonical hostname, in constant time. */
  match(host: string): Route | undefined {
    return this.routes.get(host)
  }

  get size(): number {
    return this.routes.size
  }
}
