/** What went wrong, in the product's own words; `http/errors.ts` turns each code into one status. */
export type ErrorCode =
  | "invalid"
  | "unauthorized"
  | "payment_required"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "too_large"
  | "unsupported_media_type"
  | "locked"
  | "rate_limited"
  | "unavailable"
  | "bad_gateway"
  | "precondition_failed"
  | "range_not_satisfiable"
  | "out_of_space"

/** A fault the caller can understand: `message` is shown to them as it stands, so it never carries a secret or an internal. */
export class AppError extends Error {
  /** Sent as `Retry-After`, for `rate_limited` and `unavailable`. */
  readonly retryAfterSeconds: number | undefined
  /** What the connect API shows as the code, where its document has a name of its own for the fault, such as `HostnameConflict`. */
  readonly reason: string | undefined
  /** What the connect API shows beside the message: plain JSON. */
  readonly details: Record<string, unknown> | undefined

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: { retryAfterSeconds?: number; reason?: string; details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = "AppError"
    this.retryAfterSeconds = options.retryAfterSeconds
    this.reason = options.reason
    this.details = options.details
  }
}

/** One line that says what a thrown value was, for logs and for messages that quote another system. */
export function describeError(error: unknown): string {
  if (error instanceof Error) return error.message || error.name
  return String(error)
}
