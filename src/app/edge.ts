import type { ChallengeCertificate } from "../acme/challenges"
import type { ActivationSockets, ConfigInForce } from "../config"
import { AccessLog } from "../edge/access-log"
import { BufferBudget, bufferShare } from "../edge/buffer-budget"
import { EdgeListener, type ListenerOptions } from "../edge/listener"
import { PlainListener } from "../edge/plain-listener"
import type { RequestTap } from "../edge/request-tap"
import type { RouteTable } from "../edge/route-table"
import { threadCount } from "../edge/thread-count"
import { ThreadGroup } from "../edge/thread-group"
import type { EdgeLoad } from "../edge/thread-messages"
import type { TrafficCounters } from "../edge/traffic-counters"
import { TrustedProxies } from "../edge/trusted-proxies"
import { listenAt, takeOver } from "../listen"
import type { Log } from "../log"
import { memoryLimit } from "../memory-limit"
import type { RequestBatch } from "../traffic/requests"
import type { Certification } from "./certification"

export type EdgeNeeds = {
  config: ConfigInForce
  sockets: ActivationSockets
  routes: RouteTable
  certification: Pick<Certification, "secureContext" | "pair" | "challengeContext" | "httpAnswer">
  /** Starts a thread that runs `edge/edge-thread.ts`. */
  openThread: () => Worker
  /** Takes lines of the access log; resolves when they are on their way and rejects when they are lost. */
  write: (lines: string | Uint8Array) => Promise<void>
  traffic: TrafficCounters
  /** Takes down requests in this thread. */
  tap: RequestTap
  /** Takes requests of watched hosts from other threads. */
  onRequests: (batches: RequestBatch[]) => void
  log: Log
}

/** A handshake may wait for its certificate to be made. */
export const HANDSHAKE_MS = 25_000

/**
 * What visitors meet: the HTTPS and the plain listener over one route table, with their access log. HTTPS is served by this thread, or by several
 * others.
 */
export class Edge {
  /** Ports really listened on; before the start those of the settings. */
  httpsPort: number
  httpPort: number
  /** What all connections of this thread may hold for peers who do not take it. */
  readonly budget: BufferBudget
  private accessLog: AccessLog
  private trusted: TrustedProxies | undefined
  private threads: ThreadGroup | undefined
  private secure: EdgeListener | ThreadGroup
  private plain: PlainListener

  constructor(private needs: EdgeNeeds) {
    const { config, routes, certification, traffic, tap, write, log } = needs
    this.httpsPort = config.current.httpsListen.port
    this.httpPort = config.current.httpListen.port
    this.accessLog = new AccessLog(write)
    this.reload()
    const { proxyProtocol } = config.current
    const count = this.threadCount()
    const bufferBytes = bufferShare(memoryLimit(), count > 1 ? count + 1 : 1)
    this.budget = new BufferBudget(bufferBytes, log)
    const shared: ListenerOptions = {
      routes,
      log,
      accessLog: this.accessLog,
      isLogged: () => this.isLogged,
      maxConnections: () => config.current.maxConnections,
      trusted: () => this.trusted,
      proxies: proxyProtocol.length === 0 ? undefined : new TrustedProxies(proxyProtocol),
      traffic,
      tap,
      holdMs: () => config.current.holdLimitMs,
      budget: this.budget,
    }
    const { secureContext, challengeContext, httpAnswer } = certification
    const limits = { handshakeMs: HANDSHAKE_MS }
    if (count > 1) this.threads = this.openGroup(count, bufferBytes)
    this.secure = this.threads ?? new EdgeListener({ ...shared, secureContext, challengeContext, limits })
    this.plain = new PlainListener({ ...shared, challenge: httpAnswer, httpsPort: () => this.httpsPort })
  }

  /** Takes over what has to be brought somewhere; what else can change is looked at each time. */
  reload(): void {
    const { trustedProxies } = this.needs.config.current
    this.trusted = trustedProxies.length === 0 ? undefined : new TrustedProxies(trustedProxies)
    this.threads?.configure()
  }

  /** The certificate of a name was replaced or taken away. */
  forgetCertificate(hostname: string): void {
    this.threads?.forgetCertificate(hostname)
  }

  /** Puts a TLS-ALPN-01 challenge up in the threads, or takes it down; resolves when it is so. */
  async challenge(hostname: string, certificate: ChallengeCertificate | undefined): Promise<void> {
    await this.threads?.challenge(hostname, certificate)
  }

  /** Has requests of these hosts told of, and of no others; resolves when it is so in every thread. */
  async watchRequests(hosts: string[]): Promise<void> {
    this.needs.tap.watch(hosts)
    await this.threads?.watch(hosts)
  }

  /** Listens on both ports; throws an error that names the setting, or the descriptor of a socket that was handed over. */
  async start(): Promise<void> {
    const { sockets, log } = this.needs
    const { httpsListen, httpListen, edgeWorkers } = this.needs.config.current
    this.httpsPort =
      sockets.https === undefined
        ? await listenAt("https_listen", httpsListen, this.secure)
        : await takeOver("https", sockets.https, this.secure)
    this.httpPort =
      sockets.http === undefined ? await listenAt("http_listen", httpListen, this.plain) : await takeOver("http", sockets.http, this.plain)
    log.info("the edge listens", { threads: this.threads?.size ?? 1, handedOver: Object.keys(sockets) })
    if (sockets.https !== undefined && (edgeWorkers ?? 1) > 1)
      log.warn("edge_workers does not count: one thread takes the socket that systemd handed over", { edgeWorkers })
  }

  /** What the listeners have in hand; that of threads as of the last time that their counts were gathered. */
  get load(): { https: EdgeLoad; http: EdgeLoad } {
    return { https: this.secure.load, http: this.plain.load }
  }

  /** Brings what threads counted of all hostnames together to the counters, and to `load`; never rejects. */
  async gatherTotals(): Promise<void> {
    await this.threads?.gatherTotals()
  }

  /** How many threads serve HTTPS, of how many there should be. */
  get serving(): { threads: number; wanted: number } {
    return this.threads?.serving ?? { threads: 1, wanted: 1 }
  }

  /** Takes no new connections and waits for requests under way, for at most `limitMs`. */
  async drain(limitMs: number): Promise<void> {
    await Promise.all([this.secure.drain(limitMs), this.plain.drain(limitMs)])
  }

  /** Ends everything at once; the access log has its last lines when this resolves. */
  async stop(): Promise<void> {
    await this.plain.stop()
    await this.secure.stop()
    await this.accessLog.stop()
  }

  /** A socket that was handed over is closed for all threads when one of them stops, so one takes it. */
  private threadCount(): number {
    const { sockets, config } = this.needs
    return sockets.https === undefined ? threadCount(config.current.edgeWorkers) : 1
  }

  private openGroup(count: number, bufferBytes: number): ThreadGroup {
    const { config, routes, certification, openThread, write, traffic, onRequests, log } = this.needs
    return new ThreadGroup({
      count,
      openThread,
      routes,
      certificate: certification.pair,
      write,
      traffic,
      onRequests,
      settings: () => {
        const { maxConnections, trustedProxies, logLevel, holdLimitMs } = config.current
        return { maxConnections, trustedProxies, isLogged: this.isLogged, logLevel, holdMs: holdLimitMs }
      },
      proxyProtocol: config.current.proxyProtocol,
      handshakeMs: HANDSHAKE_MS,
      bufferBytes,
      log,
    })
  }

  /** A visit is news of level info. */
  private get isLogged(): boolean {
    const { accessLog, logLevel } = this.needs.config.current
    return accessLog && (logLevel === "info" || logLevel === "debug")
  }
}
