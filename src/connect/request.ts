import { readText } from "../body"
import type { Idempotency, Made } from "./idempotency"
import { invalid, type Principal, type Scope } from "./model"

/**
 * Who asks, with at least one of the scopes; a widget token is let in only where `widget` says so. Throws `unauthorized` or `forbidden`.
 */
export type ConnectGuard = (request: Request, anyOf: readonly Scope[], options?: { widget?: boolean }) => Promise<Principal>

/** The JSON object of a body; an empty body is an empty object. Throws `invalid` and `too_large`. */
export async function readBody(request: Request): Promise<Record<string, unknown>> {
  return parseBody(await readText(request))
}

function parseBody(text: string): Record<string, unknown> {
  if (text.trim() === "") return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalid("the body is not JSON")
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid("the body must be a JSON object")
  return value as Record<string, unknown>
}

/** A request that makes something: 201 with it, and the same once more for the same `Idempotency-Key`. */
export async function answerMade(
  idempotency: Idempotency,
  request: Request,
  principal: Principal,
  make: (body: Record<string, unknown>) => Promise<unknown>,
): Promise<Response> {
  const text = await readText(request)
  const body = parseBody(text)
  const route = `${request.method} ${new URL(request.url).pathname}`
  const run = async (): Promise<Made> => ({ status: 201, body: await make(body) })
  const made = await idempotency.once(principal, route, request.headers.get("idempotency-key"), text, run)
  return Response.json(made.body, { status: made.status, headers: { "cache-control": "no-store" } })
}
