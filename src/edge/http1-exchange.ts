import { BodyDecoder, type BodyPart, bodyPart, writePart } from "./body-framing"
import type { Failure } from "./error-page"
import { type Exchange, type ExchangeClient, INTERIM_COUNT, mayRepeat } from "./exchange"
import { MessageError } from "./field-lines"
import { FieldName } from "./field-name"
import { writeRequestHead } from "./forwarded-head"
import type { Origin } from "./origin"
import type { RelayContext } from "./relay-context"
import type { RequestHead } from "./request-head"
import { announcedLength, parseResponseHead, type ResponseHead } from "./response-head"
import { Hold, type HeldRequest } from "./holds"
import { speaksHttp2, type Upstream } from "./route-table"
import type { UpstreamConnection, UpstreamUser } from "./upstream-pool"
import { Wire } from "./wire"

const EMPTY = Buffer.alloc(0)

/**
 * One request and its response, streamed both ways through a pooled connection of HTTP/1.1. Where the application takes no connections and is
 * awaited, it is held; whatever of it was never sent goes to the next connection.
 */
export class Http1Exchange implements Exchange, UpstreamUser, HeldRequest {
  status = 0
  bytesIn = 0
  bytesOut = 0
  connectMs = 0
  firstByteMs = 0
  requestDone = false
  private response: BodyDecoder | undefined
  private reusable = false
  private input: Buffer = EMPTY
  private searched = 0
  private announced: number | undefined
  private interimCount = 0
  private gotBytes = false
  private over = false
  private connection: UpstreamConnection
  /** Where the request is written: the connection's, or while the request is held one that leads nowhere. */
  private wire: Wire
  private hold: Hold | undefined
  isHeld = false
  private repeated = false
  private readonly startedAt = performance.now()

  constructor(
    private client: ExchangeClient,
    private message: RequestHead,
    private upstream: Upstream,
    private origin: Origin,
    private context: RelayContext,
    private upgrade: string | undefined,
  ) {
    this.connection = context.pool.acquire(upstream, this, true)
    this.wire = this.connection.wire
  }

  get upstreamName(): string {
    return this.context.pool.nameOf(this.upstream)
  }

  get heldBytes(): number {
    return this.wire.heldBytes
  }

  get responseBegun(): boolean {
    return this.response !== undefined
  }

  start(body: BodyPart): void {
    this.transmit(body, true)
  }

  send(part: BodyPart): void {
    this.transmit(part, false)
  }

  cancel(): void {
    this.over = true
    this.hold?.leave()
    // Of one that is held, which no connection takes with it.
    this.wire.takeUnsent()
    this.connection.discard()
  }

  clientDrained(): void {
    if (this.over || this.isHeld) return
    this.wire.resume()
    this.expect()
  }

  onDeadline(): void {
    if (this.responseBegun) return this.abort()
    if (this.isHeld) return
    // What the upstream has not taken yet is not the client's to hurry.
    const waitsForClient = !this.requestDone && this.wire.writableLength === 0
    this.fail(waitsForClient ? "too_slow_request" : "too_slow_answer")
  }

  onUpstreamConnected(): void {
    this.connectMs = performance.now() - this.startedAt
    this.context.holds.accepted(this.connection.target.name)
  }

  onUpstreamDrain(): void {
    this.client.resumeReading()
    this.expect()
  }

  onUpstreamData(chunk: Buffer): void {
    if (!this.gotBytes) {
      this.gotBytes = true
      this.firstByteMs = performance.now() - this.startedAt
    }
    try {
      if (this.response) this.forward(this.response, chunk, 0)
      else this.receiveHead(this.input.length === 0 ? chunk : Buffer.concat([this.input, chunk]))
    } catch (error) {
      if (!(error instanceof MessageError)) throw error
      if (this.responseBegun) this.abort()
      else this.fail("bad_answer")
    }
  }

  onUpstreamEnd(): void {
    if (this.over) return
    if (this.response?.framing.kind === "close") {
      this.client.body(bodyPart(undefined, true))
      return this.complete(false)
    }
    this.connection.wire.destroy()
  }

  onUpstreamClosed(): void {
    if (this.over) return
    if (this.responseBegun) return this.abort()
    if (this.gotBytes) return this.fail("bad_answer")
    const { connected, reused } = this.connection
    if (!connected) return this.wait(this.wire.takeUnsent(), false)
    if (!mayRepeat(this.message, this.upgrade)) return this.fail("unreachable")
    if (reused) return this.connect(this.upstream, [])
    if (this.repeated) return this.fail("unreachable")
    this.repeated = true
    this.wait([], true)
  }

  onTurn(upstream: Upstream): void {
    this.isHeld = false
    // Its mapping has changed meanwhile, and what was written is in another protocol.
    if (speaksHttp2(upstream)) return this.fail("unreachable")
    this.connect(upstream, this.wire.takeUnsent())
  }

  onForsaken(failure: Failure): void {
    this.fail(failure)
  }

  /** Waits for the application with what of the request was not sent. */
  private wait(unsent: Buffer[], broke: boolean): void {
    const wire = new Wire(this.context.budget)
    for (const piece of unsent) wire.write(piece)
    this.wire = wire
    this.isHeld = true
    this.hold ??= new Hold(this.context.holds, this.message.host, this)
    if (!this.requestDone) this.client.pauseReading()
    this.client.expectWithin(Number.POSITIVE_INFINITY)
    this.hold.awaitUpstream(this.upstream, broke)
  }

  /** Goes on at another connection with what was not sent, or from the start where everything was. */
  private connect(upstream: Upstream, unsent: Buffer[]): void {
    this.upstream = upstream
    this.connection = this.context.pool.acquire(upstream, this, false)
    this.wire = this.connection.wire
    if (unsent.length === 0) return this.transmit(bodyPart(undefined, true), true)
    for (const piece of unsent) this.wire.write(piece)
    this.expect()
  }

  private transmit(part: BodyPart, first: boolean): void {
    const { framing } = this.message
    const out = this.context.outbox.begin(this.wire)
    if (first) writeRequestHead(out, this.message, this.origin, this.upgrade)
    for (let i = 0; i < part.count; i += 2) this.bytesIn += part.ranges[i + 1]! - part.ranges[i]!
    if (framing.kind !== "none") writePart(out, part, framing.kind === "chunked")
    const flowing = out.send()
    this.requestDone = part.done
    if (!flowing && !part.done) this.client.pauseReading()
    if (!this.isHeld) this.expect()
  }

  private receiveHead(input: Buffer): void {
    let at = 0
    while (!this.over) {
      const head = parseResponseHead(input, at, this.searched, this.message.method, this.context.limits, this.context.responseLines)
      if (!head) {
        this.input = at === 0 ? input : input.subarray(at)
        this.searched = this.input.length
        return
      }
      this.searched = 0
      at = head.end
      if (head.status === 101) return this.switchProtocols(head, input.subarray(at))
      if (head.status >= 200) {
        this.input = EMPTY
        return this.receiveFinal(head, input)
      }
      if (++this.interimCount > INTERIM_COUNT) throw new MessageError(400, "there are too many interim responses")
      this.client.interim(head)
      this.expect()
      if (at === input.length) {
        this.input = EMPTY
        return
      }
    }
  }

  private receiveFinal(head: ResponseHead, input: Buffer): void {
    const { framing } = head
    const response = new BodyDecoder(framing)
    // Decoded before anything is sent, so that a body which is wrong from its start is still a 502.
    const used = response.decode(input, head.end)
    if (framing.kind === "chunked" && "unix" in this.upstream) head.announced = announcedLength(head)
    this.announced = head.announced
    this.checkAnnounced(response)
    this.status = head.status
    this.response = response
    const lasting = head.version === 1 && framing.kind !== "close" && (head.connection.length === 0 || !head.connection.includes("close"))
    this.reusable = lasting
    this.bytesOut = response.bytes
    const flowing = this.client.respond(head, response)
    this.sent(response, flowing, used === input.length)
  }

  private forward(response: BodyDecoder, input: Buffer, from: number): void {
    const used = response.decode(input, from)
    this.checkAnnounced(response)
    this.bytesOut = response.bytes
    const flowing = response.count === 0 && !response.done ? true : this.client.body(response)
    this.sent(response, flowing, used === input.length)
  }

  /** The client counts on the length that it was told: what is not of that length ends in a cut. */
  private checkAnnounced({ bytes, done }: BodyDecoder): void {
    if (this.announced !== undefined && (bytes > this.announced || (done && bytes < this.announced)))
      throw new MessageError(400, "the body is not as long as it was announced")
  }

  private sent(response: BodyDecoder, flowing: boolean, clean: boolean): void {
    if (this.over) return
    if (response.done) return this.complete(clean)
    if (!flowing) this.connection.wire.pause()
    this.expect()
  }

  private switchProtocols(head: ResponseHead, rest: Buffer): void {
    if (this.upgrade === undefined || head.fields.all(FieldName.Upgrade).length === 0) {
      throw new MessageError(400, "a change of protocol was not asked for")
    }
    this.status = 101
    this.over = true
    this.client.upgraded(head, this.connection, rest)
  }

  private complete(clean: boolean): void {
    this.over = true
    if (clean && this.reusable && this.requestDone) this.context.pool.release(this.connection)
    else this.connection.discard()
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
