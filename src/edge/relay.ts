import { admit } from "./admission"
import type { BodyPart } from "./body-framing"
import type { Client } from "./client"
import { ClientTunnel } from "./client-tunnel"
import { errorPage, type Failure, failureOf, failures } from "./error-page"
import type { Exchange, ExchangeClient } from "./exchange"
import { openExchange } from "./exchange-kinds"
import { MessageError } from "./field-lines"
import { FieldName } from "./field-name"
import { Http1Responder } from "./http1-response"
import type { ClientFacts, OwnAnswer, RelayContext } from "./relay-context"
import type { RequestHead } from "./request-head"
import { RequestInHand } from "./request-in-hand"
import { RequestReader } from "./request-reader"
import type { ResponseHead } from "./response-head"
import type { UpstreamConnection } from "./upstream-pool"
import type { Wire, WireUser } from "./wire"

/** How long a drain waits for the first request of a connection, which its client will not send again elsewhere. */
const FIRST_REQUEST_MS = 1000
/** An end of ours that the client does not answer holds up nobody's restart. */
const DRAINING_LINGER_MS = 2000

/**
 * One HTTP/1 client connection: head → host check → route → exchange, one request at a time, in order (RFC 9112 section 9.3.2). Bytes of
 * the next request wait in a bounded buffer. What cannot be understood is answered once and the connection closed.
 */
export class ClientConnection implements ExchangeClient, WireUser, Client {
  deadline: number
  private reader: RequestReader
  private responder: Http1Responder
  private request: RequestInHand | undefined
  private exchange: Exchange | undefined
  private served = false
  private closeAfter = false
  private inputEnded = false
  private closing = false
  private serving = false
  /** The upstream does not keep up. */
  private behind = false
  private blocked = false

  constructor(
    private wire: Wire,
    private facts: ClientFacts,
    private context: RelayContext,
    private leave: (gone: Client, successor?: Client) => void,
  ) {
    this.deadline = performance.now() + context.limits.headMs
    this.reader = new RequestReader(context, facts.serverName)
    this.responder = new Http1Responder(wire, context.outbox)
    wire.user = this
  }

  /** Bytes held for this client and not yet taken by the network. */
  get bufferedBytes(): number {
    return this.reader.size + this.wire.writableLength
  }

  private get mustClose(): boolean {
    const head = this.request?.head
    if (head === undefined || head.version === 0 || this.context.isDraining()) return true
    return head.connection.length > 0 && head.connection.includes("close")
  }

  /** Ends the connection if no request is under way, or on its way since it is new; others end with their response. */
  drain(): void {
    if (this.exchange || this.reader.size > 0) return
    if (this.served) this.shut()
    else this.deadline = Math.min(this.deadline, performance.now() + FIRST_REQUEST_MS)
  }

  destroy(): void {
    this.wire.reset()
  }

  onDrain(): void {
    this.blocked = false
    if (this.closing) this.linger()
    else if (this.exchange) this.exchange.clientDrained()
    // A client that does not take its answers gets no further ones made.
    else this.serve()
  }

  onDeadline(): void {
    if (this.closing) return this.wire.reset()
    if (this.exchange) {
      if (this.blocked) return this.aborted()
      return this.exchange.onDeadline()
    }
    if (this.blocked) return this.wire.reset()
    if (this.reader.size === 0) return this.shut()
    this.refuse("too_slow_request")
  }

  onData(chunk: Buffer): void {
    if (this.closing) return
    if (this.exchange && this.reader.inBody) return this.feed(this.exchange, chunk)
    this.reader.append(chunk, 0)
    this.regulate()
    if (!this.exchange) this.serve()
  }

  onEnd(): void {
    this.inputEnded = true
    if (this.closing) return
    if (this.exchange) {
      if (!this.exchange.requestDone) this.aborted()
      return
    }
    // Requests that wait for a slow reader are still answered.
    if (!this.blocked) this.shut()
  }

  onClosed(): void {
    this.closing = true
    this.reader.clear()
    const { exchange } = this
    if (exchange) {
      // 499 is what nginx calls a client that left before its answer was complete.
      this.record(exchange.status || 499)
      this.release()
      exchange.cancel()
    }
    this.leave(this)
  }

  private feed(exchange: Exchange, chunk: Buffer): void {
    try {
      exchange.send(this.reader.continueBody(chunk))
      this.regulate()
    } catch (error) {
      if (!(error instanceof MessageError)) throw error
      const begun = exchange.responseBegun
      exchange.cancel()
      if (begun) return this.aborted()
      this.refuse(failureOf(error.status))
    }
  }

  private serve(): void {
    if (this.serving) return
    this.serving = true
    try {
      while (!this.exchange && !this.closing && !this.blocked && this.reader.size > 0) {
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
    if (this.inputEnded && !this.exchange && !this.closing && !this.blocked) this.shut()
    else this.regulate()
  }

  private begin(head: RequestHead): void {
    const { facts, context, reader } = this
    const request = new RequestInHand(context, facts, head)
    this.request = request
    this.served = true
    this.closeAfter = head.framing.kind !== "none"
    const admission = admit(head, facts, context)
    if (!("upstream" in admission)) {
      reader.skip(head)
      if ("own" in admission) return this.answerOwn(admission.own)
      request.route = admission.route
      // Whoever asks for names at random without TLS is not kept.
      this.closeAfter ||= facts.tls === ""
      return this.failed(admission.failure)
    }
    request.route = admission.route
    // A body that is wrong from its start never reaches the upstream.
    const body = reader.startBody(head)
    this.closeAfter = false
    const exchange = openExchange(this, head, admission.upstream, request.origin(head), context)
    this.exchange = exchange
    exchange.start(body)
  }

  interim(head: ResponseHead): void {
    // HTTP/1.0 knows no interim responses (RFC 9110 section 15.2).
    if (this.request!.head!.version === 1) this.responder.interim(head, this.request!.id)
  }

  respond(head: ResponseHead, part: BodyPart): boolean {
    const { kind } = head.framing
    const unmeasured = kind === "chunked" || kind === "close"
    const chunked = unmeasured && this.request!.head!.version === 1
    // A refusal before the end of the body: whether the rest of it comes is not known, so the connection cannot go on.
    const refused = head.status >= 300 && !this.exchange!.requestDone
    this.closeAfter = refused || (unmeasured && !chunked) || this.mustClose
    const flowing = this.responder.begin(head, part, { requestId: this.request!.id, chunked, close: this.closeAfter })
    this.blocked = !flowing
    return flowing
  }

  body(part: BodyPart): boolean {
    const flowing = this.responder.body(part)
    this.blocked = !flowing
    return flowing
  }

  pauseReading(): void {
    this.behind = true
    this.wire.pause()
  }

  resumeReading(): void {
    this.behind = false
    this.regulate()
  }

  /** Reads while there is room and somebody who takes it. */
  private regulate(): void {
    if (this.behind || this.reader.isFull) this.wire.pause()
    else this.wire.resume()
  }

  expectWithin(ms: number): void {
    this.deadline = performance.now() + ms
  }

  finished(): void {
    const close = this.closeAfter || this.mustClose || !this.exchange!.requestDone
    this.record(this.exchange!.status)
    this.release()
    this.next(close)
  }

  failed(failure: Failure): void {
    const { id: requestId, head } = this.request!
    const last = this.closeAfter || this.mustClose || this.exchange?.requestDone === false
    const accept = head!.fields.all(FieldName.Accept)[0] ?? ""
    const page = errorPage(failure, { requestId, accept, method: head!.method, close: last })
    this.record(failures[failure].status)
    this.release()
    this.blocked = !this.wire.writeText(page)
    this.next(last)
  }

  aborted(): void {
    const { exchange } = this
    if (exchange) this.record(exchange.status || 499)
    this.release()
    exchange?.cancel()
    this.closing = true
    this.wire.reset()
  }

  upgraded(head: ResponseHead, connection: UpstreamConnection, firstBytes: Buffer): void {
    this.responder.interim(head, this.request!.id, true)
    this.record(101)
    this.release()
    this.closing = true
    const early = this.reader.take()
    this.wire.resume()
    const tunnel = new ClientTunnel(this.wire, connection, this.context.limits, (gone) => this.leave(gone))
    this.leave(this, tunnel)
    tunnel.begin(firstBytes, early, this.inputEnded)
  }

  private answerOwn(own: OwnAnswer): void {
    this.record(own.status)
    this.release()
    this.wire.writeText(own.response)
    this.next(true)
  }

  /** The request under way is over, and its head's places may be used by another. */
  private release(): void {
    this.exchange = undefined
    this.behind = false
    this.reader.release()
  }

  private next(close: boolean): void {
    this.request = undefined
    if (close) return this.shut()
    this.deadline = performance.now() + this.context.limits.idleMs
    if (this.reader.size > 0 || this.inputEnded) this.serve()
    else this.regulate()
  }

  /** A message that was not understood: answered once, since nothing after it can be trusted. */
  private refuse(failure: Failure): void {
    this.request ??= new RequestInHand(this.context, this.facts, undefined)
    const requestId = this.request.id
    this.record(failures[failure].status)
    this.release()
    this.wire.writeText(errorPage(failure, { requestId, accept: "", method: "GET", close: true }))
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

  private record(status: number): void {
    this.request?.record(status, this.exchange, 1)
  }
}
