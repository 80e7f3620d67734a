/** Frame types (RFC 9113 section 6). */
export const FrameType = Object.freeze({
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
})

/** Frame flags; ACK and END_STREAM share a bit (RFC 9113 section 6). */
export const Flag = Object.freeze({ ACK: 1, END_STREAM: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 })

/** Bytes before each frame's payload (RFC 9113 section 4.1). */
export const FRAME_HEAD_BYTES = 9

/** What a client says first (RFC 9113 section 3.4). */
export const CLIENT_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1")

/** The largest payload that we take: the default, and the least that may be announced (RFC 9113 section 4.2). */
export const MAX_FRAME_BYTES = 16_384

/** A flow-control window and a stream identifier end here (RFC 9113 sections 5.1.1 and 6.9.1). */
export const MAX_INT31 = 0x7fff_ffff

/** A flow-control window before anyone says otherwise (RFC 9113 section 6.9.2). */
export const DEFAULT_WINDOW_BYTES = 65_535

/** Reads four bytes as an unsigned number. */
export const readUint32 = (bytes: Buffer, at: number) =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
