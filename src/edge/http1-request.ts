import { admit } from "./admission"
import type { BodyPart } from "./body-framing"
import { errorPage, type Failure, failures } from "./error-page"
import type { Exchange, ExchangeClient } from "./exchange"
import { openExchange } from "./exchange-kinds"
import { FieldName } from "./field-name"
import { Hold } from "./holds"
import { Http1Responder } from "./http1-response"
import type { ClientFacts, RelayContext } from "./relay-context"
import type { RequestHead } from "./request-head"
import { RequestInHand } from "./request-in-hand"
import type { RequestReader } from "./request-reader"
import type { ResponseHead } from "./response-head"
import type { Route, Upstream } from "./route-table"
import type { UpstreamConnection } from "./upstream-pool"
import type { Wire } from "./wire"

/** The connection of an HTTP/1 request, as the request needs it. */
export interface RequestOwner {
  /** No further request is taken on this connection. */
  readonly isLast: boolean
  expectWithin(ms: number): void
  pauseReading(): void
  resumeReading(): void
  /** Goes on with a request that was held; MessageErrors of its body are the connection's to tell. */
  proceed(work: () => void): void
  /** Something was written; not `flowing` when the client is behind. */
  wrote(flowing: boolean): void
  /** The request is over; `close` when the connection cannot carry another. */
  ended(close: boolean): void
  /** The response broke off, which the client must see. */
  cutOff(): void
  /** HTTP is over on this connection; the response is written. */
  tunnelled(host: string, upstream: UpstreamConnection, firstBytes: Buffer): void
}

/** One request of an HTTP/1 connection: admission → exchange → response. */
export class Http1Request implements ExchangeClient {
  readonly inHand: RequestInHand
  /** Set while an upstream is at work on it. */
  exchange: Exchange | undefined
  private hold: Hold | undefined
  private closeAfter = false
  private over = false
  private responder: Http1Responder

  constructor(
    private owner: RequestOwner,
    private wire: Wire,
    private head: RequestHead,
    private facts: ClientFacts,
    private context: RelayContext,
  ) {
    this.inHand = new RequestInHand(context, facts, head)
    this.responder = new Http1Responder(wire, context.outbox)
  }

  /** Takes what there is of the body from the reader. Throws MessageError where that is wrong, before anything is sent. */
  begin(reader: RequestReader): void {
    const { head, facts, context, inHand } = this
    const admission = admit(head, facts, context)
    reader.passHead(head)
    if ("own" in admission) {
      this.wire.writeText(admission.own.response)
      return this.end(admission.own.status, true)
    }
    inHand.route = admission.route
    if ("failure" in admission) this.refuse(admission.failure)
    else if ("upstream" in admission) this.forward(reader, admission.upstream)
    else this.wait(reader, admission.route)
  }

  /** The client is not to be heard any more, and the upstream has not seen the request. */
  get isHeld(): boolean {
    return this.hold !== undefined || this.exchange?.isHeld === true
  }

  /** The client is gone. 499 is what nginx calls one that left before its answer was complete. */
  abandon(): void {
    const { exchange } = this
    if (this.over) return
    this.over = true
    this.hold?.leave()
    this.inHand.ending ??= "client_left"
    this.inHand.record(exchange?.status || 499, exchange, 1)
    exchange?.cancel()
  }

  interim(head: ResponseHead): void {
    // HTTP/1.0 knows no interim responses (RFC 9110 section 15.2).
    if (this.head.version === 1) this.responder.interim(head, this.inHand.id)
  }

  respond(head: ResponseHead, part: BodyPart): boolean {
    const { kind } = head.framing
    const unmeasured = (kind === "chunked" || kind === "close") && head.announced === undefined
    const chunked = unmeasured && this.head.version === 1
    // A refusal before the end of the body: whether the rest of it comes is not known, so the connection cannot go on.
    const refused = head.status >= 300 && !this.exchange!.requestDone
    this.closeAfter = refused || (unmeasured && !chunked) || this.mustClose
    const flowing = this.responder.begin(head, part, { requestId: this.inHand.id, chunked, close: this.closeAfter })
    this.owner.wrote(flowing)
    return flowing
  }

  body(part: BodyPart): boolean {
    const flowing = this.responder.body(part)
    this.owner.wrote(flowing)
    return flowing
  }

  pauseReading(): void {
    this.owner.pauseReading()
  }

  resumeReading(): void {
    this.owner.resumeReading()
  }

  expectWithin(ms: number): void {
    this.owner.expectWithin(ms)
  }

  finished(): void {
    const { exchange } = this
    this.end(exchange!.status, this.closeAfter || this.mustClose || !exchange!.requestDone)
  }

  failed(failure: Failure): void {
    const { head } = this
    const close = this.closeAfter || this.mustClose || this.exchange?.requestDone === false
    const accept = head.fields.all(FieldName.Accept)[0] ?? ""
    const page = errorPage(failure, { requestId: this.inHand.id, accept, method: head.method, close })
    this.owner.wrote(this.wire.writeText(page))
    this.inHand.ending = failure
    this.end(failures[failure].status, close)
  }

  /** `client_left` where it is not the answer that broke off. */
  aborted(ending: "broken_off" | "client_left" = "broken_off"): void {
    this.inHand.ending ??= ending
    this.abandon()
    this.owner.cutOff()
  }

  upgraded(head: ResponseHead, connection: UpstreamConnection, firstBytes: Buffer): void {
    this.responder.interim(head, this.inHand.id, true)
    this.over = true
    this.inHand.record(101, this.exchange, 1)
    this.owner.tunnelled(this.head.host, connection, firstBytes)
  }

  private forward(reader: RequestReader, upstream: Upstream): void {
    const { head, context, inHand } = this
    const body = reader.startBody(head.framing)
    this.exchange = openExchange(this, head, upstream, inHand.origin(head), context)
    this.exchange.start(body)
  }

  /** Waits for an application on its way up; what comes of a body meanwhile stays with the network, which hides a client that leaves then. */
  private wait(reader: RequestReader, route: Route): void {
    const { owner } = this
    const { framing } = this.head
    const isWhole = framing.kind === "none" || (framing.kind === "length" && reader.size >= framing.length)
    if (!isWhole) owner.pauseReading()
    owner.expectWithin(Number.POSITIVE_INFINITY)
    this.hold = new Hold(this.context.holds, route.host, {
      onTurn: (upstream) => {
        this.hold = undefined
        owner.proceed(() => this.forward(reader, upstream))
      },
      onForsaken: (failure) => {
        this.hold = undefined
        this.refuse(failure)
      },
    })
    this.hold.awaitRoute()
  }

  private refuse(failure: Failure): void {
    // Whoever asks for names at random without TLS is not kept; a body that nobody takes is not waited for.
    this.closeAfter = this.head.framing.kind !== "none" || this.facts.tls === ""
    this.failed(failure)
  }

  private get mustClose(): boolean {
    const { version, connection } = this.head
    return version === 0 || this.owner.isLast || (connection.length > 0 && connection.includes("close"))
  }

  private end(status: number, close: boolean): void {
    this.over = true
    this.inHand.record(status, this.exchange, 1)
    this.owner.ended(close)
  }
}
