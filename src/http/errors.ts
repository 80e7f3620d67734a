import { randomBytes } from "node:crypto"
import { AppError, type ErrorCode } from "../errors"
import type { Log } from "../log"
import { withoutSecret } from "../secret-path"

const statuses: Record<ErrorCode, number> = {
  invalid: 400,
  unauthorized: 401,
  payment_required: 402,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  precondition_failed: 412,
  too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  locked: 423,
  rate_limited: 429,
  bad_gateway: 502,
  unavailable: 503,
  out_of_space: 507,
}

/** Which document a path belongs to: networking answers in plain text, connect in `{"error": {code, message, details}}`, all others in `{"error": "…"}`. */
function familyOf(path: string): "networking" | "connect" | "other" {
  const isBelow = (top: string) => path === top || path.startsWith(`${top}/`)
  if (isBelow("/api/domains") || isBelow("/api/domain-mappings") || isBelow("/api/preflight")) return "networking"
  return isBelow("/v1") ? "connect" : "other"
}

/** The response for anything thrown: an AppError speaks for itself, everything else is our bug and is logged with its stack. */
export function renderError(error: unknown, request: Request, log: Log): Response {
  const path = new URL(request.url).pathname
  const family = familyOf(path)
  const fault = error instanceof AppError ? error : undefined
  const reference = randomBytes(6).toString("hex")
  if (fault === undefined) log.error("request failed", { error, method: request.method, path: withoutSecret(path), reference })
  const status = fault === undefined ? 500 : statuses[fault.code]
  const headers = new Headers({ "x-content-type-options": "nosniff" })
  if (fault?.retryAfterSeconds !== undefined) headers.set("retry-after", String(fault.retryAfterSeconds))
  if (status === 401) headers.set("www-authenticate", "Bearer")
  if (family === "networking") {
    headers.set("content-type", "text/plain; charset=utf-8")
    return new Response(`${fault?.message ?? "internal error"}\n`, { status, headers })
  }
  if (family === "connect") return Response.json(connectBody(fault, status, reference), { status, headers })
  return Response.json({ error: fault?.message ?? "internal error" }, { status, headers })
}

/** At 402 the document shows what was reached inside `error` on one page and beside it on another, so it stands in both places. */
function connectBody(fault: AppError | undefined, status: number, reference: string): Record<string, unknown> {
  if (fault === undefined) return { error: { code: "internal", message: `internal error, reference ${reference}`, details: null } }
  const details = fault.details ?? null
  const reached = status === 402 ? fault.details : undefined
  return { error: { code: fault.reason ?? fault.code, message: fault.message, details, ...reached }, ...reached }
}
