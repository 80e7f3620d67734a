import type { ConfigInForce } from "../config"
import { DnsListener } from "../dns/listener"
import type { DnsLookup, Lookup } from "../dns/lookup"
import { platformZone } from "../dns/platform-zone"
import { Resolver } from "../dns/resolver"
import { ianaRoots, parseRoots } from "../dns/root-hints"
import type { AuthoritativeZone } from "../dns/zone"
import { AppError, describeError } from "../errors"
import { listenAt } from "../listen"
import type { Log } from "../log"

/** Below what a zone holds; past it, containers' names need a wildcard elsewhere. */
const maxContainerHosts = 9000

/** DNS both ways: the resolver that looks for proofs, and the server of the base domain's zone where the settings ask for one. */
export class Dns {
  /** The port really listened on, once started. */
  port: number | undefined
  private resolver: Resolver
  private zone: AuthoritativeZone
  private containerHosts: string[] = []
  private server: DnsListener

  /** `hosts` are the names of the zone. Throws `invalid` for root hints that cannot be read. */
  constructor(
    private config: ConfigInForce,
    private hosts: string[],
    private log: Log,
  ) {
    const { dnsRoots, dnsPort: port, dnsDoh: doh } = config.current
    this.resolver = new Resolver({ roots: roots(dnsRoots, port), port, doh })
    this.zone = this.makeZone()
    this.server = new DnsListener({
      zones: () => [this.zone],
      onFault: (error) => log.error("a DNS query could not be answered", { error }),
    })
  }

  /** Asks every authoritative server of the name's zone. */
  lookup: DnsLookup["lookup"] = (name, type, options) => this.resolver.lookup(name, type, options)

  lookupTxt = (name: string): Promise<Lookup> => this.resolver.lookup(name, "TXT")

  /** Listens where the settings ask for it; throws when the address is taken. */
  async start(): Promise<void> {
    const { dnsListen } = this.config.current
    if (dnsListen === undefined) return
    this.warnOfNoAddress()
    this.port = await listenAt("dns_listen", dnsListen, this.server)
  }

  /** The names of containers that the zone has besides the platform's own, at most 9000; nothing happens where they are those it has. */
  serveContainers(hosts: string[]): void {
    const all = [...new Set(hosts)].sort().slice(0, maxContainerHosts)
    if (all.join() === this.containerHosts.join()) return
    this.containerHosts = all
    this.zone = this.makeZone()
  }

  /** Takes over the public addresses. */
  reload(): void {
    this.zone = this.makeZone()
    if (this.port !== undefined) this.warnOfNoAddress()
  }

  async stop(): Promise<void> {
    await this.server.stop()
    this.resolver.stop()
  }

  private get addresses(): string[] {
    const { publicIpv4, publicIpv6 } = this.config.current
    return [publicIpv4, publicIpv6].filter((address) => address !== undefined)
  }

  private makeZone(): AuthoritativeZone {
    return platformZone(this.config.current.baseDomain, [...this.hosts, ...this.containerHosts], this.addresses)
  }

  private warnOfNoAddress(): void {
    if (this.addresses.length === 0) this.log.warn("the zone has no addresses: set FREEHOLD_PUBLIC_IPV4 or FREEHOLD_PUBLIC_IPV6")
  }
}

function roots(text: string | undefined, port: number) {
  if (text === undefined) return ianaRoots
  try {
    return parseRoots(text, port)
  } catch (error) {
    throw new AppError("invalid", `FREEHOLD_DNS_ROOTS: ${describeError(error)}`)
  }
}
