import { type IpAddress, isInRange, parseIp } from "../ip-address"
import { isOwnListener, type OwnListener } from "../own-listener"
import { inWords, kindOfAddress, meantAddress } from "../special-addresses"

/** The addresses of a name, in the order to try them; rejects, or gives none, where the name has none. */
export type Resolve = (host: string) => Promise<string[]>

/** Where to send to: addresses that were checked, to be connected to as they stand, the best first; `hostname` is what the certificate must be for. */
export type Target = { hostname: string; port: number; addresses: string[] }

/** The URL leads to where nothing may be sent. */
export class TargetRefused extends Error {}

/** The name of the URL has no address now. */
export class TargetUnknown extends Error {}

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
    const meant = meantAddress(address)
    if (this.needs.allow().some((cidr) => isInRange(address, cidr) || isInRange(meant, cidr))) return undefined
    const unless = "which is refused unless FREEHOLD_WEBHOOK_ALLOW covers it"
    const kind = kindOfAddress(meant)
    if (kind !== undefined) return `${inWords(kind)}, ${unless}`
    if (isOwnListener(this.needs.ownListeners(), meant, port)) return `a listener of Freehold, ${unless}`
    if (protocol !== "https:") return `an address outside FREEHOLD_WEBHOOK_ALLOW, for which url must begin with https://`
    return undefined
  }
}

function unreadable(hostname: string): never {
  throw new TargetUnknown(`${hostname} has an address that cannot be read`)
}
