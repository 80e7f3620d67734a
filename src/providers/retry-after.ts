const maxRetryAfterMs = 86_400_000

/**
 * Milliseconds until a call may be repeated: `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3), else the reset time in
 * `RateLimit-Reset` or `X-RateLimit-Reset`, which providers give in seconds from now or since 1970. At most a day; undefined where none is given.
 */
export function retryAfter(headers: Headers, now: number): number | undefined {
  const after = headers.get("retry-after")?.trim()
  const reset = (headers.get("ratelimit-reset") ?? headers.get("x-ratelimit-reset"))?.trim()
  const isEpoch = Number(reset) > 1_000_000_000
  const ms = after
    ? /^\d+$/.test(after)
      ? Number(after) * 1000
      : Date.parse(after) - now
    : reset && /^\d+$/.test(reset)
      ? Number(reset) * 1000 - (isEpoch ? now : 0)
      : Number.NaN
  return Number.isFinite(ms) && ms >= 0 ? Math.min(ms, maxRetryAfterMs) : undefined
}
