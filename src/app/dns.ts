import type { ConfigInForce } from "../config"
import { ChallengeZone, challengeId } from "../dns/challenge-zone"
import { DnsListener } from "../dns/listener"
import type { DnsLookup, Lookup } from "../dns/lookup"
import { PlatformZone } from "../dns/platform-zone"
import { Resolver } from "../dns/resolver"
import { ianaRoots, parseRoots } from "../dns/root-hints"
import { AppError, describeError } from "../errors"
import { isWithin } from "../hostname"
import type { DnsReply } from "../house/system"
import { listenAt } from "../listen"
import type { Log } from "../log"
import { authorityAt } from "../preflight/certificate-authorities"

/** Below what a zone holds; past it, names of containers and buckets need a wildcard elsewhere. */
const maxFurtherHosts = 9000

export type DnsNeeds = {
  config: ConfigInForce
  /** Our public addresses of a family; answered from memory. */
  publicAddresses: (family: 4 | 6) => string[]
  /** The platform's own names. */
  hosts: string[]
  /** Makes names of challenges that nobody can guess; 64 hexadecimal characters. */
  challengeKey: string
  log: Log
}

/**
 * DNS both ways: the resolver that looks for proofs, and the server of the base domain's zone and of the challenges that are delegated to us, where the
 * settings ask for one.
 */
export class Dns {
  /** The port really listened on, once started. */
  port: number | undefined
  private resolver: Resolver
  private platform: PlatformZone
  private challenges: ChallengeZone
  private furtherHosts: string[] = []
  private server: DnsListener

  /** Throws `invalid` for root hints that cannot be read. */
  constructor(private needs: DnsNeeds) {
    const { config, log } = needs
    const { dnsRoots, dnsPort: port, dnsDoh: doh, baseDomain } = config.current
    this.resolver = new Resolver({ roots: roots(dnsRoots, port), port, doh })
    this.challenges = new ChallengeZone({
      origin: `acme.${baseDomain}`,
      nameServers: [`ns.${baseDomain}`],
      contact: `hostmaster.${baseDomain}`,
    })
    this.platform = new PlatformZone({
      origin: baseDomain,
      issuers: this.issuers,
      challengeTarget: (host) => this.targetOf(platformClaim(host)),
    })
    this.serve()
    this.server = new DnsListener({
      zones: () => [this.platform.zone, this.challenges.zone],
      onFault: (error) => log.error("a DNS query could not be answered", { error }),
    })
  }

  /** Asks every authoritative server of the name's zone. */
  lookup: DnsLookup["lookup"] = (name, type, options) => this.resolver.lookup(name, type, options)

  lookupTxt = (name: string): Promise<Lookup> => this.resolver.lookup(name, "TXT")

  /** Where the holder of a claim may delegate challenges to; undefined where no DNS is served here. */
  challengeTarget(claim: string): string | undefined {
    if (this.needs.config.current.dnsListen === undefined) return undefined
    return this.targetOf(claim)
  }

  /** As what the platform itself holds a name of its zone, whose challenges that zone delegates. */
  ownClaim(host: string): string | undefined {
    return isWithin(host, this.needs.config.current.baseDomain) ? platformClaim(host) : undefined
  }

  /** Answers a claim's delegated challenge with this value too, until the returned function is called. Throws `conflict` past the bounds. */
  putChallenge(claim: string, value: string): () => void {
    return this.challenges.put(challengeId(this.needs.challengeKey, claim), value)
  }

  /** Whether a name leads to one of the public addresses; true where none is known. */
  async pointsHere(hostname: string): Promise<boolean> {
    const own = new Set(this.addresses)
    if (own.size === 0) return true
    const found = await Promise.all([this.resolver.lookup(hostname, "A"), this.resolver.lookup(hostname, "AAAA")])
    return found.some(({ answers }) => answers.some(({ values }) => values.some((value) => own.has(value))))
  }

  /** Listens where the settings ask for it; throws when the address is taken. */
  async start(): Promise<void> {
    const { dnsListen } = this.needs.config.current
    if (dnsListen === undefined) return
    this.warnOfNoAddress()
    this.port = await listenAt("dns_listen", dnsListen, this.server)
  }

  /** The names of containers and buckets that the zone has besides the platform's own, at most 9000. */
  serveFurther(hosts: string[]): void {
    this.furtherHosts = [...new Set(hosts)].sort().slice(0, maxFurtherHosts)
    this.serve()
  }

  /** What is served and asked here, as administrators see it. */
  describe(): DnsReply {
    const { dnsListen, baseDomain, dnsRoots, dnsPort, dnsDoh, dnsRecursives, privateZones } = this.needs.config.current
    const names = this.needs.hosts.length + this.furtherHosts.length
    const zones = [
      { origin: baseDomain, holds: `${names} names of the platform, its containers and buckets` },
      { origin: `acme.${baseDomain}`, holds: "DNS challenges that are delegated here" },
    ]
    return {
      zones: dnsListen === undefined ? [] : zones,
      public_ipv4: this.needs.publicAddresses(4)[0] ?? null,
      public_ipv6: this.needs.publicAddresses(6)[0] ?? null,
      resolver: {
        starts_at: dnsRoots === undefined ? "the IANA root servers" : "the root hints of dns_roots",
        port: dnsPort,
        doh: dnsDoh ?? null,
      },
      recursives: dnsRecursives.map(({ address, port }) =>
        port === 53 ? address : address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`,
      ),
      private_zones: privateZones,
    }
  }

  /** Look-ups made and queries answered since the start. */
  counts() {
    return { lookups: this.resolver.counts(), answers: this.server.counts() }
  }

  /** Takes over the public addresses. */
  reload(): void {
    this.serve()
    if (this.port !== undefined) this.warnOfNoAddress()
  }

  async stop(): Promise<void> {
    await this.server.stop()
    this.resolver.stop()
  }

  private targetOf(claim: string): string {
    return this.challenges.target(challengeId(this.needs.challengeKey, claim))
  }

  /** The CAs of the platform's names: nobody else may certify what this zone leads here. None where one is not known, for a wrong record would stop it. */
  private get issuers(): string[] {
    const { acmeDirectory, acmeFallbackDirectory, baseDomain, privateZones } = this.needs.config.current
    if (privateZones.some((zone) => isWithin(baseDomain, zone))) return []
    const urls = [acmeDirectory, acmeFallbackDirectory].filter((url) => url !== undefined)
    // Of several identities any one will do (RFC 8659 section 4.2).
    const issuers = urls.flatMap((url) => authorityAt(url).caaIdentities.slice(0, 1))
    return issuers.length < urls.length ? [] : [...new Set(issuers)]
  }

  private get addresses(): string[] {
    return [...this.needs.publicAddresses(4), ...this.needs.publicAddresses(6)]
  }

  private serve(): void {
    this.platform.serve([...this.needs.hosts, ...this.furtherHosts], this.addresses)
  }

  private warnOfNoAddress(): void {
    if (this.addresses.length === 0)
      this.needs.log.warn(
        "the zone has no addresses: set FREEHOLD_PUBLIC_IPV4 or FREEHOLD_PUBLIC_IPV6, or FREEHOLD_ADDRESS_INTERVAL to look for them",
      )
  }
}

const platformClaim = (host: string) => `platform ${host}`

function roots(text: string | undefined, port: number) {
  if (text === undefined) return ianaRoots
  try {
    return parseRoots(text, port)
  } catch (error) {
    throw new AppError("invalid", `FREEHOLD_DNS_ROOTS: ${describeError(error)}`)
  }
}
