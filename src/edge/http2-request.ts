import { admit } from "./admission"
import { type BodyPart, bodyPart } from "./body-framing"
import { originOf } from "./client-facts"
import type { Timed } from "./connection-set"
import { errorAnswer, type Failure, failureOf, failures } from "./error-page"
import type { Exchange, ExchangeClient } from "./exchange"
import { openExchange } from "./exchange-kinds"
import { MessageError } from "./field-lines"
import { FieldName, trailerDropped, trailerNamesDropped } from "./field-name"
import { FieldList } from "./fields"
import { requestOf, responseFieldsFor } from "./http2-head"
import { ErrorCode } from "./http2/error-codes"
import type { HeaderField } from "./http2/hpack-table"
import type { Http2Stream, StreamUser } from "./http2/stream"
import { recordRequest } from "./record"
import type { ClientFacts, RelayContext } from "./relay-context"
import type { RequestHead } from "./request-head"
import type { ResponseHead } from "./response-head"
import type { Route } from "./route-table"
import { Tunnel } from "./tunnel"
import type { UpstreamConnection } from "./upstream-pool"

/** One stream of a client's HTTP/2 connection: head → host check → route → exchange, beside the others. */
export class Http2Request implements ExchangeClient, StreamUser, Timed {
  deadline = Number.POSITIVE_INFINITY
  private head: RequestHead | undefined
  private exchange: Exchange | undefined
  private tunnel: Tunnel | undefined
  private route: Route | undefined
  private visitor: string
  private blocked = false
  private paused = false
  private held = 0
  private over = false
  private readonly requestId = crypto.randomUUID()
  private readonly startedAt = performance.now()

  constructor(
    private stream: Http2Stream,
    private facts: ClientFacts,
    private context: RelayContext,
    private leave: (request: Http2Request) => void,
  ) {
    this.visitor = facts.address
  }

  /** Begins with the head of the stream; `tooLarge` when it was not kept whole. */
  begin(fields: readonly HeaderField[], ended: boolean, tooLarge: boolean): void {
    if (tooLarge) return this.failed("head_too_large")
    try {
      const head = requestOf(fields, ended)
      this.head = head
      const { facts, context, requestId } = this
      const admission = admit(head, facts, context)
      if ("own" in admission) return this.failed("misdirected")
      this.route = admission.route
      if ("failure" in admission) return this.failed(admission.failure)
      const origin = originOf(head, facts, context, requestId)
      this.visitor = origin.client
      this.exchange = openExchange(this, head, admission.upstream, origin, context, head.upgrade)
      this.exchange.start(bodyPart(undefined, head.framing.kind === "none"))
    } catch (error) {
      if (!(error instanceof MessageError)) throw error
      this.failed(failureOf(error.status))
    }
  }

  onDeadline(): void {
    if (this.exchange) {
      if (this.blocked) this.aborted()
      else this.exchange.onDeadline()
    } else if (this.tunnel) {
      this.stream.reset(ErrorCode.CANCEL)
      this.onReset()
    }
  }

  // What the client sends.

  onHead(): void {}

  onData(bytes: Buffer): void {
    if (this.paused) this.held += bytes.length
    else this.stream.consumed(bytes.length)
    if (this.tunnel) this.tunnel.fromClient(bytes)
    else this.exchange?.send(bodyPart(bytes, false))
  }

  onEnd(trailers: HeaderField[] | undefined): void {
    if (this.tunnel) this.tunnel.clientEnded()
    else if (this.exchange && !this.exchange.requestDone) this.exchange.send(bodyPart(undefined, true, trailers && new FieldList(trailers)))
  }

  onReset(): void {
    const { exchange, tunnel } = this
    if (this.over) return
    if (exchange) this.record(exchange.status || 499)
    this.end()
    exchange?.cancel()
    tunnel?.stop()
  }

  onDrain(): void {
    this.blocked = false
    if (this.tunnel) this.tunnel.clientDrained()
    else this.exchange?.clientDrained()
  }

  // What the upstream answers.

  interim(head: ResponseHead): void {
    this.stream.sendHead(responseFieldsFor(head, this.requestId), false)
  }

  respond(head: ResponseHead, part: BodyPart): boolean {
    const whole = part.done && part.count === 0 && part.trailers === undefined
    this.stream.sendHead(responseFieldsFor(head, this.requestId), whole)
    return whole || this.body(part)
  }

  body(part: BodyPart): boolean {
    const { input, ranges, count, done, trailers } = part
    let flowing = true
    const last = done && trailers === undefined ? count - 2 : -1
    for (let i = 0; i < count; i += 2) flowing = this.stream.write(input.subarray(ranges[i]!, ranges[i + 1]!), i === last)
    if (done && (count === 0 || trailers !== undefined)) this.stream.end(trailerList(part))
    this.blocked = !flowing
    return flowing
  }

  pauseReading(): void {
    this.paused = true
  }

  resumeReading(): void {
    this.paused = false
    const { held } = this
    this.held = 0
    if (held > 0) this.stream.consumed(held)
  }

  expectWithin(ms: number): void {
    this.deadline = performance.now() + ms
  }

  finished(): void {
    const { requestDone, status } = this.exchange!
    this.record(status)
    this.end()
    // The answer is whole although the request is not: the rest of it is not wanted (RFC 9113 section 8.1).
    if (!requestDone) this.stream.reset(ErrorCode.NO_ERROR)
  }

  failed(failure: Failure): void {
    const { head, requestId, stream } = this
    const accept = head?.fields.all(FieldName.Accept)[0] ?? ""
    const { status, fields, body } = errorAnswer(failure, { requestId, accept, method: head?.method ?? "GET" })
    this.record(failures[failure].status)
    this.end()
    stream.sendHead([{ name: ":status", value: String(status) }, ...fields], body === "")
    if (body !== "") stream.write(Buffer.from(body), true)
    if (!stream.remoteEnded) stream.reset(ErrorCode.NO_ERROR)
  }

  aborted(): void {
    const { exchange } = this
    if (exchange) this.record(exchange.status)
    this.end()
    exchange?.cancel()
    this.stream.reset(ErrorCode.INTERNAL_ERROR)
  }

  upgraded(head: ResponseHead, connection: UpstreamConnection, firstBytes: Buffer): void {
    const { tunnelIdleMs } = this.context.limits
    const { stream } = this
    // What 101 is to HTTP/1.1, 200 is to an extended CONNECT (RFC 8441 section 5).
    const fields = responseFieldsFor({ ...head, status: 200 }, this.requestId)
    stream.sendHead(
      fields.filter(({ name }) => name !== "sec-websocket-accept"),
      false,
    )
    const end = {
      write: (chunk: Buffer) => {
        const flowing = stream.write(chunk)
        this.blocked = !flowing
        return flowing
      },
      end: () => stream.end(),
      pause: () => this.pauseReading(),
      resume: () => this.resumeReading(),
    }
    this.expectWithin(tunnelIdleMs)
    this.record(200)
    this.exchange = undefined
    this.tunnel = new Tunnel(end, connection, {
      onActivity: () => this.expectWithin(tunnelIdleMs),
      onClosed: () => {
        stream.end()
        this.end()
        if (!stream.remoteEnded) stream.reset(ErrorCode.NO_ERROR)
      },
    })
    this.resumeReading()
    if (firstBytes.length > 0) this.tunnel.onUpstreamData(firstBytes)
  }

  private end(): void {
    this.over = true
    this.exchange = undefined
    this.tunnel = undefined
    this.deadline = Number.POSITIVE_INFINITY
    this.resumeReading()
    this.leave(this)
  }

  private record(status: number): void {
    const { head, route, exchange, visitor: client, startedAt, requestId } = this
    recordRequest(this.context, this.facts, { head, route, exchange, status, client, startedAt, requestId })
  }
}

function trailerList(part: BodyPart): HeaderField[] | undefined {
  if (part.trailers === undefined) return undefined
  const list: HeaderField[] = []
  part.trailers.appendTo(list, trailerDropped, trailerNamesDropped)
  return list
}
