import type { LimitKind } from "./directory-limits"

/**
 * Which limit a `rateLimited` problem is about. Its type does not say (RFC 8555 section 6.6), so the text is read: the words are those of Boulder, whose
 * limits these are, and what none fits holds for the whole account. A text that names the hostname or its domain holds for that alone.
 */
export function refusedKind(text: string, hostname: string, domain: string | undefined): LimitKind {
  const said = text.toLowerCase()
  if (/exact (same )?set|duplicate|identical/.test(said)) return "name"
  if (/failed (authorizations|validations)|invalid authorizations/.test(said)) return "failures"
  if (/new registrations|new accounts/.test(said) || (said.includes("registration") && /\bip\b/.test(said))) return "accounts"
  const bare = hostname.replace(/^\*\./, "")
  if (/registered domain/.test(said) || [domain, bare].some((name) => name !== undefined && name !== "" && said.includes(name)))
    return "domain"
  return "orders"
}
