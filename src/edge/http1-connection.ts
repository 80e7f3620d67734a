import type { Client } from "./client"
import { ClientTunnel } from "./client-tunnel"
import { errorPage, type Failure, failureOf, failures } from "./error-page"
import { MessageError } from "./field-lines"
import { Http1Request, type RequestOwner } from "./http1-request"
import type { ClientFacts, RelayContext } from "./relay-context"
import type { RequestHead } from "./request-head"
import { RequestInHand } from "./request-in-hand"
import { RequestReader } from "./request-reader"
import type { UpstreamConnection } from "./upstream-pool"
import type { Wire, WireUser } from "./wire"

/** How long a drain waits for the first request of a connection, which its client will not send again elsewhere. */
const FIRST_REQUEST_MS = 1000
/** An end of ours that the client does not answer holds up nobody's restart. */
const DRAINING_LINGER_MS = 2000

/**
 * One HTTP/1 client connection: one request at a time, in order (RFC 9112 section 9.3.2). Bytes of the next request wait in a bounded buffer.
 * What cannot be understood is answered once and the connection closed.
 */
export class Http1Connection implements RequestOwner, WireUser, Client {
  deadline: number
  private reader: RequestReader
  /** The one under way. */
  private request: Http1Request | undefined
  private served = false
  private retired = false
  private inputEnded = false
  private closing = false
  private serving = false
  /** The upstream does not keep up. */
  private behind = false
  /** The client does not. */
  private blocked = false

  constructor(
    private wire: Wire,
    private facts: ClientFacts,
    private context: RelayContext,
    private leave: (gone: Client, successor?: Client) => void,
  ) {
    this.deadline = performance.now() + context.limits.headMs
    this.reader = new RequestReader(context, facts.serverName)
    wire.user = this
  }

  /** Bytes held for this client and not yet taken by the network. */
  get bufferedBytes(): number {
    return this.reader.size + this.wire.writableLength
  }

  get heldBytes(): number {
    return this.wire.heldBytes + (this.request?.exchange?.heldBytes ?? 0)
  }

  get address(): string {
    return this.facts.address
  }

  get serverName(): string {
    return this.facts.serverName
  }

  get isLast(): boolean {
    return this.retired || this.context.isDraining()
  }

  /** Ends the connection if no request is under way, or on its way since it is new; others end with their response. */
  drain(): void {
    if (this.request || this.reader.size > 0) return
    if (this.served) this.shut()
    else this.deadline = Math.min(this.deadline, performance.now() + FIRST_REQUEST_MS)
  }

  retire(): void {
    this.retired = true
    this.drain()
  }

  destroy(): void {
    this.wire.reset()
  }

  // The network's side.

  onData(chunk: Buffer): void {
    if (this.closing) return
    if (this.request && this.reader.inBody) return this.feed(this.request, chunk)
    this.reader.append(chunk, 0)
    this.regulate()
    if (!this.request) this.serve()
  }

  onEnd(): void {
    this.inputEnded = true
    if (this.closing) return
    if (this.request) {
      // Nobody waits for an application on behalf of a client that has left, and one that only ended its side is not told apart.
      if (this.request.isHeld || !this.request.exchange?.requestDone) this.request.aborted("client_left")
      return
    }
    // Requests that wait for a slow reader are still answered.
    if (!this.blocked) this.shut()
  }

  onDrain(): void {
    this.blocked = false
    if (this.closing) this.linger()
    else if (this.request) this.request.exchange?.clientDrained()
    // A client that does not take its answers gets no further ones made.
    else this.serve()
  }

  onDeadline(): void {
    if (this.closing) return this.wire.reset()
    if (this.request) {
      if (this.blocked) return this.request.aborted("client_left")
      return this.request.exchange?.onDeadline()
    }
    if (this.blocked) return this.wire.reset()
    if (this.reader.size === 0) return this.shut()
    this.refuse("too_slow_request")
  }

  onClosed(): void {
    this.closing = true
    this.request?.abandon()
    this.release()
    this.reader.clear()
    this.leave(this)
  }

  // The request's side.

  expectWithin(ms: number): void {
    this.deadline = performance.now() + ms
  }

  pauseReading(): void {
    this.behind = true
    this.wire.pause()
  }

  resumeReading(): void {
    this.behind = false
    this.regulate()
  }

  proceed(work: () => void): void {
    this.resumeReading()
    try {
      work()
    } catch (error) {
      if (!(error instanceof MessageError)) throw error
      this.refuse(failureOf(error.status))
    }
  }

  wrote(flowing: boolean): void {
    this.blocked = !flowing
  }

  ended(close: boolean): void {
    this.release()
    if (close) return this.shut()
    this.expectWithin(this.context.limits.idleMs)
    if (this.reader.size > 0 || this.inputEnded) this.serve()
    else this.regulate()
  }

  cutOff(): void {
    this.release()
    this.closing = true
    this.wire.reset()
  }

  tunnelled(host: string, upstream: UpstreamConnection, firstBytes: Buffer): void {
    this.release()
    this.closing = true
    const early = this.reader.take()
    this.wire.resume()
    const tunnel = new ClientTunnel(this.wire, host, this.facts.address, upstream, this.context.limits, (gone) => this.leave(gone))
    this.leave(this, tunnel)
    tunnel.begin(firstBytes, early, this.inputEnded)
  }

  // Between the two.

  private feed(request: Http1Request, chunk: Buffer): void {
    const exchange = request.exchange!
    try {
      exchange.send(this.reader.continueBody(chunk))
      this.regulate()
    } catch (error) {
      if (!(error instanceof MessageError)) throw error
      if (exchange.responseBegun) return request.aborted("client_left")
      exchange.cancel()
      this.refuse(failureOf(error.status))
    }
  }

  private serve(): void {
    if (this.serving) return
    this.serving = true
    try {
      while (!this.request && !this.closing && !this.blocked && this.reader.size > 0) {
        const next = this.reader.next()
        if (next.head) {
          this.begin(next.head)
          continue
        }
        if (next.begun) this.expectWithin(this.context.limits.headMs)
        break
      }
    } catch (error) {
      if (!(error instanceof MessageError)) throw error
      this.refuse(failureOf(error.status))
    } finally {
      this.serving = false
    }
    if (this.inputEnded && !this.request && !this.closing && !this.blocked) this.shut()
    else this.regulate()
  }

  private begin(head: RequestHead): void {
    this.served = true
    this.request = new Http1Request(this, this.wire, head, this.facts, this.context)
    this.request.begin(this.reader)
  }

  /** Reads while there is room and somebody who takes it. */
  private regulate(): void {
    if (this.behind || this.reader.isFull) this.wire.pause()
    else this.wire.resume()
  }

  /** The request under way is over, and its head's places may be used by another. */
  private release(): void {
    this.request = undefined
    this.behind = false
    this.reader.release()
  }

  /** A message that was not understood: answered once, since nothing after it can be trusted. */
  private refuse(failure: Failure): void {
    const inHand = this.request?.inHand ?? new RequestInHand(this.context, this.facts, undefined)
    inHand.ending = failure
    inHand.record(failures[failure].status, this.request?.exchange, 1)
    this.release()
    this.wire.writeText(errorPage(failure, { requestId: inHand.id, accept: "", method: "GET", close: true }))
    this.shut()
  }

  /** Ends our side, then reads and drops for a while, so that a last response is not lost to a reset (RFC 9112 section 9.6). */
  private shut(): void {
    this.closing = true
    this.reader.clear()
    this.linger()
    this.wire.end()
    this.wire.resume()
  }

  /** A slow reader gets the rest of its last response as it would any other's; only then is it the client's turn to end. */
  private linger(): void {
    const { limits, isDraining } = this.context
    if (this.wire.writableLength > 0) return this.expectWithin(limits.responseIdleMs)
    this.expectWithin(isDraining() ? Math.min(limits.lingerMs, DRAINING_LINGER_MS) : limits.lingerMs)
  }
}
