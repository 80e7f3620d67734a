import { domainToASCII, domainToUnicode } from "node:url"
import { isIP } from "node:net"
import { AppError } from "./errors"

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** Names that no public CA and no DNS may ever speak for (RFC 7686, RFC 6761 sections 6.3 and 6.4). */
const refusedTopLevels = new Set(["onion", "invalid", "localhost"])

/**
 * The canonical form of a hostname: lower case, no trailing dot, IDNA A-labels (RFC 5890). Undefined for what is not a fully qualified
 * hostname: IP addresses, single labels, wildcards, underscores, labels over 63 or names over 253 characters.
 */
export function canonicalHost(raw: string): string | undefined {
  let host = raw.trim().toLowerCase()
  if (host.length > 1024) return undefined
  // The URL parser behind domainToASCII would decode percent signs and cut at slashes, so only names that need it go through.
  if (/[^\x21-\x7e]/.test(host)) {
    if (/[\x00-\x20%/\\:@?#[\]]/.test(host)) return undefined
    host = domainToASCII(host)
  }
  if (host.endsWith(".")) host = host.slice(0, -1)
  if (host.length === 0 || host.length > 253 || isIP(host) !== 0) return undefined
  const labels = host.split(".")
  if (labels.length < 2 || !labels.every((part) => label.test(part))) return undefined
  const top = labels.at(-1) ?? ""
  if (/^\d+$/.test(top)) return undefined
  // An xn-- label that decodes to nothing is not IDNA (RFC 5891 section 4.2.3).
  if (labels.some((part) => part.startsWith("xn--")) && domainToUnicode(host) === "") return undefined
  return host
}

/** True for `zone` itself and everything below it; both canonical. */
export function isWithin(host: string, zone: string): boolean {
  return host === zone || host.endsWith(`.${zone}`)
}

/** The canonical hostname of a mapping. Throws `invalid domain` for what cannot be one, the platform's own names included. */
export function parseMappedHost(raw: unknown, baseDomain: string): string {
  const host = typeof raw === "string" ? canonicalHost(raw) : undefined
  const top = host?.split(".").at(-1) ?? ""
  if (host === undefined || refusedTopLevels.has(top) || isWithin(host, baseDomain)) throw new AppError("invalid", "invalid domain")
  return host
}

/** Whether a canonical name is a wildcard: `*.parent`, which stands for every name one label below `parent`. */
export const isWildcard = (name: string): boolean => name.startsWith("*.")

/** The parent of a wildcard; any other name is its own. */
export const withoutWildcard = (name: string): string => (isWildcard(name) ? name.slice(2) : name)

/** The longest of `zones` that `hostname` is, or lies under; all canonical. */
export function closestZone<Z extends { name: string }>(hostname: string, zones: Z[]): Z | undefined {
  let closest: Z | undefined
  for (const zone of zones) {
    if (isWithin(hostname, zone.name) && zone.name.length > (closest?.name.length ?? 0)) closest = zone
  }
  return closest
}

/** The names that a zone around `hostname` can have, the longest first: itself and those above it, down to two labels. */
export function zoneNamesAround(hostname: string): string[] {
  const labels = hostname.split(".")
  return labels.slice(0, -1).map((_, index) => labels.slice(index).join("."))
}
