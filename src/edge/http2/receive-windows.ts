import { DEFAULT_WINDOW_BYTES } from "./frame"
import type { FrameWriter } from "./frame-writer"
import type { Http2Limits } from "./limits"
import type { Http2Stream } from "./stream"

/** What the peer may still send (RFC 9113 section 5.2): for the connection here, for a stream in the stream. Credit goes back by half windows. */
export class ReceiveWindows {
  /** What a new stream begins with: until our SETTINGS are acknowledged, the peer may count with the default. */
  initial: number
  private available = DEFAULT_WINDOW_BYTES
  private credit: number

  constructor(
    private writer: FrameWriter,
    private limits: Http2Limits,
  ) {
    this.initial = Math.max(DEFAULT_WINDOW_BYTES, limits.streamWindowBytes)
    // A window cannot be made smaller than the default, but what is consumed of it can be kept back.
    this.credit = Math.min(0, limits.connectionWindowBytes - DEFAULT_WINDOW_BYTES)
  }

  /** Raises the connection's window to ours, after our SETTINGS. */
  open(): void {
    const more = this.limits.connectionWindowBytes - DEFAULT_WINDOW_BYTES
    if (more <= 0) return
    this.available += more
    this.writer.windowUpdate(0, more)
  }

  /** Our SETTINGS are acknowledged: the streams' windows are what those said. */
  settle(streams: Iterable<Http2Stream>): void {
    const less = this.initial - this.limits.streamWindowBytes
    this.initial = this.limits.streamWindowBytes
    if (less > 0) for (const stream of streams) stream.receiveWindow -= less
  }

  /** A DATA frame came; false when the connection's window did not allow it. */
  take(bytes: number): boolean {
    this.available -= bytes
    return this.available >= 0
  }

  /** Bytes that no stream holds any more. */
  giveBack(bytes: number): void {
    if (bytes === 0) return
    this.credit += bytes
    if (this.credit * 2 < this.limits.connectionWindowBytes) return
    this.available += this.credit
    this.writer.windowUpdate(0, this.credit)
    this.credit = 0
  }

  /** The stream's owner is done with bytes. */
  consume(stream: Http2Stream, bytes: number): void {
    const size = Math.min(bytes, stream.unconsumed)
    stream.unconsumed -= size
    this.giveBack(size)
    if (stream.remoteEnded) return
    stream.credit += size
    if (stream.credit === 0 || stream.credit * 2 < this.limits.streamWindowBytes) return
    stream.receiveWindow += stream.credit
    this.writer.windowUpdate(stream.id, stream.credit)
    stream.credit = 0
  }
}
