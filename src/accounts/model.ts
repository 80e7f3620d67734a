import { AppError } from "../errors"
import type { Scopes } from "./scopes"

/** Who a request speaks for. API tokens carry scopes; a session may do whatever its person may. */
export type Principal = {
  personId: string
  username: string
  displayName: string
  isAdmin: boolean
} & ({ kind: "session"; sessionId: string | undefined } | { kind: "api_token"; tokenId: string; scopes: Scopes })

/** A token by what it says of itself: of a session the id that is secret, of an API token the one that is shown. */
export type TokenName = { kind: "session" | "api_token"; id: string }

/** Lifetimes a token may be given; the empty string means never, as stock clients send it. */
const lifetimes: Record<string, number> = { "30d": 30, "90d": 90, "365d": 365, never: 0, "": 0 }

/** Unix milliseconds at which a token made now ends, 0 for never. */
export function parseExpiry(raw: unknown, now: number): number {
  const key = raw === undefined || raw === null ? "" : raw
  const days = typeof key === "string" && Object.hasOwn(lifetimes, key) ? lifetimes[key] : undefined
  if (days === undefined) throw new AppError("invalid", "invalid expires_in (use 30d, 90d, 365d, or never)")
  return days === 0 ? 0 : now + days * 86_400_000
}

/** A trimmed name of 1 to 64 characters; `what` is how the error calls it. */
export function parseName(raw: unknown, required: string, tooLong: string): string {
  const name = typeof raw === "string" ? raw.trim() : ""
  if (name === "") throw new AppError("invalid", required)
  if (name.length > 64) throw new AppError("invalid", tooLong)
  return name
}

/** Letters, digits, dot, dash and underscore, 1 to 64 characters, starting with a letter or digit. */
export function parseUsername(raw: unknown): string {
  const username = typeof raw === "string" ? raw.trim() : ""
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(username)) {
    throw new AppError("invalid", "username must be 1 to 64 letters, digits, dots, dashes or underscores, and start with a letter or digit")
  }
  return username
}

/** Between 10 and 256 characters. */
export function parsePassword(raw: unknown): string {
  const password = typeof raw === "string" ? raw : ""
  if (password.length < 10 || password.length > 256) throw new AppError("invalid", "password must have 10 to 256 characters")
  return password
}

/** Six random characters of 0-9A-Za-z, the id form of people, tokens and service accounts. */
export function randomId(): string {
  const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
  let id = ""
  while (id.length < 6) {
    // Bytes past the last whole multiple of 62 would favour the first letters.
    const byte = crypto.getRandomValues(new Uint8Array(1))[0] ?? 0
    if (byte < 248) id += alphabet[byte % 62]
  }
  return id
}

/** Whole seconds, the unit of times in the auth API. */
export const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000)
