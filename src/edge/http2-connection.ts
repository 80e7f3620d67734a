import type { Client } from "./client"
import { AuthorityMemo } from "./http2-head"
import { Http2Request } from "./http2-request"
import { ErrorCode } from "./http2/error-codes"
import { defaultHttp2Limits } from "./http2/limits"
import { Http2Session } from "./http2/session"
import type { ClientFacts, RelayContext } from "./relay-context"
import type { Wire, WireUser } from "./wire"

/** One HTTP/2 client connection: its session, and an Http2Request for each stream. */
export class Http2Connection implements Client, WireUser {
  private idleUntil: number
  private closing = false
  private unsent = 0
  private requests = new Set<Http2Request>()
  private session: Http2Session

  constructor(
    private wire: Wire,
    private facts: ClientFacts,
    private context: RelayContext,
    private leave: (connection: Http2Connection) => void,
  ) {
    const { limits, buffers } = context
    this.idleUntil = performance.now() + limits.headMs
    wire.user = this
    const hosts = new AuthorityMemo()
    const done = (request: Http2Request) => this.ended(request)
    this.session = new Http2Session({
      role: "server",
      transport: { write: (bytes) => wire.write(bytes), end: () => wire.end(), destroy: () => wire.reset() },
      limits: { ...defaultHttp2Limits, headerListBytes: limits.headBytes, headerCount: limits.fieldCount },
      buffers,
      budget: context.budget,
      now: () => performance.now(),
      onStream: (stream, fields, ended, tooLarge) => {
        const request = new Http2Request(stream, facts, context, hosts, done)
        this.requests.add(request)
        stream.user = request
        request.begin(fields, ended, tooLarge)
        return request
      },
      onClosed: () => {
        this.closing = true
        this.idleUntil = performance.now() + limits.lingerMs
      },
    })
  }

  /** With requests under way, each has a deadline of its own. */
  get deadline(): number {
    return this.requests.size > 0 ? 0 : this.idleUntil
  }

  get bufferedBytes(): number {
    return this.session.queuedBytes + this.wire.writableLength
  }

  get heldBytes(): number {
    let bytes = this.session.queuedBytes + this.wire.heldBytes
    for (const request of this.requests) bytes += request.heldBytes
    return bytes
  }

  get address(): string {
    return this.facts.address
  }

  onDeadline(): void {
    const now = performance.now()
    for (const request of this.requests) if (request.deadline <= now) request.onDeadline()
    if (this.requests.size > 0 || now < this.idleUntil) return
    const { bufferedBytes } = this
    if (bufferedBytes > 0 && bufferedBytes !== this.unsent) {
      // A slow reader that still reads gets the rest of its last answers.
      this.unsent = bufferedBytes
      this.idleUntil = now + this.context.limits.lingerMs
      return
    }
    if (this.closing) return this.wire.reset()
    if (bufferedBytes > 0) return this.wire.reset()
    this.session.shut(ErrorCode.NO_ERROR, "")
  }

  /** Takes no further requests, and ends when those under way have. */
  drain(): void {
    this.session.drain()
  }

  retire(): void {
    this.drain()
    for (const request of this.requests) request.retire()
  }

  get serverName(): string {
    return this.facts.serverName
  }

  destroy(): void {
    this.wire.reset()
  }

  onData(chunk: Buffer): void {
    this.session.receive(chunk)
  }

  onEnd(): void {
    // Without its half nothing can be acknowledged any more.
    this.session.onTransportClosed()
    this.wire.end()
  }

  onDrain(): void {
    this.session.onTransportDrained()
  }

  onClosed(): void {
    this.session.onTransportClosed()
    this.leave(this)
  }

  private ended(request: Http2Request): void {
    this.requests.delete(request)
    if (!this.closing && this.requests.size === 0) this.idleUntil = performance.now() + this.context.limits.idleMs
  }
}
