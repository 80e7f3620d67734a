import { ErrorCode } from "./error-codes"
import { Flag, FRAME_HEAD_BYTES, FrameType, MAX_FRAME_BYTES, MAX_INT31, readUint32 } from "./frame"

/** What a reader tells; `bytes` are only valid during the call. */
export interface FrameSink {
  /** A whole frame that is not DATA; its payload is `bytes` from `start` to `end`. */
  onFrame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void
  /** A DATA frame begins: `length` is its whole payload, `overhead` what of it is padding. */
  onData(id: number, length: number, overhead: number): void
  /** Part of its data, as it came; `done` with the last part (which may be empty). */
  onDataPart(bytes: Buffer, start: number, end: number, done: boolean, endStream: boolean): void
  /** A fault that ends the connection. */
  onFrameFault(code: number, message: string): void
}

/** Takes frames out of a byte stream (RFC 9113 section 4). DATA is handed on as it comes; any other frame is put together first. */
export class FrameReader {
  /** Set by the owner when nothing more is wanted. */
  stopped = false
  /** A frame that came in part: its first `heldBytes` bytes. */
  private held: Buffer | undefined
  private heldBytes = 0
  private inData = false
  private dataLeft = 0
  private paddingLeft = 0
  private endStream = false

  constructor(private sink: FrameSink) {}

  push(bytes: Buffer): void {
    let at = this.held === undefined ? 0 : this.resume(bytes)
    while (!this.stopped) {
      if (this.inData) {
        at = this.readData(bytes, at)
        if (this.inData) return
        continue
      }
      const left = bytes.length - at
      if (left === 0) return
      const need = left < FRAME_HEAD_BYTES ? FRAME_HEAD_BYTES : this.sizeNeeded(bytes, at)
      if (need < 0) return
      if (left < need) {
        this.held = Buffer.allocUnsafe(need)
        bytes.copy(this.held, 0, at)
        this.heldBytes = left
        return
      }
      this.take(bytes, at)
      at += need
    }
  }

  /** Completes the frame that was held; answers how much of `bytes` that took. */
  private resume(bytes: Buffer): number {
    let at = 0
    while (this.held !== undefined) {
      const held = this.held
      const part = Math.min(held.length - this.heldBytes, bytes.length - at)
      bytes.copy(held, this.heldBytes, at, at + part)
      this.heldBytes += part
      at += part
      if (this.heldBytes < held.length) return at
      const need = this.sizeNeeded(held, 0)
      if (need < 0) return at
      if (need > held.length) {
        this.held = Buffer.allocUnsafe(need)
        held.copy(this.held)
      } else {
        this.held = undefined
        this.take(held, 0)
      }
    }
    return at
  }

  /** Bytes that must be here before the frame at `at` is looked at: all of it, or for DATA its head. -1 after a fault. */
  private sizeNeeded(bytes: Buffer, at: number): number {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
    if (length > MAX_FRAME_BYTES) {
      this.sink.onFrameFault(ErrorCode.FRAME_SIZE_ERROR, "a frame is larger than announced")
      return -1
    }
    if (bytes[at + 3] !== FrameType.DATA) return FRAME_HEAD_BYTES + length
    if ((bytes[at + 4]! & Flag.PADDED) === 0) return FRAME_HEAD_BYTES
    if (length === 0) {
      this.sink.onFrameFault(ErrorCode.FRAME_SIZE_ERROR, "a padded frame is empty")
      return -1
    }
    return FRAME_HEAD_BYTES + 1
  }

  private take(bytes: Buffer, at: number): void {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
    const type = bytes[at + 3]!
    const flags = bytes[at + 4]!
    const id = readUint32(bytes, at + 5) & MAX_INT31
    const start = at + FRAME_HEAD_BYTES
    if (type !== FrameType.DATA) {
      this.sink.onFrame(type, flags, id, bytes, start, start + length)
      return
    }
    let overhead = 0
    if ((flags & Flag.PADDED) !== 0) {
      this.paddingLeft = bytes[start]!
      overhead = this.paddingLeft + 1
      if (overhead > length) {
        this.sink.onFrameFault(ErrorCode.PROTOCOL_ERROR, "the padding is longer than the frame")
        return
      }
    }
    this.inData = true
    this.dataLeft = length - overhead
    this.endStream = (flags & Flag.END_STREAM) !== 0
    this.sink.onData(id, length, overhead)
  }

  private readData(bytes: Buffer, from: number): number {
    let at = from
    // Padding is waited for before the end is told, so that nothing is left to skip when the stream is gone.
    if (this.dataLeft > 0 && at < bytes.length) {
      const part = Math.min(this.dataLeft, bytes.length - at)
      this.dataLeft -= part
      const done = this.dataLeft === 0 && this.paddingLeft === 0
      if (done) this.inData = false
      this.sink.onDataPart(bytes, at, at + part, done, this.endStream)
      at += part
      if (done) return at
    }
    if (this.dataLeft > 0) return at
    const skipped = Math.min(this.paddingLeft, bytes.length - at)
    this.paddingLeft -= skipped
    at += skipped
    if (this.paddingLeft > 0) return at
    this.inData = false
    if (!this.stopped) this.sink.onDataPart(bytes, at, at, true, this.endStream)
    return at
  }
}
