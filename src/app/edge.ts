import type { ConfigInForce } from "../config"
import { AccessLog } from "../edge/access-log"
import { EdgeListener, type ListenerOptions } from "../edge/listener"
import { PlainListener } from "../edge/plain-listener"
import type { Traffic } from "../edge/relay-context"
import type { RouteTable } from "../edge/route-table"
import { TrustedProxies } from "../edge/trusted-proxies"
import { listenAt } from "../listen"
import type { Log } from "../log"
import type { Certification } from "./certification"

export type EdgeNeeds = {
  config: ConfigInForce
  routes: RouteTable
  certification: Pick<Certification, "secureContext" | "challengeContext" | "httpAnswer">
  /** Takes lines of the access log; resolves when they are on their way and rejects when they are lost. */
  write: (lines: string | Uint8Array) => Promise<void>
  traffic: Traffic
  log: Log
}

/** What visitors meet: the HTTPS and the plain listener over one route table, with their access log. */
export class Edge {
  /** Ports really listened on; before the start those of the settings. */
  httpsPort: number
  httpPort: number
  private accessLog: AccessLog
  private trusted: TrustedProxies | undefined
  private secure: EdgeListener
  private plain: PlainListener

  constructor(private needs: EdgeNeeds) {
    const { config, routes, certification, traffic, write, log } = needs
    this.httpsPort = config.current.httpsListen.port
    this.httpPort = config.current.httpListen.port
    this.accessLog = new AccessLog(write)
    this.reload()
    const { proxyProtocol } = config.current
    const shared: ListenerOptions = {
      routes,
      log,
      accessLog: this.accessLog,
      isLogged: () => this.isLogged,
      maxConnections: () => config.current.maxConnections,
      trusted: () => this.trusted,
      proxies: proxyProtocol.length === 0 ? undefined : new TrustedProxies(proxyProtocol),
      traffic,
    }
    const { secureContext, challengeContext, httpAnswer } = certification
    this.secure = new EdgeListener({ ...shared, secureContext, challengeContext, limits: { handshakeMs: 25_000 } })
    this.plain = new PlainListener({ ...shared, challenge: httpAnswer, httpsPort: () => this.httpsPort })
  }

  /** Takes over the trusted proxies; what else can change is looked at each time. */
  reload(): void {
    const { trustedProxies } = this.needs.config.current
    this.trusted = trustedProxies.length === 0 ? undefined : new TrustedProxies(trustedProxies)
  }

  /** Listens on both ports; throws an error that names the setting. */
  async start(): Promise<void> {
    const { httpsListen, httpListen } = this.needs.config.current
    this.httpsPort = await listenAt("https_listen", httpsListen, this.secure)
    this.httpPort = await listenAt("http_listen", httpListen, this.plain)
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

  /** A visit is news of level info. */
  private get isLogged(): boolean {
    const { accessLog, logLevel } = this.needs.config.current
    return accessLog && (logLevel === "info" || logLevel === "debug")
  }
}
