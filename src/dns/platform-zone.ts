import { isIPv4 } from "node:net"
import { AuthoritativeZone } from "./zone"

export type PlatformZoneOptions = {
  origin: string
  /** The platform's own names, and those of containers. */
  hosts: string[]
  /** The appliance's public addresses. */
  addresses: string[]
  /** Domain names of the CAs that certify the hosts (RFC 8659 section 4.2); where it is empty, any CA may. */
  issuers?: string[]
  /** Where the DNS challenges of a host are answered, another name of ours. */
  challengeTarget?: (host: string) => string
  serial?: number
}

/** A host with its challenge takes two. */
const MAX_NAMES = 20_000

/** How long "no such name" is remembered: somebody may have looked for a container a moment before it was made. */
const NEGATIVE_TTL_SECONDS = 300

/** The platform's own zone: its hosts and `ingress.<origin>`, the target of mapped names, all at the appliance's public addresses. */
export function platformZone({ origin, hosts, addresses, issuers = [], challengeTarget, serial }: PlatformZoneOptions): AuthoritativeZone {
  const zone = new AuthoritativeZone({ ...authority(origin), ...(serial === undefined ? {} : { serial }), origin })
  const ipv4 = addresses.filter(isIPv4)
  const ipv6 = addresses.filter((address) => !isIPv4(address))
  for (const host of new Set([...hosts, `ingress.${origin}`, `ns.${origin}`])) {
    if (ipv4.length > 0) zone.set(host, "A", ipv4)
    if (ipv6.length > 0) zone.set(host, "AAAA", ipv6)
  }
  if (challengeTarget) for (const host of new Set(hosts)) zone.set(`_acme-challenge.${host}`, "CNAME", [challengeTarget(host)])
  const policies = issuers.map((issuer) => `0 issue "${issuer}"`)
  if (policies.length > 0) zone.set(origin, "CAA", policies)
  return zone
}

const authority = (origin: string) => ({
  nameServers: [`ns.${origin}`],
  contact: `hostmaster.${origin}`,
  negativeTtlSeconds: NEGATIVE_TTL_SECONDS,
  maxNames: MAX_NAMES,
})
