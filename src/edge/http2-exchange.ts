import { type BodyPart, bodyPart } from "./body-framing"
import type { Failure } from "./error-page"
import { type Exchange, type ExchangeClient, INTERIM_COUNT, mayRepeat } from "./exchange"
import { MessageError } from "./field-lines"
import { trailerDropped, trailerNamesDropped } from "./field-name"
import { FieldList, type Fields } from "./fields"
import type { Origin } from "./origin"
import { requestFieldsFor, responseOf } from "./http2-head"
import { ByteQueue } from "./http2/byte-queue"
import { ErrorCode } from "./http2/error-codes"
import type { HeaderField } from "./http2/hpack-table"
import type { Http2Stream } from "./http2/stream"
import { Hold, type HeldRequest } from "./holds"
import type { RelayContext } from "./relay-context"
import type { RequestHead } from "./request-head"
import { speaksHttp2, type Upstream } from "./route-table"
import type { UpstreamSession } from "./upstream-session"
import type { StreamSeeker } from "./upstream-sessions"

/**
 * One request and its response, streamed both ways through a stream of a shared HTTP/2 connection in clear (RFC 9113 section 3.3). Where the
 * application takes no connections and is awaited, it is held.
 */
export class Http2Exchange implements Exchange, StreamSeeker, HeldRequest {
  status = 0
  bytesIn = 0
  bytesOut = 0
  connectMs = 0
  firstByteMs = 0
  requestDone = false
  responseBegun = false
  private stream: Http2Stream | undefined
  private session: UpstreamSession | undefined
  /** Of the request's body, while there is no stream or no connection yet; as much as the client may send before it heeds `pauseReading`. */
  private early: ByteQueue | undefined
  private earlyTrailers: Fields | undefined
  private interimCount = 0
  private held = 0
  private blocked = false
  private retried = false
  private repeated = false
  private hold: Hold | undefined
  isHeld = false
  private wasConnected = false
  private openedAt = 0
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

  get heldBytes(): number {
    return this.stream?.queuedBytes ?? 0
  }

  start(part: BodyPart): void {
    this.requestDone = part.done
    this.keep(part)
    this.seek()
  }

  send(part: BodyPart): void {
    if (this.over) return
    this.requestDone = part.done
    if (!this.stream) return this.keep(part)
    if (this.session!.connected) this.early = undefined
    else this.keep(part)
    const flowing = this.transmit(this.stream, part)
    if (this.over) return
    if (!flowing && !part.done) this.client.pauseReading()
    this.expect()
  }

  cancel(): void {
    this.over = true
    this.early = undefined
    this.hold?.leave()
    if (this.isHeld) return
    if (this.stream) this.stream.reset(ErrorCode.CANCEL)
    else this.context.sessions.forsake(this.upstream, this)
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
    if (this.isHeld) return
    const { session } = this
    const connecting = session?.connected === false
    // Nobody may be there any more, which a connection does not tell by itself.
    if (session && this.requestDone && session.heardAt < this.openedAt) session.retire()
    this.fail(connecting ? "unreachable" : this.requestDone ? "too_slow_answer" : "too_slow_request")
  }

  onRoom(session: UpstreamSession): void {
    const { requestDone, early, earlyTrailers } = this
    const ended = requestDone && early === undefined && earlyTrailers === undefined
    this.wasConnected = session.connected
    this.openedAt = performance.now()
    this.session = session
    const stream = session.request(requestFieldsFor(this.message, this.origin), ended, this)
    this.stream = stream
    if (!stream) return this.seek()
    this.early = undefined
    const body = early?.take()
    // Until somebody is there to take it, it may have to go elsewhere.
    if (body !== undefined && !session.connected) (this.early = new ByteQueue()).push(body)
    const flowing = ended || this.transmit(stream, bodyPart(body, requestDone, earlyTrailers))
    if (this.over) return
    if (flowing) this.client.resumeReading()
    this.expect()
  }

  onNoRoom(connected: boolean): void {
    if (this.over) return
    if (connected) this.fail("bad_answer")
    else this.wait(false)
  }

  onTurn(upstream: Upstream): void {
    this.isHeld = false
    this.upstream = upstream
    // Its mapping has changed meanwhile.
    if (!speaksHttp2(upstream)) return this.fail("unreachable")
    this.seek()
  }

  onForsaken(failure: Failure): void {
    this.fail(failure)
  }

  onHead(fields: HeaderField[], ended: boolean): void {
    if (this.over) return
    this.early = undefined
    this.context.holds.accepted(this.upstreamName)
    try {
      const head = responseOf(fields, this.message.method)
      if (head.status < 200) {
        if (++this.interimCount > INTERIM_COUNT) throw new MessageError(400, "there are too many interim responses")
        this.client.interim(head)
        return this.expect()
      }
      this.firstByteMs = performance.now() - this.startedAt
      if (!this.wasConnected) this.connectMs = this.session!.connectMs
      this.status = head.status
      this.responseBegun = true
      this.blocked = !this.client.respond(head, bodyPart(undefined, ended))
      if (this.over) return
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
    if (!this.retried && this.mayRetry(code)) {
      this.retried = true
      this.stream = undefined
      return this.seek()
    }
    const { connected, lost } = this.session!
    if (!connected) return this.wait(false)
    if (!lost || this.repeated || this.interimCount > 0 || !mayRepeat(this.message, undefined)) return this.fail("bad_answer")
    this.repeated = true
    this.wait(true)
  }

  onDrain(): void {
    if (this.over) return
    this.client.resumeReading()
    this.expect()
  }

  /** Waits for the application, which has seen nothing of the request, or may see it again. */
  private wait(broke: boolean): void {
    this.stream = undefined
    this.isHeld = true
    this.hold ??= new Hold(this.context.holds, this.message.host, this)
    if (!this.requestDone) this.client.pauseReading()
    this.client.expectWithin(Number.POSITIVE_INFINITY)
    this.hold.awaitUpstream(this.upstream, broke)
  }

  private seek(): void {
    this.expect()
    this.context.sessions.seek(this.upstream, this)
    if (!this.stream && !this.over && !this.requestDone) this.client.pauseReading()
  }

  /** A refused stream was not looked at (RFC 9113 section 8.7), so that any request without body may go again. */
  private mayRetry(code: number): boolean {
    if (this.message.framing.kind !== "none") return false
    if (code === ErrorCode.REFUSED_STREAM) return true
    // A connection that was just being closed when the request went to it.
    return this.session!.lost && this.wasConnected && this.interimCount === 0 && mayRepeat(this.message, undefined)
  }

  /** Keeps a part beyond the call; its trailers are its own. */
  private keep({ input, ranges, count, trailers }: BodyPart): void {
    for (let i = 0; i < count; i += 2) (this.early ??= new ByteQueue()).push(input.subarray(ranges[i]!, ranges[i + 1]!))
    this.earlyTrailers = trailers
  }

  private transmit(stream: Http2Stream, part: BodyPart): boolean {
    const { input, ranges, count, done, trailers } = part
    let flowing = true
    const last = done && trailers === undefined ? count - 2 : -1
    for (let i = 0; i < count; i += 2) {
      const from = ranges[i]!
      const to = ranges[i + 1]!
      this.bytesIn += to - from
      flowing = stream.write(input.subarray(from, to), i === last)
    }
    if (done && (count === 0 || trailers !== undefined)) {
      const list: HeaderField[] = []
      trailers?.appendTo(list, trailerDropped, trailerNamesDropped)
      stream.end(list)
    }
    return flowing
  }

  private complete(): void {
    this.over = true
    // What of the request has not left yet is not wanted any more.
    if (!this.stream!.endSent) this.stream!.reset(ErrorCode.CANCEL)
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
