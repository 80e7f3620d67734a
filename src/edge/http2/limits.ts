/** Every bound of an HTTP/2 session; sizes in bytes, times in milliseconds. */
export type Http2Limits = {
  /** Streams that a peer may have open at once; SETTINGS_MAX_CONCURRENT_STREAMS of the server role. */
  concurrentStreams: number
  /** SETTINGS_MAX_HEADER_LIST_SIZE, and how many fields; above either a head is reported as too large. */
  headerListBytes: number
  headerCount: number
  /** A header block as it travels, and the CONTINUATION frames that it may take; above either the connection ends. */
  headerBlockBytes: number
  continuationFrames: number
  /** SETTINGS_HEADER_TABLE_SIZE, and the most that our encoder uses of what the peer allows. */
  headerTableBytes: number
  encoderTableBytes: number
  /** What a peer may send ahead of consumption. */
  streamWindowBytes: number
  connectionWindowBytes: number
  /** `write` answers false from here on: data queued for one stream, and for all. */
  streamBufferBytes: number
  sessionBufferBytes: number
  /** Heads of one stream that wait for a transport which is backed up; interim ones above are dropped. */
  queuedHeads: number
  /** The largest header block that we send. */
  sentHeadBytes: number
  /** Frames gathered for one write; also the answers (to PING, SETTINGS, faults) that may wait for a peer which does not read. */
  outputBytes: number
  /** Streams that the peer makes us give up before their answer has ended; a completed stream gives one back. */
  resetBurst: number
  resetsPerSecond: number
  /** Frames that carry nothing (PING, SETTINGS, PRIORITY, unknown, empty DATA, WINDOW_UPDATE); what we send gives some back. */
  controlBurst: number
  controlPerSecond: number
  /** Identifiers kept to tell a late frame from a false one. */
  closedStreams: number
  /** From the notice of a graceful end to the end, when the peer does not answer the PING. */
  drainNoticeMs: number
}

/** What a session allows unless told otherwise. */
export const defaultHttp2Limits: Http2Limits = {
  concurrentStreams: 128,
  headerListBytes: 32 * 1024,
  headerCount: 128,
  headerBlockBytes: 64 * 1024,
  continuationFrames: 16,
  headerTableBytes: 4096,
  encoderTableBytes: 4096,
  streamWindowBytes: 256 * 1024,
  connectionWindowBytes: 1024 * 1024,
  streamBufferBytes: 64 * 1024,
  sessionBufferBytes: 1024 * 1024,
  queuedHeads: 8,
  sentHeadBytes: 256 * 1024,
  outputBytes: 64 * 1024,
  resetBurst: 400,
  resetsPerSecond: 40,
  controlBurst: 1000,
  controlPerSecond: 100,
  closedStreams: 128,
  drainNoticeMs: 1000,
}
