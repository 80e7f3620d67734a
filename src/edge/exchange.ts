import { BodyDecoder, frameMessage } from "./body-framing"
import type { Failure } from "./error-page"
import { MessageError } from "./field-lines"
import { type Origin, requestHeadFor, responseHeadFor, trailersOf, upgradeProtocol } from "./forwarded-head"
import type { EdgeLimits } from "./limits"
import type { RequestHead } from "./request-head"
import { parseResponseHead, type ResponseHead } from "./response-head"
import type { Upstream } from "./route-table"
import { type UpstreamConnection, type UpstreamPool, upstreamName, type UpstreamUser } from "./upstream-pool"

/** The client's side of an exchange, as the exchange needs it. */
export interface ExchangeClient {
  write(buffers: Buffer[]): boolean
  pauseReading(): void
  resumeReading(): void
  /** A later moment by which something must have moved. */
  expectWithin(ms: number): void
  /** The response is complete; `close` when the connection cannot carry another. */
  finished(close: boolean): void
  /** No response was begun: the client gets an error page. */
  failed(failure: Failure, close: boolean): void
  /** The response was begun and cannot be completed: the client must see that. */
  aborted(): void
  upgraded(connection: UpstreamConnection, firstBytes: Buffer): void
  readonly mustClose: boolean
}

const EMPTY = Buffer.alloc(0)
const INTERIM_COUNT = 16
const repeatable = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])

/** One request and its response, streamed both ways through a pooled connection. */
export class Exchange implements UpstreamUser {
  status = 0
  bytesOut = 0
  connectMs = 0
  firstByteMs = 0
  readonly upstreamName: string
  private request: BodyDecoder
  private response: BodyDecoder | undefined
  private head: ResponseHead | undefined
  private connection: UpstreamConnection
  private input: Buffer = EMPTY
  private searched = 0
  private interim = 0
  private chunkedOut = false
  private close = false
  private over = false
  private gotBytes = false
  private requestHead: string
  private upgrade: string | undefined
  private startedAt = performance.now()

  constructor(
    private client: ExchangeClient,
    private message: RequestHead,
    private upstream: Upstream,
    private origin: Origin,
    private pool: UpstreamPool,
    private limits: EdgeLimits,
  ) {
    this.request = new BodyDecoder(message.framing)
    this.upstreamName = upstreamName(upstream)
    this.upgrade = upgradeProtocol(message)
    this.requestHead = requestHeadFor(message, origin, this.upgrade)
    this.connection = pool.acquire(upstream, this, true)
  }

  get requestDone(): boolean {
    return this.request.done
  }

  get bytesIn(): number {
    return this.request.bytes
  }

  /** Sends the head with what has already arrived of the body; answers how many of the bytes were the body's. Throws MessageError before anything is sent. */
  start(input: Buffer): number {
    try {
      return this.sendBody(this.requestHead, input)
    } catch (error) {
      this.cancel()
      throw error
    }
  }

  /** Takes bytes of the request body; answers how many belong to it. Throws MessageError. */
  fromClient(input: Buffer): number {
    return this.sendBody("", input)
  }

  /** The client is gone or its message broke off: nothing more is sent or reported. */
  cancel(): void {
    this.over = true
    this.connection.discard()
  }

  get responseBegun(): boolean {
    return this.head !== undefined
  }

  clientDrained(): void {
    if (this.over) return
    this.connection.socket.resume()
    this.expect()
  }

  /** Nothing moved for too long. */
  onDeadline(): void {
    if (this.responseBegun) return this.abort()
    this.fail(this.request.done ? "too_slow_answer" : "too_slow_request")
  }

  onUpstreamConnected(): void {
    this.connectMs = performance.now() - this.startedAt
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
      if (this.response) this.receiveBody(this.response, chunk)
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
      this.response.done = true
      this.deliver(frameMessage("", [], this.chunkedOut, "\r\n"))
      return this.complete(false)
    }
    this.connection.socket.destroy()
  }

  onUpstreamClosed(): void {
    if (this.over) return
    if (this.responseBegun) return this.abort()
    if (this.connection.reused && !this.gotBytes && this.mayRepeat()) {
      this.connection = this.pool.acquire(this.upstream, this, false)
      this.sendBody(this.requestHead, EMPTY)
      return
    }
    this.fail(this.connection.connected && this.gotBytes ? "bad_answer" : "unreachable")
  }

  private mayRepeat(): boolean {
    return this.message.framing.kind === "none" && this.upgrade === undefined && repeatable.has(this.message.method)
  }

  private sendBody(head: string, input: Buffer): number {
    let used = 0
    let buffers: Buffer[]
    if (this.request.done) buffers = frameMessage(head, [], false, undefined)
    else {
      const pieces: Buffer[] = []
      used = this.request.decode(input, pieces)
      const chunked = this.message.framing.kind === "chunked"
      buffers = frameMessage(head, pieces, chunked, this.request.done ? trailersOf(this.request) : undefined)
    }
    let flowing = true
    for (const buffer of buffers) flowing = this.connection.socket.write(buffer)
    if (!flowing && !this.request.done) this.client.pauseReading()
    this.expect()
    return used
  }

  private receiveHead(input: Buffer): void {
    this.input = input
    while (!this.over) {
      const head = parseResponseHead(this.input, this.searched, this.message.method, this.limits)
      if (!head) {
        this.searched = this.input.length
        return
      }
      const rest = this.input.subarray(head.size)
      this.searched = 0
      if (head.status === 101) return this.switchProtocols(head, rest)
      if (head.status >= 200) {
        this.input = EMPTY
        return this.receiveFinal(head, rest)
      }
      if (++this.interim > INTERIM_COUNT) throw new MessageError(400, "there are too many interim responses")
      const { requestId } = this.origin
      // HTTP/1.0 knows no interim responses (RFC 9110 section 15.2).
      const text = responseHeadFor(head, { requestId, chunked: false, close: false, upgrade: false })
      if (this.message.version === 1) this.client.write([Buffer.from(text, "latin1")])
      this.expect()
      this.input = rest
      if (rest.length === 0) return
    }
  }

  private receiveFinal(head: ResponseHead, rest: Buffer): void {
    const { framing } = head
    this.status = head.status
    this.chunkedOut = this.message.version === 1 && (framing.kind === "chunked" || framing.kind === "close")
    const delimitedByClose = this.message.version === 0 && (framing.kind === "chunked" || framing.kind === "close")
    // A refusal before the end of the body: whether the rest of it comes is not known, so the connection cannot go on.
    const refused = !this.request.done && head.status >= 300
    this.close = delimitedByClose || refused || this.client.mustClose
    const { requestId } = this.origin
    const text = responseHeadFor(head, { requestId, chunked: this.chunkedOut, close: this.close, upgrade: false })
    const response = new BodyDecoder(framing)
    const pieces: Buffer[] = []
    // Decoded before anything is sent, so that a body which is wrong from its start is still a 502.
    const used = response.decode(rest, pieces)
    this.head = head
    this.response = response
    this.forward(response, text, pieces, used === rest.length)
  }

  private receiveBody(response: BodyDecoder, input: Buffer): void {
    const pieces: Buffer[] = []
    const used = response.decode(input, pieces)
    this.forward(response, "", pieces, used === input.length)
  }

  private forward(response: BodyDecoder, head: string, pieces: Buffer[], clean: boolean): void {
    this.bytesOut = response.bytes
    const flowing = this.deliver(frameMessage(head, pieces, this.chunkedOut, response.done ? trailersOf(response) : undefined))
    if (response.done) return this.complete(clean)
    if (!flowing) this.connection.socket.pause()
    this.expect()
  }

  private deliver(buffers: Buffer[]): boolean {
    return buffers.length === 0 || this.client.write(buffers)
  }

  private switchProtocols(head: ResponseHead, rest: Buffer): void {
    if (this.upgrade === undefined || !head.fields.some((field) => field.name === "upgrade")) {
      throw new MessageError(400, "a change of protocol was not asked for")
    }
    const { requestId } = this.origin
    this.status = 101
    this.over = true
    const text = responseHeadFor(head, { requestId, chunked: false, close: false, upgrade: true })
    this.client.write([Buffer.from(text, "latin1")])
    this.client.upgraded(this.connection, rest)
  }

  private complete(clean: boolean): void {
    this.over = true
    const head = this.head!
    const lasting = head.version === 1 && !head.connection.includes("close") && head.framing.kind !== "close"
    if (clean && lasting && this.request.done) this.pool.release(this.connection)
    else this.connection.discard()
    this.client.finished(this.close || !this.request.done)
  }

  private expect(): void {
    if (this.responseBegun) this.client.expectWithin(this.limits.responseIdleMs)
    else this.client.expectWithin(this.request.done ? this.limits.firstByteMs : this.limits.bodyIdleMs)
  }

  private fail(failure: Failure): void {
    const unread = !this.request.done
    this.cancel()
    this.client.failed(failure, unread)
  }

  private abort(): void {
    this.cancel()
    this.client.aborted()
  }
}
