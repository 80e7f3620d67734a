import { AppError, type ErrorCode } from "../errors"
import type { Log } from "../log"

const statuses: Record<ErrorCode, number> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  too_large: 413,
  rate_limited: 429,
  bad_gateway: 502,
  unavailable: 503,
}

/** The networking API answers in plain text; every other family in `{"error": "…"}`. */
function isNetworking(path: string): boolean {
  return (
    path === "/api/domains" ||
    path.startsWith("/api/domains/") ||
    path === "/api/domain-mappings" ||
    path.startsWith("/api/domain-mappings/")
  )
}

/** The path as it may be logged: the addresses of one-time links are secrets. */
const withoutSecret = (path: string) => path.replace(/^\/(setup|reset)\/.*/, "/$1/…")

/** The response for anything thrown: an AppError speaks for itself, everything else is our bug and is logged with its stack. */
export function renderError(error: unknown, request: Request, log: Log): Response {
  const { pathname: path } = new URL(request.url)
  const fault = error instanceof AppError ? error : undefined
  if (fault === undefined) log.error("request failed", { error, method: request.method, path: withoutSecret(path) })
  const status = fault === undefined ? 500 : statuses[fault.code]
  const message = fault?.message ?? "internal error"
  const headers = new Headers({ "x-content-type-options": "nosniff" })
  if (fault?.retryAfterSeconds !== undefined) headers.set("retry-after", String(fault.retryAfterSeconds))
  if (status === 401) headers.set("www-authenticate", "Bearer")
  if (isNetworking(path)) {
    headers.set("content-type", "text/plain; charset=utf-8")
    return new Response(`${message}\n`, { status, headers })
  }
  return Response.json({ error: message }, { status, headers })
}
