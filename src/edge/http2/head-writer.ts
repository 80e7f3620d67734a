import { Flag, FRAME_HEAD_BYTES, FrameType } from "./frame"
import type { FrameWriter } from "./frame-writer"
import type { HpackEncoder } from "./hpack-encoder"
import type { HeaderField } from "./hpack-table"
import type { Http2Limits } from "./limits"
import type { PeerSettings } from "./settings"
import type { Http2Stream } from "./stream"

/** With less room than this a CONTINUATION waits for the next buffer. */
const LEAST_PART_BYTES = 1024

/** Heads and trailers as HEADERS and CONTINUATION frames (RFC 9113 sections 6.2 and 6.10), encoded in place where they fit. */
export class HeadWriter {
  constructor(
    private writer: FrameWriter,
    private encoder: HpackEncoder,
    private peer: PeerSettings,
    private limits: Http2Limits,
  ) {}

  /** False when the head is larger than `sentHeadBytes`; nothing was sent then. */
  write(stream: Http2Stream, fields: readonly HeaderField[], end: boolean): boolean {
    const { writer, encoder } = this
    for (let attempt = 0; attempt < 2; attempt++) {
      const buffer = writer.open()
      const at = writer.used
      const start = at + FRAME_HEAD_BYTES
      const stop = start < buffer.length ? encoder.encode(fields, buffer, start) : -1
      if (stop >= 0 && stop - start <= this.peer.maxFrame) {
        writer.frameHead(at, stop - start, FrameType.HEADERS, end ? Flag.END_STREAM | Flag.END_HEADERS : Flag.END_HEADERS, stream.id)
        writer.used = stop
        stream.flagsAt = at + 4
        stream.flagsGeneration = writer.generation
        return true
      }
      if (stop >= 0) {
        this.writeBlock(stream, Buffer.from(buffer.subarray(start, stop)), end)
        return true
      }
      writer.push()
    }
    const scratch = Buffer.allocUnsafe(this.limits.sentHeadBytes)
    const size = encoder.encode(fields, scratch, 0)
    if (size >= 0) this.writeBlock(stream, scratch.subarray(0, size), end)
    return size >= 0
  }

  /** A header block that is larger than a frame or the buffer: nothing may come between its frames (RFC 9113 section 4.3). */
  private writeBlock(stream: Http2Stream, block: Buffer, end: boolean): void {
    const writer = this.writer
    for (let at = 0; at < block.length;) {
      if (writer.room < FRAME_HEAD_BYTES + LEAST_PART_BYTES) writer.push()
      const size = Math.min(block.length - at, this.peer.maxFrame, writer.room - FRAME_HEAD_BYTES)
      const flags = (at === 0 && end ? Flag.END_STREAM : 0) | (at + size === block.length ? Flag.END_HEADERS : 0)
      writer.open()
      writer.frameHead(writer.used, size, at === 0 ? FrameType.HEADERS : FrameType.CONTINUATION, flags, stream.id)
      block.copy(writer.buffer, writer.used + FRAME_HEAD_BYTES, at, at + size)
      writer.used += FRAME_HEAD_BYTES + size
      at += size
    }
    stream.flagsGeneration = -1
  }
}
