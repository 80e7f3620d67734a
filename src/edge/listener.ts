import type { SecureContext } from "node:tls"
import { describeError } from "../errors"
import type { Log } from "../log"
import { Acceptor, type ListenAt, nativeContext, type ServerSocket } from "./acceptor"
import type { AccessLog } from "./access-log"
import type { BufferBudget } from "./buffer-budget"
import type { Client } from "./client"
import { ConnectionSet } from "./connection-set"
import { Http2Connection } from "./http2-connection"
import type { EdgeLimits } from "./limits"
import { Http1Connection } from "./http1-connection"
import { httpsRedirect } from "./https-redirect"
import { type ClientFacts, type RelayContext, relayContext, type Traffic } from "./relay-context"
import type { RequestHead } from "./request-head"
import type { RequestTap } from "./request-tap"
import type { RouteTable } from "./route-table"
import { parseServerName } from "./server-name"
import type { EdgeLoad } from "./thread-messages"
import type { TrustedProxies } from "./trusted-proxies"
import type { Wire } from "./wire"

/** What both listeners of the edge are made of. */
export type ListenerOptions = {
  routes: RouteTable
  log: Log
  accessLog: AccessLog
  limits?: Partial<EdgeLimits>
  now?: () => number
  /** Asked for each request; true unless told otherwise. */
  isLogged?: () => boolean
  /** The bound of client connections at the moment; that of `limits` unless told otherwise. */
  maxConnections?: () => number
  /** The proxies whose X-Forwarded-For counts at the moment. */
  trusted?: () => TrustedProxies | undefined
  /** Connections from these networks begin with a PROXY header. */
  proxies?: TrustedProxies
  traffic?: Traffic
  /** Takes down requests of names that somebody watches. */
  tap?: RequestTap
  /** How long a request waits at the moment for an application that is on its way up; that of `limits` unless told otherwise. */
  holdMs?: () => number
  /** Shared with other listeners of the thread; one of its own unless told otherwise. */
  budget?: BufferBudget
}

/**
 * What the TLS edge is made of. `secureContext` throws to refuse a name; `challengeContext` answers while a TLS-ALPN-01 challenge is pending for it.
 * With `redirectPort`, requests in clear are taken at the same port, and led to HTTPS at that one unless their route says `plain`.
 */
export type EdgeOptions = ListenerOptions & {
  redirectPort?: () => number
  secureContext: (serverName: string) => SecureContext | Promise<SecureContext>
  challengeContext?: (serverName: string) => SecureContext | undefined
}

/** In the order of our liking. */
const spoken = ["h2", "http/1.1"]

/**
 * The TLS edge: ClientHello → server name → secure context → ALPN → relay.
 *
 * - A name that is missing or malformed is refused before anything is asked about it.
 * - Bun 1.4.5 shows the client's ALPN only after the certificate was chosen. So while a TLS-ALPN-01 challenge (RFC 8737) is pending for a
 *   name, every handshake for it gets the challenge certificate, and only `acme-tls/1` may be spoken, of which the handshake is all.
 */
export class EdgeListener {
  private context: RelayContext
  private acceptor: Acceptor
  private clients: ConnectionSet<Client>
  private draining = false
  private unwatch: () => void
  private leaveBudget: () => void

  constructor(private options: EdgeOptions) {
    const { log, proxies, redirectPort, routes } = options
    const answer = (head: RequestHead, facts: ClientFacts) =>
      facts.tls === "" && redirectPort !== undefined ? httpsRedirect(head, routes, redirectPort()) : undefined
    this.context = relayContext({ ...options, isDraining: () => this.draining, ...(redirectPort === undefined ? {} : { answer }) })
    const { limits } = this.context
    this.clients = new ConnectionSet(limits.connections, limits.sweepMs)
    this.unwatch = options.routes.watchRemovals((removed) => {
      for (const client of this.clients) if (removed.has(client.serverName)) client.retire()
    })
    this.leaveBudget = this.context.budget.join({ clients: this.clients, onCut: () => options.traffic?.totals?.connection("cut_off") })
    this.acceptor = new Acceptor({
      limits,
      log,
      budget: this.context.budget,
      proxies,
      totals: options.traffic?.totals,
      tls: {
        serverName: (_, name, socket) => this.chooseContext(name, socket),
        alpnCallback: (_, name, offer) => this.chooseProtocol(name, offer),
      },
      hasRoom: () => this.clients.size + this.acceptor.size < (options.maxConnections?.() ?? limits.connections),
      serve: (wire, socket, address) => this.serve(wire, socket, address),
      ...(redirectPort === undefined ? {} : { serveInClear: (wire: Wire, address: string) => this.serveInClear(wire, address) }),
    })
  }

  /** Connections with a completed handshake. */
  get connections(): number {
    return this.clients.size
  }

  get load(): EdgeLoad {
    return { connections: this.connections, held: this.held }
  }

  /** Requests that wait for an application. */
  get held(): number {
    return this.context.holds.size
  }

  /** Bytes held for clients that do not take them. */
  get bufferedBytes(): number {
    let sum = 0
    for (const client of this.clients) sum += client.bufferedBytes
    return sum
  }

  /** Listens; throws when the address is taken. Port 0 takes a free one; with `reusePort` other threads may take the same. */
  async start(at: ListenAt, reusePort = false): Promise<{ port: number }> {
    return this.acceptor.start(at, reusePort)
  }

  /** Takes no new connections, lets requests under way finish for at most `ms`, then stops. */
  async drain(ms: number): Promise<void> {
    const end = performance.now() + ms
    this.draining = true
    this.context.holds.stop()
    for (const client of this.clients) client.drain()
    await this.acceptor.drain(ms)
    await this.clients.emptied(end - performance.now())
    await this.stop()
  }

  /** Ends everything at once. */
  async stop(): Promise<void> {
    this.draining = true
    this.unwatch()
    this.leaveBudget()
    this.acceptor.stop()
    this.context.holds.stop()
    for (const client of this.clients) client.destroy()
    this.context.sessions.stop()
    this.context.pool.stop()
  }

  private chooseContext(raw: string, socket: ServerSocket): unknown {
    const name = parseServerName(raw)
    if (name === undefined) return new Error("the server name is missing or malformed")
    const challenge = this.options.challengeContext?.(name)
    if (challenge) return nativeContext(challenge)
    try {
      const chosen = this.options.secureContext(name)
      if (!(chosen instanceof Promise)) return nativeContext(chosen)
      chosen.then(
        (context) => socket.resumeSNI(nativeContext(context), false),
        (error) => this.refuse(name, socket, error),
      )
      return true
    } catch (error) {
      return new Error(`refused: ${describeError(error)}`)
    }
  }

  private refuse(serverName: string, socket: ServerSocket, error: unknown): void {
    this.options.log.debug("handshake refused", { serverName, error })
    socket.resumeSNI(undefined, true)
  }

  private chooseProtocol(raw: string, offer: Uint8Array): string | undefined {
    const protocols = offeredProtocols(offer)
    const name = parseServerName(raw)
    const challenged = name !== undefined && this.options.challengeContext?.(name) !== undefined
    if (protocols.includes("acme-tls/1")) return challenged ? "acme-tls/1" : undefined
    return spoken.find((protocol) => protocols.includes(protocol))
  }

  private serve(wire: Wire, socket: ServerSocket, address: string): void {
    const name = parseServerName(socket.getServername())
    const protocol = socket.alpnProtocol || "http/1.1"
    if (name === undefined) return wire.destroy()
    if (protocol === "acme-tls/1") return wire.end()
    if (this.options.challengeContext?.(name)) return wire.destroy()
    this.add(protocol === "h2" ? Http2Connection : Http1Connection, wire, { serverName: name, address, tls: socket.getTLSVersion() })
  }

  private serveInClear(wire: Wire, address: string): void {
    this.add(Http1Connection, wire, { serverName: "", address, tls: "" })
  }

  private add(Connection: typeof Http1Connection | typeof Http2Connection, wire: Wire, facts: ClientFacts): void {
    const leave = (gone: Client, successor?: Client) => this.clients.delete(gone, successor)
    const client = new Connection(wire, facts, this.context, leave)
    this.clients.add(client)
    if (this.draining) client.drain()
  }
}

function offeredProtocols(wire: Uint8Array): string[] {
  const bytes = Buffer.from(wire.buffer, wire.byteOffset, wire.byteLength)
  const protocols: string[] = []
  for (let at = 0; at < bytes.length; at += 1 + bytes[at]!) protocols.push(bytes.toString("latin1", at + 1, at + 1 + bytes[at]!))
  return protocols
}
