import { admit } from "./admission"
import { BodyDecoder, type BodyPart, bodyPart } from "./body-framing"
import type { Client } from "./client"
import { originOf } from "./client-facts"
import { errorPage, type Failure, failureOf, failures } from "./error-page"
import type { Exchange, ExchangeClient } from "./exchange"
import { openExchange } from "./exchange-kinds"
import { MessageError } from "./field-lines"
import { FieldName } from "./field-name"
import { FieldLines } from "./fields"
import { Http1Responder } from "./http1-response"
import { Inbox } from "./inbox"
import { recordRequest } from "./record"
import type { ClientFacts, OwnAnswer, RelayContext } from "./relay-context"
import { parseRequestHead, type RequestHead } from "./request-head"
import type { ResponseHead } from "./response-head"
import type { Route } from "./route-table"
import { Tunnel } from "./tunnel"
import type { UpstreamConnection } from "./upstream-pool"
import type { Wire, WireUser } from "./wire"

/** How long a drain waits for the first request of a connection, which its client will not send again elsewhere. */
const FIRST_REQUEST_MS = 1000
/** An end of ours that the client does not answer holds up nobody's restart. */
const DRAINING_LINGER_MS = 2000

const NO_BODY = bodyPart(undefined, true)

/**
 * One HTTP/1 client connection: head → host check → route → exchange, one request at a time, in order (RFC 9112 section 9.3.2). Bytes of
 * the next request wait in a bounded buffer. What cannot be understood is answered once and the connection closed.
 */
export class ClientConnection implements ExchangeClient, WireUser, Client {
  deadline: number
  private inbox = new Inbox()
  private exchange: Exchange | undefined
  private requestBody: BodyDecoder | undefined
  private tunnel: Tunnel | undefined
  private head: RequestHead | undefined
  private lines: FieldLines | undefined
  private route: Route | undefined
  private visitor: string
  private responder: Http1Responder
  private requestId = ""
  private startedAt = 0
  private closeAfter = false
  private inputEnded = false
  private closing = false
  private serving = false
  /** Why nothing is read: more waits than may, or the upstream does not keep up. */
  private full = false
  private behind = false
  private blocked = false

  constructor(
    private wire: Wire,
    private facts: ClientFacts,
    private context: RelayContext,
    private leave: (connection: ClientConnection) => void,
  ) {
    this.deadline = performance.now() + context.limits.headMs
    this.visitor = facts.address
    this.responder = new Http1Responder(wire, context.outbox)
    wire.user = this
  }

  /** Bytes held for this client and not yet taken by the network. */
  get bufferedBytes(): number {
    return this.inbox.size + this.wire.writableLength
  }

  private get mustClose(): boolean {
    const { head } = this
    if (head === undefined || head.version === 0 || this.context.isDraining()) return true
    return head.connection.length > 0 && head.connection.includes("close")
  }

  /** Ends the connection if no request is under way, or on its way since it is new; others end with their response. */
  drain(): void {
    if (this.exchange || this.tunnel || this.inbox.size > 0) return
    if (this.startedAt > 0) this.shut()
    else this.deadline = Math.min(this.deadline, performance.now() + FIRST_REQUEST_MS)
  }

  destroy(): void {
    this.wire.reset()
  }

  onDrain(): void {
    this.blocked = false
    if (this.closing) this.linger()
    else if (this.tunnel) this.tunnel.clientDrained()
    else if (this.exchange) this.exchange.clientDrained()
    // A client that does not take its answers gets no further ones made.
    else this.serve()
  }

  onDeadline(): void {
    if (this.closing || this.tunnel) return this.wire.reset()
    if (this.exchange) {
      if (this.blocked) return this.aborted()
      return this.exchange.onDeadline()
    }
    if (this.blocked) return this.wire.reset()
    if (this.inbox.size === 0) return this.shut()
    this.refuse("too_slow_request")
  }

  onData(chunk: Buffer): void {
    if (this.closing) return
    if (this.tunnel) return this.tunnel.fromClient(chunk)
    if (this.exchange && this.requestBody) return this.feed(this.exchange, this.requestBody, chunk)
    this.stash(chunk, 0)
    if (!this.exchange) this.serve()
  }

  onEnd(): void {
    this.inputEnded = true
    if (this.tunnel) return this.tunnel.clientEnded()
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
    this.inbox.clear()
    const { exchange } = this
    if (exchange) {
      // 499 is what nginx calls a client that left before its answer was complete.
      this.record(exchange.status || 499)
      this.release()
      exchange.cancel()
    }
    this.tunnel?.stop()
    this.leave(this)
  }

  private feed(exchange: Exchange, decoder: BodyDecoder, chunk: Buffer): void {
    try {
      const used = decoder.decode(chunk, 0)
      if (decoder.done) this.requestBody = undefined
      exchange.send(decoder)
      if (used < chunk.length && !this.closing) this.stash(chunk, used)
    } catch (error) {
      if (!(error instanceof MessageError)) throw error
      const begun = exchange.responseBegun
      exchange.cancel()
      if (begun) return this.aborted()
      this.refuse(failureOf(error.status))
    }
  }

  private stash(chunk: Buffer, from: number): void {
    this.inbox.append(chunk, from)
    this.regulate()
  }

  private serve(): void {
    if (this.serving) return
    this.serving = true
    try {
      const { inbox, context, facts } = this
      while (!this.exchange && !this.tunnel && !this.closing && !this.blocked && inbox.size > 0) {
        const lines = (this.lines ??= context.requestLines.pop() ?? new FieldLines(context.limits.fieldCount))
        const head = parseRequestHead(inbox.bytes, inbox.at, inbox.searched, context.limits, facts.serverName, lines)
        if (!head) {
          if (inbox.searched === inbox.at) this.expectWithin(context.limits.headMs)
          inbox.searched = inbox.bytes.length
          break
        }
        this.begin(head)
      }
    } catch (error) {
      if (!(error instanceof MessageError)) throw error
      this.refuse(failureOf(error.status))
    } finally {
      this.serving = false
    }
    if (this.inputEnded && !this.exchange && !this.tunnel && !this.closing && !this.blocked) this.shut()
    else this.regulate()
  }

  private begin(head: RequestHead): void {
    const { facts, context, inbox } = this
    this.head = head
    this.requestId = crypto.randomUUID()
    this.startedAt = performance.now()
    this.closeAfter = head.framing.kind !== "none"
    const admission = admit(head, facts, context)
    this.route = "route" in admission ? admission.route : undefined
    if (!("upstream" in admission)) {
      inbox.use(head.end)
      if ("own" in admission) return this.answerOwn(admission.own)
      // Whoever asks for names at random without TLS is not kept.
      this.closeAfter ||= facts.tls === ""
      return this.failed(admission.failure)
    }
    let body: BodyPart = NO_BODY
    let end = head.end
    if (head.framing.kind !== "none") {
      const decoder = new BodyDecoder(head.framing)
      // A body that is wrong from its start never reaches the upstream.
      end = decoder.decode(inbox.bytes, head.end)
      if (!decoder.done) this.requestBody = decoder
      body = decoder
    }
    this.closeAfter = false
    const origin = originOf(head, facts, context, this.requestId)
    this.visitor = origin.client
    const exchange = openExchange(this, head, admission.upstream, origin, context)
    this.exchange = exchange
    exchange.start(body)
    inbox.use(end)
  }

  interim(head: ResponseHead): void {
    // HTTP/1.0 knows no interim responses (RFC 9110 section 15.2).
    if (this.head!.version === 1) this.responder.interim(head, this.requestId)
  }

  respond(head: ResponseHead, part: BodyPart): boolean {
    const { kind } = head.framing
    const unmeasured = kind === "chunked" || kind === "close"
    const chunked = unmeasured && this.head!.version === 1
    // A refusal before the end of the body: whether the rest of it comes is not known, so the connection cannot go on.
    const refused = head.status >= 300 && !this.exchange!.requestDone
    this.closeAfter = refused || (unmeasured && !chunked) || this.mustClose
    const flowing = this.responder.begin(head, part, { requestId: this.requestId, chunked, close: this.closeAfter })
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
    this.full = this.inbox.size > this.context.limits.pipelinedBytes
    if (this.full || this.behind) this.wire.pause()
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
    const head = this.head!
    const last = this.closeAfter || this.mustClose || this.exchange?.requestDone === false
    const accept = head.fields.all(FieldName.Accept)[0] ?? ""
    const page = errorPage(failure, { requestId: this.requestId, accept, method: head.method, close: last })
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
    const { tunnelIdleMs } = this.context.limits
    this.responder.interim(head, this.requestId, true)
    this.expectWithin(tunnelIdleMs)
    const tunnel = new Tunnel(this.wire, connection, {
      onActivity: () => this.expectWithin(tunnelIdleMs),
      onClosed: () => {
        // What was received before the close still goes out; a client that does not take it is cut off.
        this.wire.end()
        this.closing = true
        this.linger()
      },
    })
    this.tunnel = tunnel
    this.record(101)
    this.release()
    if (firstBytes.length > 0) tunnel.onUpstreamData(firstBytes)
    if (this.inbox.size > 0) tunnel.fromClient(this.inbox.take())
    this.regulate()
    if (this.inputEnded) tunnel.clientEnded()
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
    this.requestBody = undefined
    this.behind = false
    const { lines } = this
    if (!lines) return
    lines.clear()
    this.context.requestLines.push(lines)
    this.lines = undefined
  }

  private next(close: boolean): void {
    this.head = undefined
    this.route = undefined
    if (close) return this.shut()
    this.deadline = performance.now() + this.context.limits.idleMs
    if (this.inbox.size > 0 || this.inputEnded || this.full) this.serve()
  }

  /** A message that was not understood: answered once, since nothing after it can be trusted. */
  private refuse(failure: Failure): void {
    if (!this.head) {
      this.requestId = crypto.randomUUID()
      this.startedAt = performance.now()
    }
    this.record(failures[failure].status)
    this.release()
    this.wire.writeText(errorPage(failure, { requestId: this.requestId, accept: "", method: "GET", close: true }))
    this.shut()
  }

  /** Ends our side, then reads and drops for a while, so that a last response is not lost to a reset (RFC 9112 section 9.6). */
  private shut(): void {
    this.closing = true
    this.inbox.clear()
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
    const { head, route, exchange, visitor: client, startedAt, requestId } = this
    recordRequest(this.context, this.facts, { head, route, exchange, status, client, startedAt, requestId })
  }
}
