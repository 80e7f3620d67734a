import { admit } from "./admission"
import { type BodyPart, bodyPart } from "./body-framing"
import type { Timed } from "./connection-set"
import { errorAnswer, type Failure, failureOf, failures } from "./error-page"
import type { Exchange, ExchangeClient } from "./exchange"
import { openExchange } from "./exchange-kinds"
import { MessageError } from "./field-lines"
import { FieldName, trailerDropped, trailerNamesDropped } from "./field-name"
import { FieldList } from "./fields"
import { Hold } from "./holds"
import { type AuthorityMemo, type Http2RequestHead, requestOf, responseFieldsFor, websocketAccept } from "./http2-head"
import { ByteQueue } from "./http2/byte-queue"
import { ErrorCode } from "./http2/error-codes"
import type { HeaderField } from "./http2/hpack-table"
import type { Http2Stream, StreamUser } from "./http2/stream"
import type { ClientFacts, RelayContext } from "./relay-context"
import { RequestInHand } from "./request-in-hand"
import type { ResponseHead } from "./response-head"
import { speaksHttp2, type Upstream } from "./route-table"
import { Tunnel } from "./tunnel"
import type { UpstreamConnection } from "./upstream-pool"

const NO_BODY = bodyPart(undefined, true)
const BODY_TO_COME = bodyPart(undefined, false)

/** One stream of a client's HTTP/2 connection: head → host check → route → exchange, beside the others. */
export class Http2Request implements ExchangeClient, StreamUser, Timed {
  deadline = Number.POSITIVE_INFINITY
  private head: Http2RequestHead | undefined
  private exchange: Exchange | undefined
  private tunnel: Tunnel | undefined
  private blocked = false
  private paused = false
  private held = 0
  private hold: Hold | undefined
  /** What came for a tunnel or an application that is not there yet; its window is not given back, which bounds it. */
  private early: ByteQueue | undefined
  private earlyTrailers: HeaderField[] | undefined
  private over = false
  private unsent = 0
  private unsentSince = 0
  private readonly request: RequestInHand

  /** `leave` is called once, when nothing of the request or its answer is left to be done. */
  constructor(
    private stream: Http2Stream,
    private facts: ClientFacts,
    private context: RelayContext,
    private hosts: AuthorityMemo,
    private leave: (request: Http2Request) => void,
  ) {
    this.request = new RequestInHand(context, facts, undefined)
  }

  /** Begins with the head of the stream; `tooLarge` when it was not kept whole. */
  begin(fields: readonly HeaderField[], ended: boolean, tooLarge: boolean): void {
    if (tooLarge) return this.failed("head_too_large")
    const { facts, context, request } = this
    try {
      const head = requestOf(fields, ended, context.limits.targetBytes, this.hosts)
      this.head = head
      request.head = head
      const admission = admit(head, facts, context)
      if ("own" in admission) return this.failed("misdirected")
      request.route = admission.route
      if ("failure" in admission) return this.failed(admission.failure)
      if ("isAwaited" in admission) this.wait(head)
      else this.forward(head, admission.upstream)
    } catch (error) {
      if (!(error instanceof MessageError)) throw error
      this.failed(failureOf(error.status))
    }
  }

  private forward(head: Http2RequestHead, upstream: Upstream): void {
    const upgrade = head.websocketKey === undefined ? undefined : "websocket"
    // An upgrade is made in HTTP/1.1 only.
    if (upgrade !== undefined && speaksHttp2(upstream)) return this.failed("not_allowed")
    this.exchange = openExchange(this, head, upstream, this.request.origin(head), this.context, upgrade)
    this.exchange.start(head.framing.kind === "none" ? NO_BODY : BODY_TO_COME)
  }

  /** Waits for an application on its way up. */
  private wait(head: Http2RequestHead): void {
    this.hold = new Hold(this.context.holds, head.host, {
      onTurn: (upstream) => {
        this.hold = undefined
        this.forward(head, upstream)
        if (head.framing.kind === "none" || this.over) return
        const { early } = this
        this.early = undefined
        if (early) this.onData(early.take())
        if (this.stream.remoteEnded && !this.over) this.onEnd(this.earlyTrailers)
      },
      onForsaken: (failure) => {
        this.hold = undefined
        this.failed(failure)
      },
    })
    this.hold.awaitRoute()
  }

  onDeadline(): void {
    if (this.over) return this.linger()
    if (this.exchange) {
      if (this.blocked) this.aborted("client_left")
      else this.exchange.onDeadline()
    } else if (this.tunnel) {
      this.stream.reset(ErrorCode.CANCEL)
      this.onReset()
    }
  }

  /** Its name is not mapped any more: a request under way ends by itself, a tunnel would not. */
  retire(): void {
    if (!this.tunnel) return
    this.stream.reset(ErrorCode.CANCEL)
    this.onReset()
  }

  /** Memory held for what of it its application does not take. */
  get heldBytes(): number {
    return this.exchange?.heldBytes ?? this.tunnel?.heldBytes ?? 0
  }

  // What the client sends.

  onHead(): void {}

  onData(bytes: Buffer): void {
    if (this.tunnel) this.tunnel.fromClient(bytes)
    else if (this.hold || (this.exchange && this.head!.websocketKey !== undefined)) return (this.early ??= new ByteQueue()).push(bytes)
    else this.exchange?.send(bodyPart(bytes, false))
    if (this.paused) this.held += bytes.length
    else this.stream.consumed(bytes.length)
  }

  onEnd(trailers: HeaderField[] | undefined): void {
    if (this.hold) this.earlyTrailers = trailers
    else if (this.tunnel) this.tunnel.clientEnded()
    else if (this.exchange && !this.exchange.requestDone) this.exchange.send(bodyPart(undefined, true, trailers && new FieldList(trailers)))
  }

  onReset(): void {
    const { exchange, tunnel } = this
    if (this.over) return this.leave(this)
    // 499 is what nginx calls a client that left before its answer was complete.
    this.request.ending ??= "client_left"
    if (exchange || this.hold) this.record(exchange?.status || 499)
    this.hold?.leave()
    this.hold = undefined
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
    this.stream.sendHead(responseFieldsFor(head, this.request.id), false)
  }

  respond(head: ResponseHead, part: BodyPart): boolean {
    if (this.head!.websocketKey !== undefined && head.status < 300) {
      // To the client this would say that there is a tunnel now.
      this.exchange!.cancel()
      this.failed("bad_answer")
      return true
    }
    const whole = part.done && part.count === 0 && part.trailers === undefined
    this.stream.sendHead(responseFieldsFor(head, this.request.id), whole)
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
    this.record(this.exchange!.status)
    this.end()
  }

  failed(failure: Failure): void {
    const { head, stream } = this
    const requestId = this.request.id
    const accept = head?.fields.all(FieldName.Accept)[0] ?? ""
    const { status, fields, body } = errorAnswer(failure, { requestId, accept, method: head?.method ?? "GET" })
    stream.sendHead([{ name: ":status", value: String(status) }, ...fields], body === "")
    if (body !== "") stream.write(Buffer.from(body), true)
    this.request.ending = failure
    this.record(failures[failure].status)
    this.end()
  }

  aborted(ending: "broken_off" | "client_left" = "broken_off"): void {
    const { exchange } = this
    this.request.ending ??= ending
    if (exchange) this.record(exchange.status)
    this.stream.reset(ErrorCode.INTERNAL_ERROR)
    this.end()
    exchange?.cancel()
  }

  upgraded(head: ResponseHead, connection: UpstreamConnection, firstBytes: Buffer): void {
    const { tunnelIdleMs } = this.context.limits
    const { stream, early } = this
    // What 101 is to HTTP/1.1, 200 is to an extended CONNECT (RFC 8441 section 5).
    const fields = responseFieldsFor({ ...head, status: 200 }, this.request.id)
    const accepted = fields.find(({ name }) => name === "sec-websocket-accept")?.value
    if (accepted !== websocketAccept(this.head!.websocketKey!)) {
      connection.discard()
      return this.failed("bad_answer")
    }
    stream.sendHead(
      fields.filter(({ name }) => name !== "sec-websocket-accept"),
      false,
    )
    if (this.over) return
    this.record(200)
    this.exchange = undefined
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
    const tunnel = new Tunnel(end, connection, {
      onActivity: () => this.expectWithin(tunnelIdleMs),
      onClosed: () => {
        stream.end()
        this.end()
      },
    })
    this.tunnel = tunnel
    this.early = undefined
    if (firstBytes.length > 0) tunnel.onUpstreamData(firstBytes)
    if (early) this.onData(early.take())
    if (stream.remoteEnded) tunnel.clientEnded()
  }

  private end(): void {
    this.over = true
    this.exchange = undefined
    this.tunnel = undefined
    this.early = undefined
    this.resumeReading()
    this.unsentSince = performance.now()
    this.linger()
  }

  /** Stays until the client has taken its answer, as long as that goes on; the rest of the request is not wanted (RFC 9113 section 8.1). */
  private linger(): void {
    const { stream } = this
    if (stream.endSent && !stream.closed) stream.reset(ErrorCode.NO_ERROR)
    if (stream.closed) return this.leave(this)
    const now = performance.now()
    if (stream.queuedBytes !== this.unsent) {
      this.unsent = stream.queuedBytes
      this.unsentSince = now
    }
    if (now - this.unsentSince > this.context.limits.bodyIdleMs) {
      stream.reset(ErrorCode.CANCEL)
      return this.leave(this)
    }
    this.deadline = 0
  }

  private record(status: number): void {
    this.request.record(status, this.exchange, 2)
  }
}

function trailerList(part: BodyPart): HeaderField[] | undefined {
  if (part.trailers === undefined) return undefined
  const list: HeaderField[] = []
  part.trailers.appendTo(list, trailerDropped, trailerNamesDropped)
  return list
}
