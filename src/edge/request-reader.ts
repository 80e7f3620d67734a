import { BodyDecoder, type BodyPart, bodyPart } from "./body-framing"
import { FieldLines } from "./fields"
import type { RelayContext } from "./relay-context"
import { parseRequestHead, type RequestHead } from "./request-head"

const EMPTY = Buffer.alloc(0)
const NO_BODY = bodyPart(undefined, true)

/** Bytes of an HTTP/1 client that were received and not yet used, and the request heads in them. */
export class RequestReader {
  private bytes: Buffer = EMPTY
  /** Where the unused ones begin. */
  private at = 0
  /** How far a head was looked for. */
  private searched = 0
  private lines: FieldLines | undefined
  private body: BodyDecoder | undefined

  private likely: { authority: string; host: string }

  /** `host` is the one that is most likely asked for. */
  constructor(
    private context: RelayContext,
    host: string,
  ) {
    this.likely = { authority: host, host }
  }

  get size(): number {
    return this.bytes.length - this.at
  }

  /** More waits than may. */
  get isFull(): boolean {
    return this.size > this.context.limits.pipelinedBytes
  }

  /** Adds what stands in a chunk from `from` on; nothing is copied unless bytes are waiting already. */
  append(chunk: Buffer, from: number): void {
    if (this.bytes.length === this.at) {
      this.bytes = chunk
      this.at = from
      this.searched = from
    } else {
      this.searched = Math.max(0, this.searched - this.at)
      this.bytes = Buffer.concat([this.bytes.subarray(this.at), chunk.subarray(from)])
      this.at = 0
    }
  }

  /**
   * The next head, which points into these bytes until `release`, or undefined while it is incomplete; `begun` says that nothing of it was
   * seen before. Throws MessageError.
   */
  next(): { head: RequestHead } | { head: undefined; begun: boolean } {
    const { context } = this
    this.lines ??= context.requestLines.pop() ?? new FieldLines(context.limits.fieldCount)
    const head = parseRequestHead(this.bytes, this.at, this.searched, context.limits, this.likely, this.lines)
    if (head) {
      if (head.authority !== this.likely.authority) this.likely = { authority: head.authority, host: head.host }
      return { head }
    }
    const begun = this.searched === this.at
    this.searched = this.bytes.length
    return { head, begun }
  }

  /** The rest of the request under way has not come yet. */
  get inBody(): boolean {
    return this.body !== undefined
  }

  /** Goes behind a head that was just found; it must be done before anything else comes. */
  passHead(head: RequestHead): void {
    this.use(head.end)
  }

  /** What has already come of the body behind the last head; throws MessageError where it is wrong from its start. */
  startBody(framing: RequestHead["framing"]): BodyPart {
    if (framing.kind === "none") return NO_BODY
    const body = new BodyDecoder(framing)
    const end = body.decode(this.bytes, this.at)
    if (!body.done) this.body = body
    this.use(end)
    return body
  }

  /** More of that body; what follows it is kept. Throws MessageError. */
  continueBody(chunk: Buffer): BodyPart {
    const body = this.body!
    const used = body.decode(chunk, 0)
    if (body.done) this.body = undefined
    if (used < chunk.length) this.append(chunk, used)
    return body
  }

  private use(to: number): void {
    this.at = to
    this.searched = to
    if (to >= this.bytes.length) this.clear()
  }

  /** Takes everything out. */
  take(): Buffer {
    const rest = this.bytes.subarray(this.at)
    this.clear()
    return rest
  }

  clear(): void {
    this.bytes = EMPTY
    this.at = 0
    this.searched = 0
  }

  /** The last head is not looked at any more, and its places may be used by another connection. */
  release(): void {
    this.body = undefined
    const { lines } = this
    if (!lines) return
    lines.clear()
    this.context.requestLines.push(lines)
    this.lines = undefined
  }
}
