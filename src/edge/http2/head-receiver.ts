import { ErrorCode } from "./error-codes"
import { Flag } from "./frame"
import { HeaderRules } from "./header-rules"
import type { HpackDecoder } from "./hpack-decoder"
import { type HeaderField, HpackError } from "./hpack-table"
import type { ReceiverParts } from "./receiver"
import { Http2Stream } from "./stream"

type Decoded = { fields: HeaderField[]; tooLarge: boolean }

/** Bytes of the priority that a HEADERS frame may carry; deprecated and ignored (RFC 9113 section 5.3.2). */
const PRIORITY_BYTES = 5

/** Header blocks: put together, decoded, checked, and made into requests, responses and trailers (RFC 9113 sections 6.2, 6.10 and 8). */
export class HeadReceiver {
  /** CONTINUATION must follow. */
  inBlock = false
  private rules = new HeaderRules()
  private blockId = 0
  private blockEnds = false
  private block: Buffer[] = []
  private blockBytes = 0
  private blockFrames = 0
  private readonly bounds: { listBytes: number; count: number }

  constructor(
    private parts: ReceiverParts,
    private decoder: HpackDecoder,
  ) {
    this.bounds = { listBytes: parts.limits.headerListBytes, count: parts.limits.headerCount }
  }

  onHeaders(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id === 0 || (id & 1) === 0) {
      this.parts.events.fail(ErrorCode.PROTOCOL_ERROR, "HEADERS stand on a stream that no client opens")
      return
    }
    let from = start
    let to = end
    if ((flags & Flag.PADDED) !== 0) {
      if (from === to) return this.parts.events.fail(ErrorCode.FRAME_SIZE_ERROR, "a padded frame is empty")
      to -= bytes[from++]!
    }
    if ((flags & Flag.PRIORITY) !== 0) {
      if (end - from < PRIORITY_BYTES) return this.parts.events.fail(ErrorCode.FRAME_SIZE_ERROR, "HEADERS are shorter than their priority")
      from += PRIORITY_BYTES
    }
    if (to < from) return this.parts.events.fail(ErrorCode.PROTOCOL_ERROR, "the padding is longer than the frame")
    const ends = (flags & Flag.END_STREAM) !== 0
    if ((flags & Flag.END_HEADERS) !== 0) {
      this.onBlock(id, ends, bytes.subarray(from, to))
      return
    }
    this.inBlock = true
    this.blockId = id
    this.blockEnds = ends
    this.blockFrames = 0
    this.blockBytes = to - from
    this.block = [Buffer.from(bytes.subarray(from, to))]
  }

  onContinuation(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== this.blockId) return this.parts.events.fail(ErrorCode.PROTOCOL_ERROR, "a header block is continued on another stream")
    this.blockBytes += end - start
    this.blockFrames++
    const { headerBlockBytes, continuationFrames } = this.parts.limits
    if (this.blockBytes > headerBlockBytes || this.blockFrames > continuationFrames) {
      this.parts.events.fail(ErrorCode.ENHANCE_YOUR_CALM, "a header block is too large")
      return
    }
    this.block.push(Buffer.from(bytes.subarray(start, end)))
    if ((flags & Flag.END_HEADERS) === 0) return
    const block = Buffer.concat(this.block)
    this.block = []
    this.inBlock = false
    this.onBlock(id, this.blockEnds, block)
  }

  /** Never opened by anyone. */
  isIdle(id: number): boolean {
    const { role, table } = this.parts
    return (id & 1) === 0 || (role === "server" ? id > table.lastPeerId : id >= table.nextId)
  }

  /** A stream error (RFC 9113 section 5.4.2): counted, since each costs us the work that was done for the stream. */
  fault(stream: Http2Stream, code: number): void {
    this.parts.sender.reset(stream, code)
    stream.user.onReset(code)
    this.countFault()
  }

  /** END_STREAM, by DATA or by trailers. */
  endRemote(stream: Http2Stream, trailers: HeaderField[] | undefined): void {
    if (stream.expectedBytes >= 0 && stream.expectedBytes !== stream.receivedBytes) {
      this.fault(stream, ErrorCode.PROTOCOL_ERROR)
      return
    }
    stream.remoteEnded = true
    if (stream.endSent) this.parts.sender.complete(stream)
    stream.user.onEnd(trailers)
  }

  private countFault(): void {
    if (this.parts.resets.spend()) return
    this.parts.events.fail(ErrorCode.ENHANCE_YOUR_CALM, "too many streams are at fault")
  }

  /** A whole header block. It is decoded whatever becomes of it, for the sake of the table (RFC 9113 section 4.3). */
  private onBlock(id: number, ends: boolean, block: Buffer): void {
    let decoded: Decoded
    try {
      decoded = this.decoder.decode(block, this.bounds)
    } catch (error) {
      if (!(error instanceof HpackError)) throw error
      this.parts.events.fail(ErrorCode.COMPRESSION_ERROR, error.message)
      return
    }
    const { role, table } = this.parts
    const stream = table.open.get(id)
    if (stream === undefined) {
      if (role === "server" && id > table.lastPeerId) this.onRequest(id, ends, decoded)
      else this.onStrayHead(id)
    } else if (stream.remoteEnded) {
      this.fault(stream, ErrorCode.STREAM_CLOSED)
    } else if (stream.hadHead) {
      this.onTrailers(stream, ends, decoded)
    } else {
      this.onResponse(stream, ends, decoded)
    }
  }

  private onRequest(id: number, ends: boolean, { fields, tooLarge }: Decoded): void {
    const { table, limits, windows, sender, peer, events } = this.parts
    table.lastPeerId = id
    if (events.refusesStreams()) {
      // GOAWAY has told that nothing becomes of it.
      table.closed.addReset(id, windows.initial)
      if (!this.parts.control.spend()) events.fail(ErrorCode.ENHANCE_YOUR_CALM, "too many requests after GOAWAY")
      return
    }
    table.lastTakenId = id
    if (table.open.size >= limits.concurrentStreams) {
      this.refuse(id, ErrorCode.REFUSED_STREAM)
      return
    }
    const rules = this.rules
    if (!tooLarge && (!rules.request(fields) || (ends && rules.contentLength > 0))) {
      this.refuse(id, ErrorCode.PROTOCOL_ERROR)
      return
    }
    const stream = new Http2Stream(id, sender, windows, peer.initialWindow, windows.initial, true)
    stream.hadHead = true
    stream.remoteEnded = ends
    if (!tooLarge) stream.expectedBytes = rules.contentLength
    table.add(stream)
    const user = events.onRequest(stream, fields, ends, tooLarge)
    if (user !== undefined) stream.user = user
    else sender.reset(stream, ErrorCode.INTERNAL_ERROR)
  }

  /** RST_STREAM for a request that nobody hears of. */
  private refuse(id: number, code: number): void {
    this.parts.writer.rstStream(id, code)
    this.parts.table.closed.addReset(id, this.parts.windows.initial)
    this.countFault()
  }

  private onResponse(stream: Http2Stream, ends: boolean, { fields, tooLarge }: Decoded): void {
    if (tooLarge) return this.fault(stream, ErrorCode.ENHANCE_YOUR_CALM)
    const rules = this.rules
    if (!rules.response(fields, ends)) return this.fault(stream, ErrorCode.PROTOCOL_ERROR)
    if (rules.status >= 200) {
      stream.hadHead = true
      // A length without a body is right where it tells what GET would have got, and means nothing to a tunnel (RFC 9110 sections 8.6 and 9.3.6).
      if (stream.method === "HEAD" || rules.status === 304) stream.expectedBytes = ends ? -1 : 0
      else if (stream.method !== "CONNECT" || rules.status >= 300) stream.expectedBytes = rules.contentLength
      if (ends && stream.expectedBytes > 0) return this.fault(stream, ErrorCode.PROTOCOL_ERROR)
      stream.remoteEnded = ends
    }
    if (ends && stream.endSent) this.parts.sender.complete(stream)
    stream.user.onHead(fields, ends)
  }

  private onTrailers(stream: Http2Stream, ends: boolean, { fields, tooLarge }: Decoded): void {
    if (tooLarge) this.fault(stream, ErrorCode.ENHANCE_YOUR_CALM)
    else if (!ends || !this.rules.trailers(fields)) this.fault(stream, ErrorCode.PROTOCOL_ERROR)
    else this.endRemote(stream, fields)
  }

  /** A head for a stream that is not there. */
  private onStrayHead(id: number): void {
    const { table, events, control } = this.parts
    if (table.closed.wasReset(id)) {
      // Trailers or a response that were on their way when we reset it.
      if (!control.spend()) events.fail(ErrorCode.ENHANCE_YOUR_CALM, "too many frames carry nothing")
    } else if (table.closed.hasEnded(id)) {
      events.fail(ErrorCode.STREAM_CLOSED, "HEADERS stand on a stream that has ended")
    } else {
      events.fail(ErrorCode.PROTOCOL_ERROR, "HEADERS stand on a stream that was not opened, or is long gone")
    }
  }
}
