import type { AbuseBudget } from "./abuse-budget"
import { ByteQueue } from "./byte-queue"
import { ErrorCode } from "./error-codes"
import { DEFAULT_WINDOW_BYTES, Flag, FRAME_HEAD_BYTES, FrameType, MAX_INT31 } from "./frame"
import type { FrameWriter } from "./frame-writer"
import type { HeadWriter } from "./head-writer"
import type { HeaderField } from "./hpack-table"
import type { Http2Limits } from "./limits"
import type { PeerSettings } from "./settings"
import type { Http2Stream } from "./stream"
import { StreamList } from "./stream-list"
import type { StreamTable } from "./stream-table"

/** With less room than this (and more to send) a frame waits for the next buffer rather than being cut small. */
const LEAST_SLICE_BYTES = 1024
/** Control frames that a sent DATA frame makes useful: an update of both windows, and for each so many bytes another. */
const USEFUL_UPDATES = 2
const BYTES_FOR_UPDATE_SHIFT = 8
/** Control frames that a completed stream makes useful: priorities and the like. */
const USEFUL_FOR_STREAM = 4

/** Whoever counts bytes that wait. */
export interface ByteCount {
  add(bytes: number): void
  remove(bytes: number): void
}

type Parts = {
  writer: FrameWriter
  heads: HeadWriter
  table: StreamTable
  peer: PeerSettings
  limits: Http2Limits
  resets: AbuseBudget
  control: AbuseBudget
  now: () => number
  budget: ByteCount | undefined
}

/**
 * Our side of all streams (RFC 9113 sections 5.2 and 6.1). A frame goes straight into the writer's buffer when nothing is in its way; otherwise
 * it waits in its stream, and streams that wait take turns, a frame each. A stream that waits is in `ready`, or in `starved` while the
 * connection's window is used up, or in neither while its own is.
 */
export class Sender {
  /** The connection's window. */
  window = DEFAULT_WINDOW_BYTES
  queuedBytes = 0
  /** When queued data last moved, or began to wait. */
  lastProgressAt = 0
  private ready = new StreamList()
  private starved = new StreamList()
  private drained: Http2Stream[] = []
  private readonly writer: FrameWriter

  constructor(private parts: Parts) {
    this.writer = parts.writer
  }

  head(stream: Http2Stream, fields: readonly HeaderField[], end: boolean): void {
    if (stream.closed || stream.localEnded) return
    if (end) stream.localEnded = true
    if (this.isFree(stream)) {
      this.frameHead(stream, fields, end)
      return
    }
    const heads = (stream.heads ??= [])
    if (heads.length >= this.parts.limits.queuedHeads && !end && isInterim(fields)) return
    heads.push({ fields, end })
    this.enqueue(stream)
  }

  data(stream: Http2Stream, bytes: Buffer, end: boolean): boolean {
    if (stream.closed || stream.localEnded) return true
    if (end) stream.localEnded = true
    const sent = this.isFree(stream) ? this.frameData(stream, bytes, end) : 0
    // A write can bring the news that the transport is gone.
    if (stream.closed || (sent === bytes.length && (!end || stream.endSent))) return true
    const rest = sent === 0 ? bytes : bytes.subarray(sent)
    if (this.queuedBytes === 0) this.lastProgressAt = this.parts.now()
    stream.queue ??= new ByteQueue()
    stream.queue.push(rest)
    this.queuedBytes += rest.length
    this.parts.budget?.add(rest.length)
    if (end) stream.endQueued = true
    this.enqueue(stream)
    const { streamBufferBytes, sessionBufferBytes } = this.parts.limits
    // Once false it stays so until the owner is told.
    stream.mustDrain ||= stream.queue.length >= streamBufferBytes || (stream.queue.length > 0 && this.queuedBytes >= sessionBufferBytes)
    return !stream.mustDrain
  }

  end(stream: Http2Stream, trailers: readonly HeaderField[] | undefined): void {
    if (stream.closed || stream.localEnded) return
    stream.localEnded = true
    stream.trailers = trailers === undefined || trailers.length === 0 ? undefined : trailers
    if (this.isFree(stream)) {
      this.frameEnd(stream)
    } else {
      stream.endQueued = true
      this.enqueue(stream)
    }
  }

  /** RST_STREAM, unless the peer has not heard of the stream, and out of the session. */
  reset(stream: Http2Stream, code: number): void {
    if (stream.closed) return
    if (stream.announced) this.writer.rstStream(stream.id, code)
    this.discard(stream)
    this.parts.table.remove(stream, true)
  }

  /** Forgets what waits of a stream. */
  discard(stream: Http2Stream): void {
    stream.list?.remove(stream)
    this.queuedBytes -= stream.queuedBytes
    this.parts.budget?.remove(stream.queuedBytes)
  }

  /** Both sides have ended. */
  complete(stream: Http2Stream): void {
    this.parts.resets.earn(1)
    this.parts.control.earn(USEFUL_FOR_STREAM)
    this.parts.table.remove(stream, false)
  }

  /** The connection's window grew; false when it passed 2^31 - 1. */
  widen(bytes: number): boolean {
    this.window += bytes
    if (this.window > MAX_INT31) return false
    for (let stream = this.starved.first; stream !== undefined; stream = this.starved.first) {
      this.starved.remove(stream)
      this.ready.append(stream)
    }
    return true
  }

  /** A stream's window grew (or with SETTINGS shrank); false when it passed 2^31 - 1. */
  widenStream(stream: Http2Stream, bytes: number): boolean {
    stream.sendWindow += bytes
    if (stream.sendWindow > MAX_INT31) return false
    if (stream.waiting) this.enqueue(stream)
    return true
  }

  /** Sends what waits, as far as windows and transport allow; then tells the owners who wait for room. */
  pump(): void {
    if (this.ready.first === undefined) return
    const before = this.queuedBytes
    while (this.ready.first !== undefined && !this.writer.backedUp) {
      const stream = this.ready.first
      this.ready.remove(stream)
      this.serve(stream)
    }
    if (this.queuedBytes < before) this.lastProgressAt = this.parts.now()
    if (this.drained.length === 0) return
    const drained = this.drained
    this.drained = []
    for (const stream of drained) if (!stream.closed) stream.user.onDrain()
  }

  /** Nothing is in the way of a frame of this stream. */
  private isFree(stream: Http2Stream): boolean {
    return !this.writer.backedUp && this.ready.first === undefined && !stream.waiting
  }

  /** Puts a stream that waits where what it waits for will find it. */
  private enqueue(stream: Http2Stream): void {
    if (stream.list !== undefined) return
    if (stream.heads !== undefined || stream.queuedBytes === 0) this.ready.append(stream)
    else if (stream.sendWindow > 0) (this.window > 0 ? this.ready : this.starved).append(stream)
  }

  /** One turn of a stream that waits: its heads and one frame of data. */
  private serve(stream: Http2Stream): void {
    const heads = stream.heads
    if (heads !== undefined) {
      stream.heads = undefined
      for (const { fields, end } of heads) this.frameHead(stream, fields, end)
      if (stream.closed || stream.endSent) return
    }
    if (stream.queuedBytes > 0 && stream.sendWindow > 0 && this.window > 0) {
      this.frameSlice(stream, stream.queue!)
      if (stream.endSent) return
    }
    if (stream.queuedBytes > 0) this.enqueue(stream)
    else if (stream.endQueued) this.frameEnd(stream)
    if (!stream.mustDrain || stream.queuedBytes > this.parts.limits.streamBufferBytes / 2) return
    stream.mustDrain = false
    this.drained.push(stream)
  }

  private frameSlice(stream: Http2Stream, queue: ByteQueue): void {
    const wanted = Math.min(queue.length, this.parts.peer.maxFrame, stream.sendWindow, this.window)
    if (!this.makeRoom(wanted)) return
    const size = Math.min(wanted, this.writer.room - FRAME_HEAD_BYTES)
    const last = stream.endQueued && stream.trailers === undefined && size === queue.length
    const at = this.dataHead(stream, size, last)
    queue.shift(this.writer.buffer, at, size)
    this.queuedBytes -= size
    this.parts.budget?.remove(size)
    if (last) this.sentEnd(stream)
  }

  /** As much of `bytes` as goes through, in frames; answers how much. */
  private frameData(stream: Http2Stream, bytes: Buffer, end: boolean): number {
    const length = bytes.length
    const maxFrame = this.parts.peer.maxFrame
    let sent = 0
    while (sent < length) {
      const wanted = Math.min(length - sent, maxFrame, stream.sendWindow, this.window)
      if (wanted <= 0 || !this.makeRoom(wanted)) return sent
      const size = Math.min(wanted, this.writer.room - FRAME_HEAD_BYTES)
      const last = end && sent + size === length
      const at = this.dataHead(stream, size, last)
      bytes.copy(this.writer.buffer, at, sent, sent + size)
      sent += size
      if (last) this.sentEnd(stream)
    }
    if (end && !stream.endSent) this.frameEnd(stream)
    return sent
  }

  /** Room for a frame that is worth its head; false when the transport is backed up. */
  private makeRoom(wanted: number): boolean {
    if (this.writer.room < FRAME_HEAD_BYTES + Math.min(wanted, LEAST_SLICE_BYTES)) this.writer.flush()
    return !this.writer.backedUp
  }

  /** The head of a DATA frame, with windows and budgets counted; answers where its bytes go. */
  private dataHead(stream: Http2Stream, size: number, end: boolean): number {
    const writer = this.writer
    writer.open()
    const at = writer.used
    writer.frameHead(at, size, FrameType.DATA, end ? Flag.END_STREAM : 0, stream.id)
    writer.used = at + FRAME_HEAD_BYTES + size
    stream.flagsAt = at + 4
    stream.flagsGeneration = writer.generation
    stream.sendWindow -= size
    this.window -= size
    this.parts.control.earn(USEFUL_UPDATES + (size >>> BYTES_FOR_UPDATE_SHIFT))
    return at + FRAME_HEAD_BYTES
  }

  /** The end of our side: trailers, or a flag on a frame that has not left yet, or an empty frame. */
  private frameEnd(stream: Http2Stream): void {
    if (stream.trailers !== undefined) {
      this.frameHead(stream, stream.trailers, true)
      return
    }
    if (stream.flagsGeneration === this.writer.generation) {
      this.writer.buffer[stream.flagsAt]! |= Flag.END_STREAM
    } else {
      // Nine bytes fit behind a flush, even into a transport that is backed up.
      if (this.writer.room < FRAME_HEAD_BYTES) this.writer.push()
      this.dataHead(stream, 0, true)
    }
    this.sentEnd(stream)
  }

  private frameHead(stream: Http2Stream, fields: readonly HeaderField[], end: boolean): void {
    if (stream.closed) return
    if (this.parts.heads.write(stream, fields, end)) {
      stream.announced = true
      if (end) this.sentEnd(stream)
      return
    }
    this.reset(stream, ErrorCode.INTERNAL_ERROR)
    stream.user.onReset(ErrorCode.INTERNAL_ERROR)
  }

  private sentEnd(stream: Http2Stream): void {
    stream.endSent = true
    stream.endQueued = false
    if (stream.remoteEnded) this.complete(stream)
  }
}

const isInterim = (fields: readonly HeaderField[]) => fields[0]?.name === ":status" && fields[0].value.charCodeAt(0) === 49
