import type { Socket } from "node:net"
import type { Timed } from "./connection-set"
import { errorPage, type Failure, failureOf, failures } from "./error-page"
import { Exchange, type ExchangeClient } from "./exchange"
import { MessageError } from "./field-lines"
import type { ClientFacts, RelayContext } from "./relay-context"
import { parseRequestHead, type RequestHead } from "./request-head"
import { Tunnel } from "./tunnel"
import type { UpstreamConnection } from "./upstream-pool"

const EMPTY = Buffer.alloc(0)

/**
 * One HTTP/1 client connection: head → host check → route → exchange, one request at a time, in order (RFC 9112 section 9.3.2). Bytes of
 * the next request wait in a bounded buffer. What cannot be understood is answered once and the connection closed.
 */
export class ClientConnection implements ExchangeClient, Timed {
  deadline: number
  private pending: Buffer = EMPTY
  private searched = 0
  private exchange: Exchange | undefined
  private tunnel: Tunnel | undefined
  private head: RequestHead | undefined
  private requestId = ""
  private startedAt = 0
  private inputEnded = false
  private closing = false
  private serving = false
  private paused = false
  private blocked = false
  private unsent = 0

  constructor(
    private socket: Socket,
    private facts: ClientFacts,
    private context: RelayContext,
    private onClosed: (connection: ClientConnection) => void,
  ) {
    this.deadline = performance.now() + context.limits.headMs
    socket.on("data", (chunk: Buffer) => this.onData(chunk))
    socket.on("drain", () => {
      this.blocked = false
      if (this.tunnel) this.tunnel.clientDrained()
      else if (this.exchange) this.exchange.clientDrained()
      // A client that does not take its answers gets no further ones made.
      else this.serve()
    })
    socket.on("end", () => this.onEnd())
    // A fault is always followed by the close, which is what ends the exchange.
    socket.on("error", () => socket.destroy())
    socket.on("close", () => this.onSocketClosed())
  }

  /** Bytes held for this client and not yet taken by the network. */
  get bufferedBytes(): number {
    return this.pending.length + this.socket.writableLength
  }

  get mustClose(): boolean {
    return this.head === undefined || this.head.version === 0 || this.head.connection.includes("close") || this.context.isDraining()
  }

  /** Ends the connection if no request is under way; others end with their response. */
  drain(): void {
    if (!this.exchange && !this.tunnel && this.pending.length === 0) this.shut()
  }

  destroy(): void {
    this.socket.destroy()
  }

  onDeadline(): void {
    if (this.closing && this.socket.writableLength > 0 && this.socket.writableLength !== this.unsent) {
      // A slow reader that still reads gets the rest of its last response.
      this.unsent = this.socket.writableLength
      return this.expectWithin(this.context.limits.lingerMs)
    }
    if (this.closing || this.tunnel) return void this.socket.destroy()
    if (this.exchange) {
      if (this.blocked) return this.aborted()
      return this.exchange.onDeadline()
    }
    if (this.blocked) return void this.socket.destroy()
    if (this.pending.length === 0) return this.shut()
    this.refuse("too_slow_request")
  }

  private onData(chunk: Buffer): void {
    if (this.closing) return
    if (this.tunnel) return this.tunnel.fromClient(chunk)
    if (this.exchange && !this.exchange.requestDone) return this.feed(this.exchange, chunk)
    this.stash(chunk)
    if (!this.exchange) this.serve()
  }

  private feed(exchange: Exchange, chunk: Buffer): void {
    try {
      const used = exchange.fromClient(chunk)
      if (used < chunk.length && !this.closing) this.stash(chunk.subarray(used))
    } catch (error) {
      if (!(error instanceof MessageError)) throw error
      const begun = exchange.responseBegun
      exchange.cancel()
      if (begun) return this.aborted()
      this.refuse(failureOf(error.status))
    }
  }

  private stash(chunk: Buffer): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk])
    if (this.pending.length > this.context.limits.pipelinedBytes) this.pauseReading()
  }

  private serve(): void {
    if (this.serving) return
    this.serving = true
    try {
      while (!this.exchange && !this.tunnel && !this.closing && !this.blocked && this.pending.length > 0) {
        const head = parseRequestHead(this.pending, this.searched, this.context.limits)
        if (!head) {
          if (this.searched === 0) this.deadline = performance.now() + this.context.limits.headMs
          this.searched = this.pending.length
          break
        }
        this.pending = head.size === this.pending.length ? EMPTY : this.pending.subarray(head.size)
        this.searched = 0
        this.begin(head)
      }
    } catch (error) {
      if (!(error instanceof MessageError)) throw error
      this.refuse(failureOf(error.status))
    } finally {
      this.serving = false
    }
    if (this.inputEnded && !this.exchange && !this.tunnel && !this.closing && !this.blocked) this.shut()
    else if (this.paused && !this.exchange) this.resumeReading()
  }

  private begin(head: RequestHead): void {
    const { routes, limits, pool } = this.context
    this.head = head
    this.requestId = crypto.randomUUID()
    this.startedAt = performance.now()
    const unread = head.framing.kind !== "none"
    if (head.host !== this.facts.serverName) return this.failed("misdirected", unread)
    const route = routes.match(head.host)
    if (!route) return this.failed("not_mapped", unread)
    if (route.target.kind === "stopped") return this.failed("stopped", unread)
    const origin = { clientAddress: this.facts.address, requestId: this.requestId, proto: "https" as const }
    const exchange = new Exchange(this, head, route.target.upstream, origin, pool, limits)
    this.exchange = exchange
    const used = exchange.start(this.pending)
    this.pending = this.pending.subarray(used)
  }

  write(buffers: Buffer[]): boolean {
    let flowing = true
    for (const buffer of buffers) flowing = this.socket.write(buffer)
    this.blocked = !flowing
    return flowing
  }

  pauseReading(): void {
    this.paused = true
    this.socket.pause()
  }

  resumeReading(): void {
    if (!this.paused || this.pending.length > this.context.limits.pipelinedBytes) return
    this.paused = false
    this.socket.resume()
  }

  expectWithin(ms: number): void {
    this.deadline = performance.now() + ms
  }

  finished(close: boolean): void {
    const exchange = this.exchange!
    this.record(exchange.status, exchange)
    this.exchange = undefined
    this.next(close || this.mustClose)
  }

  failed(failure: Failure, close: boolean): void {
    const head = this.head!
    const { exchange } = this
    this.exchange = undefined
    const accept = head.fields.find((field) => field.name === "accept")?.value ?? ""
    const last = close || this.mustClose
    const page = errorPage(failure, { requestId: this.requestId, accept, method: head.method, close: last })
    this.record(failures[failure].status, exchange)
    this.write([Buffer.from(page, "latin1")])
    this.next(last)
  }

  aborted(): void {
    if (this.exchange) this.record(this.exchange.status, this.exchange)
    this.exchange?.cancel()
    this.exchange = undefined
    this.closing = true
    this.socket.resetAndDestroy()
  }

  upgraded(connection: UpstreamConnection, firstBytes: Buffer): void {
    const exchange = this.exchange!
    const { tunnelIdleMs } = this.context.limits
    this.exchange = undefined
    this.expectWithin(tunnelIdleMs)
    const tunnel = new Tunnel(this.socket, connection, {
      onActivity: () => this.expectWithin(tunnelIdleMs),
      onClosed: () => {
        // What was received before the close still goes out; a client that does not take it is cut off.
        this.socket.end()
        this.closing = true
        this.expectWithin(this.context.limits.lingerMs)
      },
    })
    this.tunnel = tunnel
    this.record(101, exchange)
    if (firstBytes.length > 0) tunnel.onUpstreamData(firstBytes)
    if (this.pending.length > 0) tunnel.fromClient(this.pending)
    this.pending = EMPTY
    if (this.paused) this.resumeReading()
    if (this.inputEnded) tunnel.clientEnded()
  }

  private next(close: boolean): void {
    this.head = undefined
    if (close) return this.shut()
    this.deadline = performance.now() + this.context.limits.idleMs
    if (this.pending.length > 0 || this.inputEnded || this.paused) this.serve()
  }

  /** A message that was not understood: answered once, since nothing after it can be trusted. */
  private refuse(failure: Failure): void {
    if (!this.head) {
      this.requestId = crypto.randomUUID()
      this.startedAt = performance.now()
    }
    this.record(failures[failure].status, this.exchange)
    this.exchange = undefined
    this.socket.write(errorPage(failure, { requestId: this.requestId, accept: "", method: "GET", close: true }), "latin1")
    this.shut()
  }

  /** Ends our side, then reads and drops for a while, so that a last response is not lost to a reset (RFC 9112 section 9.6). */
  private shut(): void {
    this.closing = true
    this.pending = EMPTY
    this.deadline = performance.now() + this.context.limits.lingerMs
    this.socket.end()
    this.socket.resume()
  }

  private onEnd(): void {
    this.inputEnded = true
    if (this.tunnel) return this.tunnel.clientEnded()
    if (this.closing) return
    if (this.exchange) {
      if (!this.exchange.requestDone) this.aborted()
      return
    }
    this.shut()
  }

  private onSocketClosed(): void {
    this.closing = true
    this.pending = EMPTY
    if (this.exchange) {
      // 499 is what nginx calls a client that left before its answer was complete.
      this.record(this.exchange.status || 499, this.exchange)
      this.exchange.cancel()
      this.exchange = undefined
    }
    this.tunnel?.stop()
    this.onClosed(this)
  }

  private record(status: number, exchange: Exchange | undefined): void {
    const { head } = this
    const query = head ? head.target.indexOf("?") : -1
    this.context.accessLog.add({
      time: this.context.now(),
      host: head?.host ?? this.facts.serverName,
      method: head?.method ?? "",
      path: !head ? "" : query < 0 ? head.target : head.target.slice(0, query),
      status,
      bytesIn: exchange?.bytesIn ?? 0,
      bytesOut: exchange?.bytesOut ?? 0,
      upstream: exchange?.upstreamName ?? "",
      connectMs: round(exchange?.connectMs ?? 0),
      firstByteMs: round(exchange?.firstByteMs ?? 0),
      totalMs: round(performance.now() - this.startedAt),
      tls: this.facts.tls,
      requestId: this.requestId,
      client: this.facts.address,
    })
  }
}

const round = (ms: number) => Math.round(ms * 100) / 100
