import type { Route, RouteTable, Target, Upstream } from "./edge/route-table"

/** Where a container is right now, as far as the edge cares; `awaitedUntil` as in the edge's `Target`. */
export type ContainerTarget = {
  running: boolean
  reason?: string
  address?: string
  awaitedUntil?: number
  port: (targetPort: number) => number
}

/** A verified mapping, as far as the edge cares; `accessLog` is 0 or 1. */
export type RouteMapping = {
  domain: string
  containerId: string
  targetPort: number
  http: "redirect" | "serve"
  upstreamProtocol: "http1" | "h2c"
  accessLog: number
}

/** A proven connection: its hostname, and a port of a container or an origin as it is now, or why it leads nowhere. */
export type RouteConnection = { host: string } & (
  { containerId: string; targetPort: number } | { origin: { address: string; port: number; serverName?: string } } | { nowhere: string }
)

/** A port of a container that is open to the world, at its own hostname. */
export type RouteRule = { host: string; containerId: string; port: number; targetPort: number }

/** Keeps the edge listening at ports besides its own: those of `routes`, each with its hostnames. Never rejects. */
export type PortRoutes = { replace(routes: Map<number, Route[]>): Promise<void> }

/** What the route table is made from. */
export type RouteSources = {
  mappings: () => Promise<RouteMapping[]>
  containers: () => Promise<Map<string, ContainerTarget>>
  /** Nobody's where it is absent. */
  connections?: () => Promise<RouteConnection[]>
  rules?: () => Promise<RouteRule[]>
  /** The platform's own hosts, served by this process. */
  ownHosts: string[]
  /** Further names that this process serves, which come and go. */
  furtherHosts?: () => Promise<string[]>
  ownUpstream: Upstream
}

/** Makes the edge's route table from mappings and containers, whole at each change. */
export class Publisher {
  private running: Promise<void> | undefined
  private next: Promise<void> | undefined

  constructor(
    private sources: RouteSources,
    private table: RouteTable,
    private ports?: PortRoutes,
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
      const { sources } = this
      const [mappings, containers, connections, rules, furtherHosts] = await Promise.all([
        sources.mappings(),
        sources.containers(),
        sources.connections?.() ?? [],
        sources.rules?.() ?? [],
        sources.furtherHosts?.() ?? [],
      ])
      await this.table.replace(this.routes(mappings, connections, rules, furtherHosts, containers))
      await this.ports?.replace(portRoutes(rules, containers))
    } finally {
      this.running = undefined
    }
  }

  /** Our own hosts come last, so that no mapping takes their place. */
  private *routes(
    mappings: RouteMapping[],
    connections: RouteConnection[],
    rules: RouteRule[],
    furtherHosts: string[],
    containers: Map<string, ContainerTarget>,
  ): Generator<Route> {
    // A hundred thousand names may lead to a few containers: what is equal is one object.
    const targets = new Map<string, Target>()
    for (const mapping of mappings) {
      const key = `${mapping.containerId} ${mapping.targetPort} ${mapping.upstreamProtocol}`
      let shared = targets.get(key)
      if (shared === undefined) targets.set(key, (shared = target(containers.get(mapping.containerId), mapping)))
      const route: Route = { host: mapping.domain, target: shared }
      if (mapping.http === "serve") route.plain = "serve"
      if (mapping.accessLog === 0) route.unlogged = true
      yield route
    }
    const origins = new Map<string, Route["target"]>()
    for (const connection of connections) yield { host: connection.host, target: connectionTarget(connection, containers, origins) }
    yield* ownNames(rules, containers)
    const own = { kind: "upstream", upstream: this.sources.ownUpstream } as const
    for (const host of [...furtherHosts, ...this.sources.ownHosts]) yield { host, target: own }
  }
}

/**
 * What the two ports of the edge lead to at the containers' own names: HTTPS to what the rule for 443 says, else to that for 80; plain HTTP is served
 * where a rule for 80 leads to the same port, and redirected otherwise. A name with rules for other ports only keeps its certificate.
 */
function* ownNames(rules: RouteRule[], containers: Map<string, ContainerTarget>): Generator<Route> {
  for (const [host, ofHost] of grouped(rules, ({ host }) => host)) {
    const [secure, plain] = [443, 80].map((port) => ofHost.find((rule) => rule.port === port))
    const rule = secure ?? plain
    if (rule === undefined) yield { host, target: { kind: "stopped", reason: "no ingress rule leads to this port" } }
    else {
      const route: Route = { host, target: ruleTarget(rule, containers) }
      if (plain?.targetPort === rule.targetPort) route.plain = "serve"
      yield route
    }
  }
}

/** Connections to one origin share its target, which is kept in `origins`. */
function connectionTarget(
  connection: RouteConnection,
  containers: Map<string, ContainerTarget>,
  origins: Map<string, Route["target"]>,
): Route["target"] {
  if ("nowhere" in connection) return { kind: "stopped", reason: connection.nowhere }
  if ("containerId" in connection)
    return target(containers.get(connection.containerId), { targetPort: connection.targetPort, upstreamProtocol: "http1" })
  const { address: host, port, serverName } = connection.origin
  const key = `${host} ${port} ${serverName ?? ""}`
  const known = origins.get(key)
  if (known !== undefined) return known
  const upstream: Upstream = { host, port, ...(serverName === undefined ? {} : { tls: { serverName } }) }
  const made: Route["target"] = { kind: "upstream", upstream }
  origins.set(key, made)
  return made
}

/** What the other ports lead to at the containers' own names, over HTTPS and in clear, since nobody says which of the two a port is for. */
function portRoutes(rules: RouteRule[], containers: Map<string, ContainerTarget>): Map<number, Route[]> {
  const others = rules.filter(({ port }) => port !== 443 && port !== 80)
  const byPort = grouped(others, ({ port }) => port)
  return new Map(
    [...byPort].map(([port, ofPort]) => [
      port,
      ofPort.map((rule): Route => ({ host: rule.host, target: ruleTarget(rule, containers), plain: "serve" })),
    ]),
  )
}

function grouped<T, K>(all: T[], key: (one: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const one of all) {
    const group = groups.get(key(one))
    if (group === undefined) groups.set(key(one), [one])
    else group.push(one)
  }
  return groups
}

const ruleTarget = ({ containerId, targetPort }: RouteRule, containers: Map<string, ContainerTarget>) =>
  target(containers.get(containerId), { targetPort, upstreamProtocol: "http1" })

type Aim = Pick<RouteMapping, "targetPort" | "upstreamProtocol">

function target(container: ContainerTarget | undefined, { targetPort, upstreamProtocol }: Aim): Target {
  const awaited = container?.awaitedUntil === undefined ? {} : { awaitedUntil: container.awaitedUntil }
  if (container === undefined || !container.running)
    return { kind: "stopped", reason: container?.reason ?? "the application is not running", ...awaited }
  const { address } = container
  if (address === undefined) return { kind: "stopped", reason: "the application has no address yet", ...awaited }
  const upstream: Upstream = { host: address, port: container.port(targetPort) }
  if (upstreamProtocol === "h2c") upstream.protocol = "h2c"
  return { kind: "upstream", upstream, ...awaited }
}
