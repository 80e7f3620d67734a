import { createServer, type SecureContext, type Server, type TLSSocket } from "node:tls"
import { describeError } from "../errors"
import type { Log } from "../log"
import type { AccessLog } from "./access-log"
import { ConnectionSet } from "./connection-set"
import { defaultLimits, type EdgeLimits } from "./limits"
import { ClientConnection } from "./relay"
import type { RouteTable } from "./route-table"
import { parseServerName } from "./server-name"
import { UpstreamPool } from "./upstream-pool"

/** What the TLS edge is made of. `secureContext` throws to refuse a name; `challengeContext` answers while a TLS-ALPN-01 challenge is pending for it. */
export type EdgeOptions = {
  routes: RouteTable
  secureContext: (serverName: string) => Promise<SecureContext>
  challengeContext?: (serverName: string) => SecureContext | undefined
  log: Log
  accessLog: AccessLog
  limits?: Partial<EdgeLimits>
  now?: () => number
}

/**
 * The TLS edge: ClientHello → server name → secure context → ALPN → HTTP/1 relay.
 *
 * - A name that is missing or malformed is refused before anything is asked about it.
 * - Bun 1.4.5 shows the client's ALPN only after the certificate was chosen. So while a TLS-ALPN-01 challenge (RFC 8737) is pending for a
 *   name, every handshake for it gets the challenge certificate, and only `acme-tls/1` may be spoken, of which the handshake is all.
 * - HTTP/2 is not offered yet; its place is a row in `protocols`.
 */
export class EdgeListener {
  private server: Server | undefined
  private limits: EdgeLimits
  private pool: UpstreamPool
  private clients: ConnectionSet<ClientConnection>
  private sockets = new Set<TLSSocket>()
  private draining = false
  private protocols: Record<string, (socket: TLSSocket) => void> = {
    "http/1.1": (socket) => this.relay(socket),
    "acme-tls/1": (socket) => void socket.end(),
  }

  constructor(private options: EdgeOptions) {
    this.limits = { ...defaultLimits, ...options.limits }
    this.pool = new UpstreamPool(this.limits)
    this.clients = new ConnectionSet(this.limits.connections, this.limits.sweepMs)
  }

  /** Connections with a completed handshake. */
  get connections(): number {
    return this.clients.size
  }

  /** Bytes held for clients that do not take them. */
  get bufferedBytes(): number {
    let sum = 0
    for (const client of this.clients) sum += client.bufferedBytes
    return sum
  }

  /** Listens; throws when the address is taken. Port 0 takes a free one. */
  async start(at: { host: string; port: number }): Promise<{ port: number }> {
    const server = createServer({
      minVersion: "TLSv1.2",
      allowHalfOpen: true,
      noDelay: true,
      handshakeTimeout: this.limits.handshakeMs,
      SNICallback: (raw, done) => this.chooseContext(raw, done),
      ALPNCallback: (offer) => this.chooseProtocol(offer),
    })
    this.server = server
    server.on("connection", (socket) => this.admit(socket as TLSSocket))
    server.on("secureConnection", (socket) => this.serve(socket))
    server.on("tlsClientError", (error, socket) => {
      this.options.log.debug("handshake failed", { error, client: socket?.remoteAddress })
      socket?.destroy()
    })
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(at.port, at.host, () => {
        server.off("error", reject)
        server.on("error", (error) => this.options.log.error("the edge listener failed", { error }))
        resolve()
      })
    })
    const address = server.address()
    return { port: typeof address === "object" && address ? address.port : at.port }
  }

  /** Takes no new connections, lets requests under way finish for at most `ms`, then stops. */
  async drain(ms: number): Promise<void> {
    this.draining = true
    this.server?.close()
    for (const client of this.clients) client.drain()
    const end = performance.now() + ms
    while (this.clients.size > 0 && performance.now() < end) await Bun.sleep(Math.min(20, ms))
    await this.stop()
  }

  /** Ends everything at once. */
  async stop(): Promise<void> {
    this.draining = true
    const { server } = this
    this.server = undefined
    const closed = server?.listening ? new Promise<void>((resolve) => server.close(() => resolve())) : undefined
    for (const socket of this.sockets) socket.destroy()
    this.pool.stop()
    await closed
  }

  private admit(socket: TLSSocket): void {
    if (this.sockets.size >= this.limits.connections || this.draining) return void socket.destroy()
    this.sockets.add(socket)
    socket.on("error", () => socket.destroy())
    socket.on("close", () => this.sockets.delete(socket))
  }

  private chooseContext(raw: string, done: (error: Error | null, context?: SecureContext) => void): void {
    const name = parseServerName(raw)
    if (name === undefined) return done(new Error("the server name is missing or malformed"))
    const challenge = this.options.challengeContext?.(name)
    if (challenge) return done(null, challenge)
    this.options.secureContext(name).then(
      (context) => done(null, context),
      (error) => done(new Error(`refused: ${describeError(error)}`)),
    )
  }

  private chooseProtocol(offer: { servername: string; protocols: string[] }): string | undefined {
    const name = parseServerName(offer.servername)
    const challenged = name !== undefined && this.options.challengeContext?.(name) !== undefined
    if (offer.protocols.includes("acme-tls/1")) return challenged ? "acme-tls/1" : undefined
    return offer.protocols.find((protocol) => protocol in this.protocols)
  }

  private serve(socket: TLSSocket): void {
    const name = parseServerName(socket.servername)
    const protocol = socket.alpnProtocol || "http/1.1"
    if (name === undefined || this.draining) return void socket.destroy()
    if (protocol !== "acme-tls/1" && this.options.challengeContext?.(name)) return void socket.destroy()
    this.protocols[protocol]?.(socket)
  }

  private relay(socket: TLSSocket): void {
    const { routes, accessLog, now = Date.now } = this.options
    const facts = {
      serverName: parseServerName(socket.servername)!,
      address: plainAddress(socket.remoteAddress ?? ""),
      tls: socket.getProtocol() ?? "",
    }
    const context = { routes, accessLog, now, pool: this.pool, limits: this.limits, isDraining: () => this.draining }
    this.clients.add(new ClientConnection(socket, facts, context, (gone) => this.clients.delete(gone)))
  }
}

/** An IPv4 client of a dual-stack listener is named by its IPv4 address. */
const plainAddress = (address: string) => (address.startsWith("::ffff:") ? address.slice(7) : address)
