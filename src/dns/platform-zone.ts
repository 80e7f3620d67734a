import { isIPv4 } from "node:net"
import { AuthoritativeZone } from "./zone"

export type PlatformZoneOptions = {
  origin: string
  /** Domain names of the CAs that certify the hosts (RFC 8659 section 4.2); where it is empty, any CA may. */
  issuers?: string[]
  /** Where the DNS challenges of a host are answered, another name of ours. */
  challengeTarget?: (host: string) => string
}

/** A host with its challenge takes two. */
const MAX_NAMES = 20_000

/** How long "no such name" is remembered: somebody may have looked for a container a moment before it was made. */
const NEGATIVE_TTL_SECONDS = 300

/** The platform's own zone: its hosts and `ingress.<origin>`, the target of mapped names, all at the appliance's public addresses. */
export class PlatformZone {
  readonly zone: AuthoritativeZone
  private hosts = new Set<string>()
  private addresses = ""

  constructor(private options: PlatformZoneOptions) {
    const { origin, issuers = [] } = options
    const negative = { negativeTtlSeconds: NEGATIVE_TTL_SECONDS, maxNames: MAX_NAMES }
    this.zone = new AuthoritativeZone({ origin, nameServers: [`ns.${origin}`], contact: `hostmaster.${origin}`, ...negative })
    const policies = issuers.map((issuer) => `0 issue "${issuer}"`)
    if (policies.length > 0) this.zone.set(origin, "CAA", policies)
  }

  /** Serves these hosts, and no others, at these addresses; costs what changed since the last time. Throws `conflict` when the zone is full. */
  serve(hosts: string[], addresses: string[]): void {
    const { origin, challengeTarget } = this.options
    const wanted = new Set([...hosts, `ingress.${origin}`, `ns.${origin}`])
    const isMoved = addresses.join() !== this.addresses
    this.addresses = addresses.join()
    for (const host of this.hosts) {
      if (!wanted.has(host)) for (const name of [host, `_acme-challenge.${host}`]) this.zone.remove(name)
    }
    for (const host of wanted) {
      const isNew = !this.hosts.has(host)
      if (isNew || isMoved) this.point(host, addresses)
      if (isNew && challengeTarget) this.zone.set(`_acme-challenge.${host}`, "CNAME", [challengeTarget(host)])
    }
    this.hosts = wanted
  }

  private point(host: string, addresses: string[]): void {
    for (const [type, ofType] of [
      ["A", addresses.filter(isIPv4)],
      ["AAAA", addresses.filter((address) => !isIPv4(address))],
    ] as const) {
      if (ofType.length > 0) this.zone.set(host, type, ofType)
      else this.zone.remove(host, type)
    }
  }
}
