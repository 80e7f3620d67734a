import { createSecureContext, type SecureContext } from "node:tls"
import type { Log } from "../log"
import type { BufferBudget } from "./buffer-budget"
import { ConnectionSet, type Timed } from "./connection-set"
import type { EdgeTotals } from "./edge-totals"
import type { EdgeLimits } from "./limits"
import { plainAddress } from "./plain-address"
import { parseProxyHeader, ProxyHeaderError } from "./proxy-protocol"
import type { TrustedProxies } from "./trusted-proxies"
import { Wire, wireHandlers, type WireUser } from "./wire"

/** Where a listener listens: an address, or a socket that systemd opened for us. */
export type ListenAt = { host: string; port: number } | { fd: number }

/** Bun's socket on the server's side, with the parts that its types leave out. */
export type ServerSocket = Bun.Socket<Wire> & {
  alpnProtocol: string | false
  resumeSNI: (context: unknown, failed: boolean) => void
}

/** How Bun's own node:tls chooses certificates and protocols at each handshake; not in Bun's types, so `listener.test.ts` holds Bun to it. */
export type TlsChoices = {
  /** Answers the native part of a secure context, an Error to refuse the name, or true when `resumeSNI` will tell. */
  serverName: (listener: unknown, name: string, socket: ServerSocket) => unknown
  /** A protocol of the offer (RFC 7301 section 3.1, as on the wire); undefined ends the handshake with an alert. */
  alpnCallback: (socket: ServerSocket, name: string, offer: Uint8Array) => string | undefined
}

export type AcceptorOptions = {
  limits: EdgeLimits
  budget: BufferBudget
  /** With it the connections are TLS. */
  tls?: TlsChoices
  /** A connection is ready for requests; its `user` is set before this returns. `address` is the client's. */
  serve: (wire: Wire, socket: ServerSocket, address: string) => void
  /** Beside TLS: takes connections that do not begin with a handshake, as `serve` does. */
  serveInClear?: (wire: Wire, address: string) => void
  /** Whether there is room for another connection. */
  hasRoom: () => boolean
  /** Connections from these networks begin with a PROXY header, all others must not. */
  proxies?: TrustedProxies
  /** Where connections are counted. */
  totals?: EdgeTotals
  log: Log
}

/** As it stands on the wire (RFC 5246 appendix A.1), which is how Bun's own listeners want it. */
const TLS_1_2 = 0x0303
/** Certificates are chosen at each handshake; none is asked of the client. */
const TLS_OPTIONS = { requestCert: false, rejectUnauthorized: false, minVersion: TLS_1_2 }

/** The first byte of a TLS handshake (RFC 8446 section 5.1), which begins no method of HTTP. */
const HANDSHAKE_RECORD = 0x16

/** A handshake that takes longer is not waited for at the end. */
const SLOW_ENTRY_MS = 1000

/**
 * TCP accept → PROXY header, where the peer must send one → TLS handshake, where the listener has TLS → connection. It stands on `Bun.listen`,
 * whose sockets carry no stream machinery. Whatever has not come this far in time is cut off.
 */
export class Acceptor {
  private server: Bun.TCPSocketListener<Wire> | undefined
  private entering: ConnectionSet<Entry>
  private handlers: object
  private secureHandlers: object
  private upgradeContext: unknown

  constructor(private options: AcceptorOptions) {
    const { limits, tls } = options
    this.entering = new ConnectionSet(limits.connections, limits.sweepMs)
    const handshake = (socket: ServerSocket, succeeded: boolean) => (socket.data?.user as Entry | undefined)?.secured?.(socket, succeeded)
    const handlers = wireHandlers(options.log)
    this.secureHandlers = { ...handlers, ...tls, handshake }
    this.handlers = { ...handlers, open: (socket: ServerSocket) => this.admit(socket) }
  }

  /** Connections on their way. */
  get size(): number {
    return this.entering.size
  }

  /** Listens; throws when the address is taken. Port 0 takes a free one. */
  start(at: ListenAt, reusePort = false): { port: number } {
    const { tls, proxies, serveInClear } = this.options
    // TLS begins with the first byte, unless a PROXY header may stand before it, or something else in its place.
    const direct = tls !== undefined && proxies === undefined && serveInClear === undefined
    const place = "fd" in at ? at : { hostname: at.host, port: at.port, reusePort }
    const secure = { tls: TLS_OPTIONS, socket: { ...this.secureHandlers, ...this.handlers } }
    const options = { ...place, allowHalfOpen: true, ...(direct ? secure : { socket: this.handlers }) }
    this.server = Bun.listen(options as unknown as Bun.TCPSocketListenOptions<Wire>)
    if (!("fd" in at)) return { port: this.server.port }
    const name: { port?: number } = {}
    ;(this.server as unknown as { getsockname: (into: object) => void }).getsockname(name)
    return { port: name.port ?? 0 }
  }

  /** Takes no new connections. */
  close(): void {
    this.server?.stop(false)
    this.server = undefined
  }

  /** Takes no new connections, and waits for those on their way, but not for those that are slow about it. */
  async drain(limitMs: number): Promise<void> {
    this.close()
    await this.entering.emptied(Math.min(limitMs, SLOW_ENTRY_MS))
  }

  /** Takes no new connections, and cuts off those on their way. */
  stop(): void {
    this.close()
    for (const entry of this.entering) entry.destroy()
  }

  private admit(socket: ServerSocket): void {
    const { options } = this
    if (this.server === undefined || !options.hasRoom()) {
      options.totals?.connection("turned_away")
      return socket.terminate()
    }
    options.totals?.connection("accepted")
    const peer = plainAddress(socket.remoteAddress)
    const wire = new Wire(options.budget)
    const proxied = options.proxies?.includes(peer) === true
    if (!proxied && options.tls === undefined) {
      options.serve(wire, socket, peer)
      socket.data = wire
      return wire.open(socket)
    }
    const entry = new Entry(wire, peer, performance.now() + options.limits.handshakeMs, {
      secured: (secure, address) => this.finish(entry, secure, address),
      failed: (reason) => {
        options.totals?.connection("failed")
        options.log.debug("a connection did not come to a request", { reason, client: entry.address })
      },
      gone: () => this.entering.delete(entry),
    })
    this.entering.add(entry)
    socket.data = wire
    wire.open(socket)
    if (proxied) entry.onHeader = (rest) => this.afterHeader(entry, socket, rest)
    else if (options.serveInClear !== undefined) entry.onFirst = (bytes) => this.choose(entry, socket, bytes)
    else if (options.proxies !== undefined) this.upgrade(entry, socket, undefined)
  }

  /** The PROXY header is read; `rest` is what came behind it. */
  private afterHeader(entry: Entry, socket: ServerSocket, rest: Buffer): void {
    const { tls, serveInClear } = this.options
    if (serveInClear !== undefined) {
      if (rest.length > 0) this.choose(entry, socket, rest)
      else entry.onFirst = (bytes) => this.choose(entry, socket, bytes)
      return
    }
    if (tls !== undefined) return this.upgrade(entry, socket, rest)
    this.finish(entry, socket, entry.address)
    if (rest.length > 0) entry.wire.user.onData(rest)
  }

  /** What a connection speaks shows in its first byte. */
  private choose(entry: Entry, socket: ServerSocket, bytes: Buffer): void {
    if (bytes[0] === HANDSHAKE_RECORD) return this.upgrade(entry, socket, bytes)
    this.options.serveInClear!(entry.wire, entry.address)
    this.entering.delete(entry)
    entry.wire.user.onData(bytes)
  }

  /** TLS as the server, on a connection that began without. The plain socket goes on reporting ciphertext, to nobody. */
  private upgrade(entry: Entry, socket: ServerSocket, begun: Buffer | undefined): void {
    const plain = entry.wire
    plain.user = NOBODY
    const wire = new Wire(this.options.budget)
    entry.move(wire)
    const options = {
      data: wire,
      isServer: true,
      initialData: begun?.length ? begun : undefined,
      // One context for all, since its keys are what a session is resumed with.
      tls: { ...TLS_OPTIONS, secureContext: (this.upgradeContext ??= nativeContext(createSecureContext())) },
      socket: this.secureHandlers,
    }
    const [, secure] = socket.upgradeTLS(options as unknown as Bun.TLSUpgradeOptions<Wire>)
    wire.open(secure)
  }

  private finish(entry: Entry, socket: ServerSocket, address: string): void {
    this.options.serve(entry.wire, socket, address)
    // One that is being ended by us stays until it is gone.
    if (entry.wire.user !== entry) this.entering.delete(entry)
  }
}

/** What Bun's sockets want of a secure context. */
export const nativeContext = (context: SecureContext) => (context as unknown as { context: unknown }).context

/** Whoever has no interest in a connection's bytes. */
const NOBODY: WireUser = { onData() {}, onEnd() {}, onDrain() {}, onClosed() {} }

type EntryEvents = {
  secured: (socket: ServerSocket, address: string) => void
  failed: (reason: string) => void
  gone: () => void
}

/** A connection that is not ready for requests: its PROXY header or its handshake is under way. */
class Entry implements WireUser, Timed {
  /** Set while a PROXY header is awaited. */
  onHeader: ((rest: Buffer) => void) | undefined
  /** Set while the first byte behind that is awaited. */
  onFirst: ((bytes: Buffer) => void) | undefined
  private input: Buffer | undefined
  private over = false

  constructor(
    public wire: Wire,
    public address: string,
    readonly deadline: number,
    private events: EntryEvents,
  ) {
    wire.user = this
  }

  move(wire: Wire): void {
    this.wire = wire
    wire.user = this
  }

  secured(socket: ServerSocket, succeeded: boolean): void {
    if (this.over) return
    if (!succeeded) return this.fail("the handshake failed")
    this.over = true
    this.events.secured(socket, this.address)
  }

  destroy(): void {
    this.fail("the listener has ended")
  }

  onDeadline(): void {
    this.fail("it took too long")
  }

  onData(chunk: Buffer): void {
    const { onHeader, onFirst } = this
    if (this.over) return
    if (onFirst) {
      this.onFirst = undefined
      return onFirst(chunk)
    }
    if (!onHeader) return
    this.input = this.input ? Buffer.concat([this.input, chunk]) : chunk
    try {
      const header = parseProxyHeader(this.input)
      if (!header) return
      const rest = this.input.subarray(header.size)
      this.input = undefined
      this.onHeader = undefined
      if (header.source) this.address = header.source.address
      onHeader(rest)
    } catch (error) {
      if (!(error instanceof ProxyHeaderError)) throw error
      this.fail(error.message)
    }
  }

  onEnd(): void {
    this.fail("the client has left")
  }

  onDrain(): void {}

  onClosed(): void {
    if (!this.over) this.events.failed("the client has left")
    this.over = true
    this.events.gone()
  }

  private fail(reason: string): void {
    if (!this.over) this.events.failed(reason)
    this.over = true
    this.wire.reset()
  }
}
