import { createHash, randomBytes } from "node:crypto"
import type { ApplicationRow } from "../db/connect-schema"
import { invalid } from "./model"

/** What was asked of a new link; `email` is whom its letter is for. */
export type LinkWish = { lifetimeMs: number; redirectUrl: string | null; email: string | undefined }

const daySeconds = 86_400
const defaultSeconds = 7 * daySeconds
const mostSeconds = 30 * daySeconds

/** Throws `invalid` naming the field and its rule. `expires_in` is in seconds. */
export function parseLinkWish(body: Record<string, unknown>, application: ApplicationRow): LinkWish {
  return {
    lifetimeMs: parseLifetime(body.expires_in) * 1000,
    redirectUrl: parseRedirect(body.redirect_url, JSON.parse(application.allowedOrigins) as string[]),
    email: parseAddress(body.email),
  }
}

function parseLifetime(raw: unknown): number {
  if (raw === undefined || raw === null) return defaultSeconds
  if (typeof raw !== "number" || !Number.isInteger(raw) || raw < 60 || raw > mostSeconds)
    throw invalid(`expires_in must be a whole number of seconds from 60 to ${mostSeconds}, which is 30 days`)
  return raw
}

function parseRedirect(raw: unknown, allowedOrigins: string[]): string | null {
  if (raw === undefined || raw === null) return null
  const url = typeof raw === "string" && raw.length <= 2000 && URL.canParse(raw) ? new URL(raw) : undefined
  if (url?.protocol !== "https:" || url.username !== "" || url.password !== "") throw invalid("redirect_url must be an https:// URL")
  if (!allowedOrigins.includes(url.origin))
    throw invalid(`redirect_url must be at one of the application's allowed_origins; ${url.origin} is none`)
  return url.href
}

function parseAddress(raw: unknown): string | undefined {
  if (raw === undefined || raw === null) return undefined
  const isAddress =
    typeof raw === "string" && raw.length <= 254 && /^[^\s@<>"(),:;\\[\]]+@[^\s@<>"(),:;\\[\]]+\.[^\s@<>"(),:;\\[\]]+$/.test(raw)
  if (!isAddress) throw invalid("email must be one address such as ada@customer.com")
  return raw
}

/** 256 random bits in base64url. */
export const newLinkSecret = () => randomBytes(32).toString("base64url")

export const isLinkSecret = (text: string) => /^[A-Za-z0-9_-]{43}$/.test(text)

/** How a secret is kept. */
export const linkHash = (secret: string) => createHash("sha256").update(secret).digest("hex")

/** A letter that the customer's mail program opens, ready to be sent (RFC 6068). */
export function letterOf(link: {
  url: string
  hostname: string
  application: string
  email: string | undefined
  expiresAt: number
}): string {
  const { url, hostname, application, email, expiresAt } = link
  const subject = `Connect ${hostname} to ${application}`
  const until = new Date(expiresAt).toISOString().slice(0, 10)
  const body = `Hello,

to connect ${hostname} to ${application}, a few records have to be added to the domain's DNS. This page lists them exactly as the DNS provider's form wants them, and ticks them off as they appear. It needs no account:

${url}

The link works until ${until}. Whoever has it sees these records, so pass it on only to whoever looks after the domain.
`
  const to = email === undefined ? "" : encodeURIComponent(email).replaceAll("%40", "@")
  return `mailto:${to}?subject=${encodeURIComponent(subject)}&body=${encodeURIComponent(body.replaceAll("\n", "\r\n"))}`
}
