import { getDomain } from "tldts"
import { canonicalHost } from "./hostname"

/**
 * The part of a hostname that one owner registers, such as `example.co.uk` of `a.b.example.co.uk`, by the Public Suffix List as it came with the binary.
 * Its private part counts too: `alice.github.io` is Alice's, and `github.io` is nobody's who asks here. Undefined for a public suffix itself, for IP
 * addresses and for what is not a hostname.
 */
export function registrableDomain(host: string): string | undefined {
  const canonical = canonicalHost(host)
  if (canonical === undefined) return undefined
  return getDomain(canonical, { allowPrivateDomains: true }) ?? undefined
}

/** Whether a hostname is its own registrable domain, where a CNAME cannot stand (RFC 1034 section 3.6.2). */
export function isApex(host: string): boolean {
  const domain = registrableDomain(host)
  return domain !== undefined && domain === canonicalHost(host)
}
