import type { Route, RouteTable, Upstream } from "./edge/route-table"

/** Where a container is right now, as far as the edge cares. */
export type ContainerTarget = { running: boolean; reason?: string; address?: string; port: (targetPort: number) => number }

/** What the route table is made from. */
export type RouteSources = {
  mappings: () => Promise<{ domain: string; containerId: string; targetPort: number }[]>
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
      const own = this.sources.ownHosts.map((host): Route => ({ host, target: { kind: "upstream", upstream: this.sources.ownUpstream } }))
      const mapped = mappings.map(({ domain, containerId, targetPort }) => ({
        host: domain,
        target: target(containers.get(containerId), targetPort),
      }))
      this.table.replace([...mapped, ...own])
    } finally {
      this.running = undefined
    }
  }
}

function target(container: ContainerTarget | undefined, targetPort: number): Route["target"] {
  if (container === undefined || !container.running)
    return { kind: "stopped", reason: container?.reason ?? "the application is not running" }
  const { address } = container
  if (address === undefined) return { kind: "stopped", reason: "the application has no address yet" }
  return { kind: "upstream", upstream: { host: address, port: container.port(targetPort) } }
}
