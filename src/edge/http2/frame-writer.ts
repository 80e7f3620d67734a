import type { BufferPool } from "./buffer-pool"
import { CLIENT_PREFACE, Flag, FRAME_HEAD_BYTES, FrameType } from "./frame"
import type { Transport } from "./transport"

const EMPTY = Buffer.alloc(0)

/**
 * Gathers frames in one borrowed buffer and writes them together: when it is full, or at the scheduled end of the turn. While the transport
 * is backed up nothing is written; then only control frames may be added, and `onOverflow` tells that the peer made us owe it too many.
 */
export class FrameWriter {
  backedUp = false
  private closed = false
  /** Rises when the buffer's frames have left, so that offsets into it are known to be stale. */
  generation = 0
  buffer: Buffer = EMPTY
  used = 0
  private scheduled = false
  private readonly flushLater = () => {
    this.scheduled = false
    this.flush()
  }

  constructor(
    private transport: Transport,
    private pool: BufferPool,
    private schedule: (flush: () => void) => void,
    private onOverflow: () => void,
  ) {}

  /** Bytes that still fit, the frame's head included. */
  get room(): number {
    return (this.buffer === EMPTY ? this.pool.bufferBytes : this.buffer.length) - this.used
  }

  /** Must be called before bytes are put at `used`: there is a buffer from then on, and it will be written. */
  open(): Buffer {
    if (this.buffer === EMPTY) this.buffer = this.pool.take()
    if (!this.scheduled) {
      this.scheduled = true
      this.schedule(this.flushLater)
    }
    return this.buffer
  }

  flush(): void {
    if (!this.backedUp) this.push()
  }

  /** Writes what is there whether or not the transport is backed up: the last words. */
  push(): void {
    if (this.used === 0) return
    const buffer = this.buffer
    const size = this.used
    // Given away first: a write may call back.
    this.buffer = EMPTY
    this.used = 0
    this.generation++
    if (!this.transport.write(buffer.subarray(0, size))) this.backedUp = true
    this.pool.give(buffer)
  }

  /** Puts a frame's head at `at`. */
  frameHead(at: number, length: number, type: number, flags: number, id: number): void {
    const buffer = this.buffer
    buffer[at] = length >>> 16
    buffer[at + 1] = length >>> 8
    buffer[at + 2] = length
    buffer[at + 3] = type
    buffer[at + 4] = flags
    buffer[at + 5] = id >>> 24
    buffer[at + 6] = id >>> 16
    buffer[at + 7] = id >>> 8
    buffer[at + 8] = id
  }

  rstStream(id: number, code: number): void {
    if (!this.begin(4, FrameType.RST_STREAM, 0, id)) return
    this.uint32(code)
  }

  windowUpdate(id: number, increment: number): void {
    if (!this.begin(4, FrameType.WINDOW_UPDATE, 0, id)) return
    this.uint32(increment)
  }

  settings(payload: Buffer): void {
    if (!this.begin(payload.length, FrameType.SETTINGS, 0, 0)) return
    this.bytes(payload, 0, payload.length)
  }

  settingsAck(): void {
    this.begin(0, FrameType.SETTINGS, Flag.ACK, 0)
  }

  ping(source: Buffer, start: number, flags: number): void {
    if (!this.begin(8, FrameType.PING, flags, 0)) return
    this.bytes(source, start, start + 8)
  }

  goAway(lastId: number, code: number, message: string): void {
    const debug = Buffer.from(message, "latin1")
    if (!this.begin(8 + debug.length, FrameType.GOAWAY, 0, 0)) return
    this.uint32(lastId)
    this.uint32(code)
    this.bytes(debug, 0, debug.length)
  }

  preface(): void {
    this.open()
    this.bytes(CLIENT_PREFACE, 0, CLIENT_PREFACE.length)
  }

  /** The last words were said. */
  close(): void {
    this.closed = true
    this.backedUp = true
  }

  private begin(length: number, type: number, flags: number, id: number): boolean {
    if (this.closed) return false
    if (this.room < FRAME_HEAD_BYTES + length) this.flush()
    if (this.room < FRAME_HEAD_BYTES + length) {
      this.onOverflow()
      return false
    }
    this.open()
    this.frameHead(this.used, length, type, flags, id)
    this.used += FRAME_HEAD_BYTES
    return true
  }

  private uint32(value: number): void {
    this.buffer.writeUInt32BE(value, this.used)
    this.used += 4
  }

  private bytes(source: Buffer, start: number, end: number): void {
    source.copy(this.buffer, this.used, start, end)
    this.used += end - start
  }
}
