import { AppError } from "./errors"
import { isWildcard, isWithin, parseMappedHost } from "./hostname"
import { registrableDomain } from "./registrable-domain"

/**
 * The canonical name of a mapping that may be a wildcard, `*.` and a hostname. Throws `invalid domain` for what cannot be one: the platform's own
 * names and what lies below them, and a wildcard over a public suffix, whose names belong to many. `ownZones` are the house's, whatever the list of
 * suffixes says of them.
 */
export function parseMappedName(raw: unknown, baseDomain: string, ownZones: string[]): string {
  const name = typeof raw === "string" ? raw.trim() : ""
  if (!isWildcard(name)) return parseMappedHost(raw, baseDomain)
  const parent = parseMappedHost(name.slice(2), baseDomain)
  if (/^\s/.test(name.slice(2)) || parent.length > 251) throw new AppError("invalid", "invalid domain")
  if (registrableDomain(parent) === undefined && !ownZones.some((zone) => isWithin(parent, zone))) {
    throw new AppError("invalid", `invalid domain: *.${parent} would cover names of many owners`)
  }
  return `*.${parent}`
}
