import { type BodyPart, bodyPart } from "./body-framing"
import type { Failure } from "./error-page"
import type { Exchange, ExchangeClient } from "./exchange"
import { MessageError } from "./field-lines"
import { trailerDropped, trailerNamesDropped } from "./field-name"
import { FieldList } from "./fields"
import type { Origin } from "./forwarded-head"
import { requestFieldsFor, responseOf } from "./http2-head"
import { ErrorCode } from "./http2/error-codes"
import type { HeaderField } from "./http2/hpack-table"
import type { Http2Stream, StreamUser } from "./http2/stream"
import type { RelayContext } from "./relay-context"
import type { RequestHead } from "./request-head"
import type { Upstream } from "./route-table"
import type { UpstreamSession } from "./upstream-sessions"

/** One request and its response, streamed both ways through a stream of a shared HTTP/2 connection in clear (RFC 9113 section 3.3). */
export class Http2Exchange implements Exchange, StreamUser {
  status = 0
  bytesIn = 0
  bytesOut = 0
  connectMs = 0
  firstByteMs = 0
  requestDone = false
  responseBegun = false
  private stream: Http2Stream | undefined
  private session: UpstreamSession | undefined
  private responseDone = false
  private held = 0
  private blocked = false
  private retried = false
  private over = false
  private readonly startedAt = performance.now()

  constructor(
    private client: ExchangeClient,
    private message: RequestHead,
    private upstream: Upstream,
    private origin: Origin,
    private context: RelayContext,
  ) {}

  get upstreamName(): string {
    return this.context.pool.nameOf(this.upstream)
  }

  start(part: BodyPart): void {
    this.open(part)
  }

  send(part: BodyPart): void {
    const { stream } = this
    if (!stream || this.over) return
    this.requestDone = part.done
    let flowing = true
    const last = part.done && part.trailers === undefined ? part.count - 2 : -1
    for (let i = 0; i < part.count; i += 2) {
      const from = part.ranges[i]!
      const to = part.ranges[i + 1]!
      this.bytesIn += to - from
      flowing = stream.write(part.input.subarray(from, to), i === last)
    }
    if (part.done && (part.count === 0 || part.trailers !== undefined)) {
      const trailers: HeaderField[] = []
      part.trailers?.appendTo(trailers, trailerDropped, trailerNamesDropped)
      stream.end(trailers)
    }
    if (!flowing && !part.done) this.client.pauseReading()
    this.expect()
  }

  cancel(): void {
    this.over = true
    this.stream?.reset(ErrorCode.CANCEL)
  }

  clientDrained(): void {
    if (this.over) return
    this.blocked = false
    const { held } = this
    this.held = 0
    if (held > 0) this.stream?.consumed(held)
    this.expect()
  }

  onDeadline(): void {
    if (this.responseBegun) return this.abort()
    const connecting = this.session?.connected === false
    this.fail(connecting ? "unreachable" : this.requestDone ? "too_slow_answer" : "too_slow_request")
  }

  onHead(fields: HeaderField[], ended: boolean): void {
    if (this.over) return
    try {
      const head = responseOf(fields, ended, this.message.method)
      if (head.status < 200) return this.client.interim(head)
      this.firstByteMs = performance.now() - this.startedAt
      this.connectMs = this.session?.connectMs ?? 0
      this.status = head.status
      this.responseBegun = true
      this.client.respond(head, bodyPart(undefined, ended))
      if (ended) this.complete()
      else this.expect()
    } catch (error) {
      if (!(error instanceof MessageError)) throw error
      this.fail("bad_answer")
    }
  }

  onData(bytes: Buffer): void {
    if (this.over) return
    this.bytesOut += bytes.length
    if (!this.client.body(bodyPart(bytes, false))) this.blocked = true
    if (this.over) return
    if (this.blocked) this.held += bytes.length
    else this.stream!.consumed(bytes.length)
    this.expect()
  }

  onEnd(trailers: HeaderField[] | undefined): void {
    if (this.over) return
    this.client.body(bodyPart(undefined, true, trailers && new FieldList(trailers)))
    this.complete()
  }

  onReset(code: number): void {
    if (this.over) return
    if (this.responseBegun) return this.abort()
    // A refused stream was not looked at (RFC 9113 section 8.7), so that any request without body may go again.
    if (code === ErrorCode.REFUSED_STREAM && !this.retried && this.message.framing.kind === "none") {
      this.retried = true
      return this.open(bodyPart(undefined, true))
    }
    this.fail(this.session?.connected === false ? "unreachable" : "bad_answer")
  }

  onDrain(): void {
    this.client.resumeReading()
    this.expect()
  }

  private open(part: BodyPart): void {
    const ended = part.done && part.count === 0 && part.trailers === undefined
    const opened = this.context.sessions.request(this.upstream, requestFieldsFor(this.message, this.origin), ended, this)
    if (!opened) return this.fail("unreachable")
    this.stream = opened.stream
    this.session = opened.session
    this.requestDone = ended
    if (!ended && (part.count > 0 || part.done)) this.send(part)
    else this.expect()
  }

  private complete(): void {
    if (this.responseDone) return
    this.responseDone = true
    this.over = true
    if (!this.requestDone) this.stream?.reset(ErrorCode.CANCEL)
    this.client.finished()
  }

  private expect(): void {
    const { limits } = this.context
    if (this.responseBegun) this.client.expectWithin(limits.responseIdleMs)
    else this.client.expectWithin(this.requestDone ? limits.firstByteMs : limits.bodyIdleMs)
  }

  private fail(failure: Failure): void {
    this.cancel()
    this.client.failed(failure)
  }

  private abort(): void {
    this.cancel()
    this.client.aborted()
  }
}
