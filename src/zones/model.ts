import { t } from "elysia"
import { AppError } from "../errors"

/** One provider token of a person and the zones it could see when last asked. */
export type OwnedDomain = { id: string; personId: string; sealedToken: string; zones: string[]; createdAt: number }

export const ZoneSnapshot = t.Object({ id: t.String(), zones: t.Array(t.String()) })
export type ZoneSnapshot = typeof ZoneSnapshot.static

export const Connection = t.Object({ id: t.String(), zones: t.Array(t.String()), created_at: t.String() })
export type Connection = typeof Connection.static

export const ConnectionList = t.Object({ connections: t.Array(Connection) })
export type ConnectionList = typeof ConnectionList.static

/** How many owned domains one person may have. */
export const maxOwnedDomains = 50

const maxTokenLength = 512

/** The token in the body of a request, without the blanks around it; throws `invalid`. */
export function parseToken(body: string): string {
  const token = readToken(body)
  if (token === "") throw new AppError("invalid", "token is required")
  // Anything else cannot stand in an Authorization header (RFC 9110 section 5.5), so no provider issued it.
  if (token.length > maxTokenLength || !/^[\x21-\x7e]+$/.test(token)) throw invalidToken()
  return token
}

/** The answer to a token that no provider lets see a zone, with what the provider answered where that is told. */
export function invalidToken(cause?: unknown, answer?: string): AppError {
  return new AppError("invalid", `token invalid or lacks zone access${answer === undefined ? "" : `: ${answer}`}`, { cause })
}

function readToken(body: string): string {
  try {
    const value: unknown = JSON.parse(body)
    if (typeof value === "object" && value !== null && "token" in value && typeof value.token === "string") return value.token.trim()
  } catch {
    // A body that is no JSON has no token, which is what the caller is told.
  }
  return ""
}

/** Unix milliseconds as RFC 3339 in UTC, to the second. */
export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\.\d{3}Z$/, "Z")
}
