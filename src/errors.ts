/** What went wrong, in the product's own words; `http/errors.ts` turns each code into one status. */
export type ErrorCode =
  | "invalid"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "too_large"
  | "rate_limited"
  | "unavailable"
  | "bad_gateway"

/** A fault the caller can understand: `message` is shown to them as it stands, so it never carries a secret or an internal. */
export class AppError extends Error {
  /** Sent as `Retry-After`, for `rate_limited` and `unavailable`. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: { retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = "AppError"
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

/** One line that says what a thrown value was, for logs and for messages that quote another system. */
export function describeError(error: unknown): string {
  if (error instanceof Error) return error.message || error.name
  return String(error)
}
