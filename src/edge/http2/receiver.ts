import type { AbuseBudget } from "./abuse-budget"
import { ErrorCode } from "./error-codes"
import { Flag, FrameType, MAX_INT31, readUint32 } from "./frame"
import type { FrameSink } from "./frame-reader"
import type { FrameWriter } from "./frame-writer"
import type { HeadReceiver } from "./head-receiver"
import type { HpackEncoder } from "./hpack-encoder"
import type { Http2Limits } from "./limits"
import type { ReceiveWindows } from "./receive-windows"
import type { Sender } from "./sender"
import type { SessionEvents } from "./session-events"
import { type PeerSettings, SETTING_BYTES } from "./settings"
import type { Http2Stream } from "./stream"
import type { StreamTable } from "./stream-table"

/** The pieces of one session that its receiving side works with. */
export type ReceiverParts = {
  role: "server" | "client"
  limits: Http2Limits
  table: StreamTable
  sender: Sender
  writer: FrameWriter
  windows: ReceiveWindows
  peer: PeerSettings
  encoder: HpackEncoder
  resets: AbuseBudget
  control: AbuseBudget
  events: SessionEvents
}

/** What each frame of the peer means (RFC 9113 sections 5 and 6): stream states, windows, settings. Header blocks go to the HeadReceiver. */
export class Receiver implements FrameSink {
  private sawSettings = false
  private awaitsAck = true
  /** The stream whose DATA frame is being read. */
  private dataStream: Http2Stream | undefined
  private dataIsEmpty = false

  constructor(
    private parts: ReceiverParts,
    private heads: HeadReceiver,
  ) {}

  onFrameFault(code: number, message: string): void {
    this.parts.events.fail(code, message)
  }

  onFrame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (!this.isInOrder(type, flags)) return
    switch (type) {
      case FrameType.HEADERS:
        this.heads.onHeaders(flags, id, bytes, start, end)
        return
      case FrameType.CONTINUATION:
        this.heads.onContinuation(flags, id, bytes, start, end)
        return
      case FrameType.WINDOW_UPDATE:
        this.onWindowUpdate(id, bytes, start, end)
        return
      case FrameType.RST_STREAM:
        this.onRstStream(id, bytes, start, end)
        return
      case FrameType.SETTINGS:
        this.onSettings(flags, id, bytes, start, end)
        return
      case FrameType.PING:
        this.onPing(flags, id, bytes, start, end)
        return
      case FrameType.GOAWAY:
        if (id !== 0) this.fail(ErrorCode.PROTOCOL_ERROR, "a GOAWAY stands on a stream")
        else if (end - start < 8) this.fail(ErrorCode.FRAME_SIZE_ERROR, "a GOAWAY is too short")
        else if (this.spend()) this.parts.events.onGoAway(readUint32(bytes, start) & MAX_INT31)
        return
      case FrameType.PRIORITY:
        if (id === 0) this.fail(ErrorCode.PROTOCOL_ERROR, "a PRIORITY stands on no stream")
        else if (end - start !== 5) this.faultOn(id, ErrorCode.FRAME_SIZE_ERROR)
        else this.spend()
        return
      case FrameType.PUSH_PROMISE:
        this.fail(ErrorCode.PROTOCOL_ERROR, "a PUSH_PROMISE was not asked for")
        return
      default:
        // Extension frames are ignored (RFC 9113 section 5.5).
        this.spend()
    }
  }

  onData(id: number, length: number, overhead: number): void {
    this.dataStream = undefined
    if (!this.isInOrder(FrameType.DATA, 0)) return
    const { table, windows } = this.parts
    if (id === 0) {
      this.fail(ErrorCode.PROTOCOL_ERROR, "DATA stands on no stream")
      return
    }
    if (!windows.take(length)) {
      this.fail(ErrorCode.FLOW_CONTROL_ERROR, "the connection's window is overrun")
      return
    }
    this.dataIsEmpty = length === overhead
    const stream = table.open.get(id)
    if (stream === undefined) {
      this.onStrayData(id, length)
      return
    }
    stream.receiveWindow -= length
    stream.unconsumed += length
    stream.receivedBytes += length - overhead
    if (stream.remoteEnded) this.heads.fault(stream, ErrorCode.STREAM_CLOSED)
    else if (stream.receiveWindow < 0) this.heads.fault(stream, ErrorCode.FLOW_CONTROL_ERROR)
    else if (!stream.hadHead) this.heads.fault(stream, ErrorCode.PROTOCOL_ERROR)
    else if (stream.expectedBytes >= 0 && stream.receivedBytes > stream.expectedBytes) this.heads.fault(stream, ErrorCode.PROTOCOL_ERROR)
    else {
      this.dataStream = stream
      if (overhead > 0) windows.consume(stream, overhead)
    }
  }

  onDataPart(bytes: Buffer, start: number, end: number, done: boolean, endStream: boolean): void {
    const stream = this.dataStream
    if (done) this.dataStream = undefined
    if (done && this.dataIsEmpty && !endStream) this.spend()
    if (stream === undefined || stream.closed) return
    if (end > start) stream.user.onData(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end))
    if (done && endStream && !stream.closed) this.heads.endRemote(stream, undefined)
  }

  /** DATA for a stream that is not there: on its way when we reset it, or false. */
  private onStrayData(id: number, length: number): void {
    const { table, windows } = this.parts
    if (this.heads.isIdle(id)) this.fail(ErrorCode.PROTOCOL_ERROR, "DATA stands on a stream that was not opened")
    else if (table.closed.hasEnded(id)) this.fail(ErrorCode.STREAM_CLOSED, "DATA stands on a stream that has ended")
    else if (!table.closed.ignore(length)) this.fail(ErrorCode.FLOW_CONTROL_ERROR, "the windows of reset streams are overrun")
    else windows.giveBack(length)
  }

  private onWindowUpdate(id: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) {
      this.fail(ErrorCode.FRAME_SIZE_ERROR, "a WINDOW_UPDATE has not four bytes")
      return
    }
    if (!this.spend()) return
    const increment = readUint32(bytes, start) & MAX_INT31
    const { sender, table } = this.parts
    if (id === 0) {
      if (increment === 0) this.fail(ErrorCode.PROTOCOL_ERROR, "a WINDOW_UPDATE adds nothing")
      else if (!sender.widen(increment)) this.fail(ErrorCode.FLOW_CONTROL_ERROR, "the connection's window is above 2^31 - 1")
      return
    }
    const stream = table.open.get(id)
    if (stream === undefined) {
      if (this.heads.isIdle(id)) this.fail(ErrorCode.PROTOCOL_ERROR, "a WINDOW_UPDATE stands on a stream that was not opened")
    } else if (increment === 0) {
      this.heads.fault(stream, ErrorCode.PROTOCOL_ERROR)
    } else if (!sender.widenStream(stream, increment)) {
      this.heads.fault(stream, ErrorCode.FLOW_CONTROL_ERROR)
    }
  }

  private onRstStream(id: number, bytes: Buffer, start: number, end: number): void {
    if (id === 0 || end - start !== 4) {
      this.fail(id === 0 ? ErrorCode.PROTOCOL_ERROR : ErrorCode.FRAME_SIZE_ERROR, "a RST_STREAM stands on no stream or has not four bytes")
      return
    }
    const { role, sender, table, resets } = this.parts
    const stream = table.open.get(id)
    if (stream === undefined) {
      if (this.heads.isIdle(id)) this.fail(ErrorCode.PROTOCOL_ERROR, "a RST_STREAM stands on a stream that was not opened")
      else this.spend()
      return
    }
    sender.discard(stream)
    table.remove(stream, false)
    stream.user.onReset(readUint32(bytes, start))
    if (role === "server" && !stream.endSent && !resets.spend()) this.fail(ErrorCode.ENHANCE_YOUR_CALM, "too many streams are reset")
  }

  private onSettings(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const isAck = (flags & Flag.ACK) !== 0
    const { peer, sender, table, writer, windows, encoder } = this.parts
    if (id !== 0) return this.fail(ErrorCode.PROTOCOL_ERROR, "SETTINGS stand on a stream")
    if ((end - start) % SETTING_BYTES !== 0 || (isAck && end > start))
      return this.fail(ErrorCode.FRAME_SIZE_ERROR, "SETTINGS have a wrong size")
    if (!this.spend()) return
    if (isAck) {
      if (this.awaitsAck) windows.settle(table.open.values())
      this.awaitsAck = false
      return
    }
    const before = peer.initialWindow
    const fault = peer.apply(bytes, start, end)
    if (fault !== ErrorCode.NO_ERROR) return this.fail(fault, "a setting has a value that may not be")
    encoder.setPeerTableBytes(peer.smallestTableBytes)
    encoder.setPeerTableBytes(peer.headerTableBytes)
    const more = peer.initialWindow - before
    if (more !== 0) {
      for (const stream of table.open.values()) {
        if (!sender.widenStream(stream, more)) return this.fail(ErrorCode.FLOW_CONTROL_ERROR, "a stream's window is above 2^31 - 1")
      }
    }
    writer.settingsAck()
  }

  private onPing(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) this.fail(ErrorCode.PROTOCOL_ERROR, "a PING stands on a stream")
    else if (end - start !== 8) this.fail(ErrorCode.FRAME_SIZE_ERROR, "a PING has not eight bytes")
    else if (!this.spend()) return
    else if ((flags & Flag.ACK) !== 0) this.parts.events.onPingAnswer()
    else this.parts.writer.ping(bytes, start, Flag.ACK)
  }

  /** The first frame is SETTINGS, and nothing stands between the frames of a header block (RFC 9113 sections 3.4 and 6.10). */
  private isInOrder(type: number, flags: number): boolean {
    if (!this.sawSettings) {
      this.sawSettings = type === FrameType.SETTINGS && (flags & Flag.ACK) === 0
      if (!this.sawSettings) this.fail(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS")
    } else if (this.heads.inBlock !== (type === FrameType.CONTINUATION)) {
      this.fail(ErrorCode.PROTOCOL_ERROR, "a header block is interrupted, or continued where there is none")
      return false
    }
    return this.sawSettings
  }

  /** A frame that carries nothing; false when there were too many. */
  private spend(): boolean {
    if (this.parts.control.spend()) return true
    this.fail(ErrorCode.ENHANCE_YOUR_CALM, "too many frames carry nothing")
    return false
  }

  /** A fault on a stream that may be there or not. */
  private faultOn(id: number, code: number): void {
    const stream = this.parts.table.open.get(id)
    if (stream !== undefined) this.heads.fault(stream, code)
    else if (this.heads.isIdle(id)) this.fail(code, "a frame on a stream that was not opened has a wrong size")
    else this.spend()
  }

  private fail(code: number, message: string): void {
    this.parts.events.fail(code, message)
  }
}
