import { ErrorCode } from "./error-codes"
import { DEFAULT_WINDOW_BYTES, MAX_FRAME_BYTES, MAX_INT31, readUint32 } from "./frame"
import { INITIAL_TABLE_BYTES } from "./hpack-table"
import type { Http2Limits } from "./limits"

const HEADER_TABLE_SIZE = 1
const ENABLE_PUSH = 2
const MAX_CONCURRENT_STREAMS = 3
const INITIAL_WINDOW_SIZE = 4
const MAX_FRAME_SIZE = 5
const MAX_HEADER_LIST_SIZE = 6
const ENABLE_CONNECT_PROTOCOL = 8

/** Bytes of one setting (RFC 9113 section 6.5.1). */
export const SETTING_BYTES = 6

/** Streams that a client opens before the server has said how many it allows. */
const ASSUMED_STREAMS = 100

/** The payload of our SETTINGS frame (RFC 9113 section 6.5, RFC 8441 section 3). */
export function ourSettings(role: "server" | "client", limits: Http2Limits): Buffer {
  const settings: [number, number][] = [
    [HEADER_TABLE_SIZE, limits.headerTableBytes],
    [INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
    [MAX_FRAME_SIZE, MAX_FRAME_BYTES],
    [MAX_HEADER_LIST_SIZE, limits.headerListBytes],
  ]
  if (role === "server") settings.push([MAX_CONCURRENT_STREAMS, limits.concurrentStreams], [ENABLE_CONNECT_PROTOCOL, 1])
  else settings.push([ENABLE_PUSH, 0])
  const payload = Buffer.allocUnsafe(settings.length * SETTING_BYTES)
  for (const [i, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, i * SETTING_BYTES)
    payload.writeUInt32BE(value, i * SETTING_BYTES + 2)
  }
  return payload
}

/** What the peer announced. */
export class PeerSettings {
  headerTableBytes = INITIAL_TABLE_BYTES
  /** The smallest that the last payload went through, which the encoder has to signal (RFC 7541 section 4.2). */
  smallestTableBytes = INITIAL_TABLE_BYTES
  maxStreams = ASSUMED_STREAMS
  initialWindow = DEFAULT_WINDOW_BYTES
  maxFrame = MAX_FRAME_BYTES
  allowsExtendedConnect = false
  private seen = false

  constructor(private role: "server" | "client") {}

  /** Applies a payload of whole settings; answers the error code of a value that may not be (RFC 9113 section 6.5.2), or 0. */
  apply(bytes: Buffer, start: number, end: number): number {
    // Without a limit by the server there is none, once its first SETTINGS are here (RFC 9113 section 6.5.2).
    if (!this.seen) this.maxStreams = MAX_INT31
    this.seen = true
    this.smallestTableBytes = this.headerTableBytes
    for (let at = start; at < end; at += SETTING_BYTES) {
      const fault = this.set((bytes[at]! << 8) | bytes[at + 1]!, readUint32(bytes, at + 2))
      if (fault !== ErrorCode.NO_ERROR) return fault
    }
    return ErrorCode.NO_ERROR
  }

  private set(id: number, value: number): number {
    switch (id) {
      case HEADER_TABLE_SIZE:
        this.headerTableBytes = value
        this.smallestTableBytes = Math.min(value, this.smallestTableBytes)
        break
      case ENABLE_PUSH:
        if (value > 1 || (value === 1 && this.role === "client")) return ErrorCode.PROTOCOL_ERROR
        break
      case MAX_CONCURRENT_STREAMS:
        this.maxStreams = value
        break
      case INITIAL_WINDOW_SIZE:
        if (value > MAX_INT31) return ErrorCode.FLOW_CONTROL_ERROR
        this.initialWindow = value
        break
      case MAX_FRAME_SIZE:
        if (value < MAX_FRAME_BYTES || value > 0xff_ffff) return ErrorCode.PROTOCOL_ERROR
        this.maxFrame = value
        break
      case ENABLE_CONNECT_PROTOCOL:
        if (value > 1 || (value === 0 && this.allowsExtendedConnect)) return ErrorCode.PROTOCOL_ERROR
        this.allowsExtendedConnect = value === 1
        break
      default:
    }
    return ErrorCode.NO_ERROR
  }
}
