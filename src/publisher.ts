import type { Route, RouteTable, Upstream } from "./edge/route-table"

/** Where a container is right now, as far as the edge cares. */
export type ContainerTarget = { running: boolean; reason?: string; address?: string; port: (targetPort: number) => number }

/** A verified mapping, as far as the edge cares; `accessLog` is 0 or 1. */
export type RouteMapping = {
  domain: string
  containerId: string
  targetPort: number
  http: "redirect" | "serve"
  upstreamProtocol: "http1" | "h2c"
  accessLog: number
}

/** What the route table is made from. */
export type RouteSources = {
  mappings: () => Promise<RouteMapping[]>
  containers: () => Promise<Map<string, ContainerTarget>>
  /** The platform's own hosts, served by this process. */
  ownHosts: string[]
  ownUpstream: Upstream
}

/** Makes the edge's route table from mappings and containers, whole at each change. */
export class Publisher {
  private running: Promise<void> | undefined
  private next: Promise<void> | undefined

  constructor(
    private sources: RouteSources,
    private table: RouteTable,
  ) {}

  /** Resolves when everything that was stored before the call is live. Calls during a run share the one run after it. */
  publish(): Promise<void> {
    if (this.running === undefined) {
      this.running = this.run()
      return this.running
    }
    this.next ??= this.running
      .catch(() => {})
      .then(() => {
        this.next = undefined
        this.running = this.run()
        return this.running
      })
    return this.next
  }

  private async run(): Promise<void> {
    try {
      const [mappings, containers] = await Promise.all([this.sources.mappings(), this.sources.containers()])
      await this.table.replace(this.routes(mappings, containers))
    } finally {
      this.running = undefined
    }
  }

  /** Our own hosts come last, so that no mapping takes their place. */
  private *routes(mappings: RouteMapping[], containers: Map<string, ContainerTarget>): Generator<Route> {
    // A hundred thousand names may lead to a few containers: what is equal is one object.
    const targets = new Map<string, Route["target"]>()
    for (const mapping of mappings) {
      const key = `${mapping.containerId} ${mapping.targetPort} ${mapping.upstreamProtocol}`
      let shared = targets.get(key)
      if (shared === undefined) targets.set(key, (shared = target(containers.get(mapping.containerId), mapping)))
      const route: Route = { host: mapping.domain, target: shared }
      if (mapping.http === "serve") route.plain = "serve"
      if (mapping.accessLog === 0) route.unlogged = true
      yield route
    }
    const own = { kind: "upstream", upstream: this.sources.ownUpstream } as const
    for (const host of this.sources.ownHosts) yield { host, target: own }
  }
}

function target(container: ContainerTarget | undefined, { targetPort, upstreamProtocol }: RouteMapping): Route["target"] {
  if (container === undefined || !container.running)
    return { kind: "stopped", reason: container?.reason ?? "the application is not running" }
  const { address } = container
  if (address === undefined) return { kind: "stopped", reason: "the application has no address yet" }
  const upstream: Upstream = { host: address, port: container.port(targetPort) }
  if (upstreamProtocol === "h2c") upstream.protocol = "h2c"
  return { kind: "upstream", upstream }
}
