import type { ConfigInForce } from "../config"
import { AccessLog } from "../edge/access-log"
import type { BufferBudget } from "../edge/buffer-budget"
import { EdgeListener } from "../edge/listener"
import { type Route, RouteTable } from "../edge/route-table"
import type { TrafficCounters } from "../edge/traffic-counters"
import type { RequestTap } from "../edge/request-tap"
import { TrustedProxies } from "../edge/trusted-proxies"
import { describeError } from "../errors"
import { isWithin } from "../hostname"
import { listenAt } from "../listen"
import type { Log } from "../log"
import type { Certification } from "./certification"
import { HANDSHAKE_MS } from "./edge"

export type PortNeeds = {
  config: ConfigInForce
  /** Of the edge: what it leads mapped hostnames to holds at every port. */
  routes: RouteTable
  /** Where HTTPS is at home. */
  httpsPort: () => number
  /** What all connections of this thread may hold for peers who do not take it. */
  budget: () => BufferBudget
  certification: Pick<Certification, "secureContext">
  write: (lines: string | Uint8Array) => Promise<void>
  traffic: TrafficCounters
  tap?: RequestTap
  log: Log
  now: () => number
}

type Open = { table: RouteTable; listener: EdgeListener }

/** A port is tried again after this long, when somebody asks for it then. */
const retryMs = 10_000

/**
 * The ports of ingress rules besides 80 and 443: HTTPS and plain HTTP at each port that some rule names, for the hostnames of its rules and for
 * mapped ones, by this thread. A port that cannot be listened at is logged, said with its rules, and tried again at a later change.
 */
export class PortListeners {
  private wanted = new Map<number, Route[]>()
  private open = new Map<number, Open>()
  private problems = new Map<number, { said: string; at: number }>()
  private accessLog: AccessLog
  private trusted: TrustedProxies | undefined
  private turn: Promise<void> = Promise.resolve()
  private state: "waiting" | "started" | "stopped" = "waiting"

  constructor(private needs: PortNeeds) {
    this.accessLog = new AccessLog(needs.write)
    this.reload()
  }

  /** Takes over what has to be made anew; what else can change is looked at each time. */
  reload(): void {
    const { trustedProxies } = this.needs.config.current
    this.trusted = trustedProxies.length === 0 ? undefined : new TrustedProxies(trustedProxies)
  }

  /** Why nothing is served at a port; undefined while it is, or nobody asked for it. */
  problem(port: number): string | undefined {
    return this.problems.get(port)?.said
  }

  /** Client connections at these ports. */
  get connections(): number {
    return this.connectionsBeside(undefined)
  }

  /** Before the start it is only kept in mind. */
  replace(routes: Map<number, Route[]>): Promise<void> {
    this.wanted = routes
    return this.settle()
  }

  async start(): Promise<void> {
    this.state = "started"
    await this.settle()
  }

  /** Takes no new connections and waits for requests under way, for at most `limitMs`. */
  async drain(limitMs: number): Promise<void> {
    this.state = "stopped"
    await this.turn
    await Promise.all([...this.open.values()].map(({ listener }) => listener.drain(limitMs)))
  }

  async stop(): Promise<void> {
    this.state = "stopped"
    await this.turn
    for (const { listener } of this.open.values()) await listener.stop()
    this.open.clear()
    await this.accessLog.stop()
  }

  private settle(): Promise<void> {
    this.turn = this.turn
      .then(() => this.bringAbout())
      .catch((error) => this.needs.log.error("the ports of ingress rules could not be brought about", { error }))
    return this.turn
  }

  private async bringAbout(): Promise<void> {
    if (this.state !== "started") return
    const { wanted } = this
    for (const [port, { table, listener }] of this.open) {
      if (wanted.has(port)) continue
      this.open.delete(port)
      await table.replace([])
      await listener.stop()
    }
    for (const port of this.problems.keys()) if (!wanted.has(port)) this.problems.delete(port)
    for (const [port, routes] of wanted) await (await this.listenAt(port))?.table.replace(routes)
  }

  private async listenAt(port: number): Promise<Open | undefined> {
    const known = this.open.get(port)
    if (known !== undefined) return known
    const { config, log } = this.needs
    if (this.needs.now() - (this.problems.get(port)?.at ?? -Infinity) < retryMs) return undefined
    const opened = this.make()
    try {
      await listenAt(`the ingress rule for port ${port} at`, { host: config.current.httpsListen.host, port }, opened.listener)
    } catch (error) {
      await opened.listener.stop()
      this.problems.set(port, { said: describeError(error), at: this.needs.now() })
      log.warn("the edge cannot listen at the port of an ingress rule", { port, error })
      return undefined
    }
    this.problems.delete(port)
    this.open.set(port, opened)
    log.info("the edge listens for ingress rules", { port })
    return opened
  }

  private make(): Open {
    const { config, routes, certification, traffic, tap, httpsPort, budget, log } = this.needs
    const { proxyProtocol, baseDomain } = config.current
    // Our own names, and those of containers without a rule for this port, are not served here.
    const table = new RouteTable({ table: routes, has: (host) => !isWithin(host, baseDomain) })
    const listener: EdgeListener = new EdgeListener({
      routes: table,
      log,
      accessLog: this.accessLog,
      isLogged: () => config.current.accessLog && ["info", "debug"].includes(config.current.logLevel),
      maxConnections: () => config.current.maxConnections - this.connectionsBeside(listener),
      trusted: () => this.trusted,
      proxies: proxyProtocol.length === 0 ? undefined : new TrustedProxies(proxyProtocol),
      traffic,
      ...(tap === undefined ? {} : { tap }),
      holdMs: () => config.current.holdLimitMs,
      limits: { handshakeMs: HANDSHAKE_MS },
      budget: budget(),
      secureContext: certification.secureContext,
      redirectPort: httpsPort,
    })
    return { table, listener }
  }

  /** The bound of connections holds for all of these ports together. */
  private connectionsBeside(one: EdgeListener | undefined): number {
    let sum = 0
    for (const { listener } of this.open.values()) if (listener !== one) sum += listener.connections
    return sum
  }
}
