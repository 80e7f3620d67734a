/** Every bound of the edge; times in milliseconds, sizes in bytes. */
export type EdgeLimits = {
  headBytes: number
  targetBytes: number
  fieldCount: number
  handshakeMs: number
  headMs: number
  idleMs: number
  bodyIdleMs: number
  responseIdleMs: number
  tunnelIdleMs: number
  connectMs: number
  firstByteMs: number
  lingerMs: number
  connections: number
  pipelinedBytes: number
  poolIdlePerTarget: number
  poolIdleMs: number
  poolAgeMs: number
  sessionsPerTarget: number
  upstreamConnections: number
  sweepMs: number
  /** How long a request waits for an application that is on its way up, unless the listener is told otherwise. */
  holdMs: number
  held: number
  heldPerHost: number
  holdProbeMs: number
}

/**
 * What the edge allows unless told otherwise. `poolIdleMs` stays below the 5 s after which Node's servers close an idle connection, so that
 * a request which may not be repeated seldom meets a connection that is just being closed. After `lingerMs` a client is reset, which loses what
 * the kernel still holds for a slow reader, so it is long.
 */
export const defaultLimits: EdgeLimits = {
  headBytes: 32 * 1024,
  targetBytes: 16 * 1024,
  fieldCount: 128,
  handshakeMs: 15_000,
  headMs: 10_000,
  idleMs: 60_000,
  bodyIdleMs: 60_000,
  responseIdleMs: 300_000,
  tunnelIdleMs: 3_600_000,
  connectMs: 5000,
  firstByteMs: 60_000,
  lingerMs: 30_000,
  connections: 20_000,
  pipelinedBytes: 64 * 1024,
  poolIdlePerTarget: 1024,
  poolIdleMs: 4000,
  poolAgeMs: 600_000,
  sessionsPerTarget: 8,
  upstreamConnections: 40_000,
  sweepMs: 250,
  holdMs: 10_000,
  held: 2048,
  heldPerHost: 256,
  holdProbeMs: 100,
}
