import type { Place, RecordReport } from "../connect/needs"
import type { ConnectionRow } from "../db/connect-schema"
import { challengeName, type DnsRecord } from "../connect/model"
import type { Guide } from "../connect/links"
import type { EdgeAddress } from "../connect/records"
import type { Lookup, RecordType } from "../dns/lookup"
import { challengeVariable } from "../domain-connect/template"
import type { DomainConnect } from "../domain-connect/service"
import { AppError, describeError } from "../errors"
import { withoutWildcard as bare } from "../hostname"
import { checkProof } from "../mappings/proof"
import type { Preflight } from "../preflight/preflight"
import type { Propagation } from "../preflight/propagation"
import type { Finding, PreflightIssuer, PreflightReport } from "../preflight/report"
import { type DetectedProvider, detectProvider, hostField } from "../providers/provider-detection"
import { isApex, registrableDomain } from "../registrable-domain"

export type WorldNeeds = {
  lookup: (name: string, type: RecordType) => Promise<Lookup>
  preflight: Preflight
  propagation: Propagation
  domainConnect: DomainConnect
  edge: () => EdgeAddress
  /** Who certifies this name, best first. */
  issuers: (hostname: string) => PreflightIssuer[]
  /** What is to be said of the issuers' limits. */
  limitFinding: (hostname: string) => Promise<Finding | undefined>
}

/** How long somebody waits to hear whether a provider applies templates. */
const applyLimitMs = 4_000

/** What is known of the zone that a hostname lies in. */
export type Surroundings = Place & { zone: string | undefined; nameServers: string[]; detected: DetectedProvider | undefined }

/** What the world says of customers' hostnames, as connections ask for it. */
export class ConnectWorld {
  constructor(private needs: WorldNeeds) {}

  place = async (hostname: string): Promise<Place> => this.surroundings(hostname)

  /** The zone, its name servers and who runs them, as far as DNS says. */
  async surroundings(hostname: string): Promise<Surroundings> {
    const name = bare(hostname)
    const apex = registrableDomain(name)
    if (apex === undefined)
      throw new AppError("invalid", `hostname: ${name} is a public suffix: nobody's own domain, under which everybody may register`)
    const zone = (await this.delegatedZone(name)) ?? apex
    const found = await this.needs.lookup(zone, "NS")
    const nameServers = [...new Set(found.answers.filter(({ outcome }) => outcome === "answer").flatMap(({ values }) => values))].sort()
    const detected = detectProvider(nameServers, zone)
    const kind = hostname === name && (isApex(name) || name === zone) ? "apex" : "subdomain"
    // What is flattened is the zone's own name, which may lie below the registered one.
    const flattens = detected?.apex_flattening === true && name === zone
    return { apex: kind === "apex" ? name : apex, kind, provider: detected?.key ?? null, flattens, zone, nameServers, detected }
  }

  /** Where the hostname's records are entered, and in which form. */
  guide = async (hostname: string): Promise<Guide> => {
    const { detected, zone, apex } = await this.surroundings(hostname)
    return {
      provider: detected?.name ?? null,
      panelUrl: detected?.control_panel_url ?? null,
      hostField: (name) => hostField(detected, zone ?? apex, name),
    }
  }

  checkTxt = (name: string, value: string) => checkProof((asked) => this.needs.lookup(asked, "TXT"), name, value)

  judge = async (records: DnsRecord[]): Promise<RecordReport[]> =>
    (await this.needs.propagation.judge(records)).map(({ record, propagated, observed_value, authorities, recursives, explanation }) => ({
      record,
      propagated,
      observedValue: observed_value,
      authorities,
      recursives: recursives.map(({ ttl_left, ...rest }) => Object.assign(rest, ttl_left === null ? {} : { ttlLeftSeconds: ttl_left })),
      explanation,
    }))

  /** What would make an order for the name fail; `records` say where it is to lead. */
  async examine(hostname: string, records: DnsRecord[], ownershipValue?: string): Promise<PreflightReport> {
    const { cname, ipv4, ipv6 } = this.needs.edge()
    const own = records.filter(({ host }) => host === hostname)
    const addresses = own.filter(({ type }) => type === "A" || type === "AAAA").map(({ value }) => value)
    const limits = await this.needs.limitFinding(hostname)
    return this.needs.preflight.check({
      ...(limits === undefined ? {} : { more: [limits] }),
      hostname: bare(hostname),
      wants: {
        addresses: [...new Set([...addresses, ...ipv4, ...ipv6])],
        cnameTarget: own.find(({ type }) => type === "CNAME")?.value ?? cname,
      },
      issuers: this.needs.issuers(hostname),
      ownershipName: challengeName(hostname),
      ...(ownershipValue === undefined ? {} : { ownershipValue }),
      wildcard: hostname.startsWith("*."),
    })
  }

  /** The zone whose servers the world asks about the name; a CNAME at the name itself would lead elsewhere, so one below it is asked for. */
  delegatedZone = async (hostname: string): Promise<string | undefined> => (await this.needs.lookup(challengeName(hostname), "TXT")).zone

  /** What a name has of a type, for what merges with it; throws where the DNS did not say. */
  published = async (name: string, type: "TXT" | "MX" | "CNAME"): Promise<string[]> => {
    const { answers, problem } = await this.needs.lookup(name, type)
    const own = answers.filter((answer) => answer.name === undefined || answer.name === name)
    if (!own.some(({ outcome }) => outcome === "answer" || outcome === "nodata" || outcome === "nxdomain"))
      throw new Error(problem ?? `no name server of ${name} gave a usable answer`)
    return [...new Set(own.filter(({ outcome }) => outcome === "answer").flatMap(({ values }) => values))]
  }

  /** Where the browser goes so that the zone's provider applies our template, for the records we make by ourselves; undefined where it does not. */
  applyUrl = async ({ id, hostname, challengeValue, desiredRecords }: ConnectionRow): Promise<string | undefined> => {
    const ours = JSON.parse(desiredRecords) as DnsRecord[]
    const { cname, ipv4, ipv6 } = this.needs.edge()
    // The template leads to the edge and nowhere else, so other records would be left out.
    if (hostname.startsWith("*.") || !ours.every(({ host, value }) => host === hostname && [cname, ...ipv4, ...ipv6].includes(value)))
      return undefined
    const limit = Promise.withResolvers<undefined>()
    const timer = setTimeout(limit.resolve, applyLimitMs)
    try {
      return await Promise.race([this.applyUrlOf(id, hostname, challengeValue), limit.promise])
    } catch (error) {
      if (error instanceof AppError) return undefined
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  private async applyUrlOf(state: string, hostname: string, challengeValue: string): Promise<string | undefined> {
    const zone = await this.delegatedZone(hostname)
    if (zone === undefined || (await this.offers(zone)) === undefined) return undefined
    const host = hostname === zone ? "" : hostname.slice(0, -zone.length - 1)
    const variables = { [challengeVariable]: challengeValue.replace(/^cd-verify-/, "") }
    return this.needs.domainConnect.applyUrl({ zone, host, variables, state })
  }

  /** What the zone's provider offers by Domain Connect, or why that could not be found out. */
  async offers(zone: string) {
    try {
      return await this.needs.domainConnect.discover(zone)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return { supported: false, supportedAtApex: false, reason: describeError(error) }
    }
  }
}
