import { embeddedV4, type IpAddress, isInRange, parseIp } from "../ip-address"
import { isOwnListener, type OwnListener } from "../own-listener"

/** The addresses of a name, in the order to try them; rejects, or gives none, where the name has none. */
export type Resolve = (host: string) => Promise<string[]>

/** Where to send to: addresses that were checked, to be connected to as they stand, the best first; `hostname` is what the certificate must be for. */
export type Target = { hostname: string; port: number; addresses: string[] }

/** The URL leads to where nothing may be sent. */
export class TargetRefused extends Error {}

/** The name of the URL has no address now. */
export class TargetUnknown extends Error {}

/** The prefix of NAT64 (RFC 6052), whose addresses lead to the IPv4 address in their last 32 bits. */
const nat64 = "64:ff9b::/96"

/** What is not public in IPv4: IANA's special-purpose registry (RFC 6890) and multicast. */
const refusedV4: [string, string][] = [
  ["0.0.0.0/8", "an unspecified address"],
  ["10.0.0.0/8", "a private address"],
  ["100.64.0.0/10", "a shared address of a carrier"],
  ["127.0.0.0/8", "a loopback address"],
  ["169.254.0.0/16", "a link-local address"],
  ["172.16.0.0/12", "a private address"],
  ["192.168.0.0/16", "a private address"],
  ["192.0.0.0/24", "a reserved address"],
  ["192.0.2.0/24", "an address of documentation"],
  ["192.88.99.0/24", "a reserved address"],
  ["198.18.0.0/15", "an address of benchmarks"],
  ["198.51.100.0/24", "an address of documentation"],
  ["203.0.113.0/24", "an address of documentation"],
  ["224.0.0.0/4", "a multicast address"],
  ["240.0.0.0/4", "a reserved address"],
]

/** Named for people; whatever else of IPv6 lies outside `2000::/3` is refused as well. */
const refusedV6: [string, string][] = [
  ["::1/128", "a loopback address"],
  ["::/96", "an unspecified address"],
  ["fc00::/7", "a private address"],
  ["fe80::/10", "a link-local address"],
  ["fec0::/10", "a private address"],
  ["ff00::/8", "a multicast address"],
  // Teredo and other protocols; 6to4 leads to the IPv4 address within.
  ["2001::/23", "a reserved address"],
  ["2002::/16", "a reserved address"],
  ["2001:db8::/32", "an address of documentation"],
  ["3fff::/20", "an address of documentation"],
]

/** Where webhooks may be sent to: public addresses over HTTPS, and whatever lies in `allow`, the ranges that the house opened. */
export class TargetRule {
  constructor(private needs: { allow: () => readonly string[]; ownListeners: () => readonly OwnListener[]; resolve: Resolve }) {}

  /**
   * Looks up the name and checks every address it has now. Throws TargetRefused, in words for its owner, and TargetUnknown. They never show
   * an address that a name has: it may be one that only this house sees.
   */
  async target(href: string): Promise<Target> {
    const url = new URL(href)
    const hostname = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "")
    const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port)
    const found = await this.addresses(hostname)
    const isLiteral = parseIp(hostname) !== undefined
    for (const address of found) {
      const why = this.refusal(address, url.protocol, port)
      if (why !== undefined) throw new TargetRefused(`${hostname} ${isLiteral ? "is" : "leads to"} ${why}`)
    }
    return { hostname, port, addresses: found.map(({ text }) => text) }
  }

  private async addresses(hostname: string): Promise<IpAddress[]> {
    const literal = parseIp(hostname)
    if (literal !== undefined) return [literal]
    const texts = await this.needs.resolve(hostname).catch(() => [])
    // Something unreadable among them is not a thing to look past.
    const parsed = texts.map((text) => parseIp(text) ?? unreadable(hostname))
    if (parsed.length === 0) throw new TargetUnknown(`${hostname} has no address`)
    // IPv4 first: many houses have no IPv6 although the name does.
    return parsed.sort((a, b) => a.family - b.family)
  }

  private refusal(address: IpAddress, protocol: string, port: number): string | undefined {
    const meant = isInRange(address, nat64) ? embeddedV4(address) : address
    if (this.needs.allow().some((cidr) => isInRange(address, cidr) || isInRange(meant, cidr))) return undefined
    const unless = "which is refused unless FREEHOLD_WEBHOOK_ALLOW covers it"
    const kind = kindOf(meant)
    if (kind !== undefined) return `${kind}, ${unless}`
    if (isOwnListener(this.needs.ownListeners(), meant, port)) return `a listener of Freehold, ${unless}`
    if (protocol !== "https:") return `an address outside FREEHOLD_WEBHOOK_ALLOW, for which url must begin with https://`
    return undefined
  }
}

/** What keeps an address from being a public one; undefined for public ones. */
function kindOf(address: IpAddress): string | undefined {
  if (address.family === 4) return refusedV4.find(([cidr]) => isInRange(address, cidr))?.[1]
  const named = refusedV6.find(([cidr]) => isInRange(address, cidr))?.[1]
  return named ?? (isInRange(address, "2000::/3") ? undefined : "a reserved address")
}

function unreadable(hostname: string): never {
  throw new TargetUnknown(`${hostname} has an address that cannot be read`)
}
