/** A request that has just ended, as the edge tells of it while its hostname is watched. Times are Unix milliseconds. */
export type WatchedRequest = {
  endedAt: number
  durationMs: number
  /** The name that was asked for, which a wildcard does not say. */
  host: string
  method: string
  /** With the names of its query's parameters, never with their values. */
  path: string
  protocol: string
  /** Empty for plain HTTP. */
  tls: string
  status: number
  bytesIn: number
  bytesOut: number
  client: string
  requestId: string
  /** What went wrong, as a sentence. */
  failure?: string
}

/** What was asked of one watched hostname in a moment; of `leftOut` more only the number is known. */
export type RequestBatch = { hostname: string; requests: WatchedRequest[]; leftOut: number }

/** One request as the APIs tell of it. */
export type RequestEntry = {
  time: string
  duration_ms: number
  host: string
  method: string
  path: string
  protocol: string
  tls: string | null
  status: number
  bytes_in: number
  bytes_out: number
  client: string
  request_id: string
  failure: string | null
}

export const entryOf = (request: WatchedRequest): RequestEntry => ({
  time: new Date(request.endedAt).toISOString(),
  duration_ms: Math.round(request.durationMs * 100) / 100,
  host: request.host,
  method: request.method,
  path: request.path,
  protocol: request.protocol,
  tls: request.tls === "" ? null : request.tls,
  status: request.status,
  bytes_in: request.bytesIn,
  bytes_out: request.bytesOut,
  client: request.client,
  request_id: request.requestId,
  failure: request.failure ?? null,
})
