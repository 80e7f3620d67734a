import type { Applications } from "../connect/applications"
import type { Connections } from "../connect/connections"
import { challengeName, type DnsRecord, parseConnectionHost, type Principal } from "../connect/model"
import { mayTouch } from "../connect/widget-tokens"
import { type FindingCode, preflightReply } from "../preflight/report"
import { hostField } from "../providers/provider-detection"
import type { ConnectWorld } from "./connect-world"
import { providerReply } from "./hostname-records"

export type DomainCheckNeeds = {
  world: ConnectWorld
  applications: Applications
  connections: Connections
  hasCredential: (applicationId: string) => Promise<boolean>
  baseDomain: string
}

/** What stands where our records are to go. */
export const conflictCodes: ReadonlySet<FindingCode> = new Set([
  "cname_conflict",
  "stale_aaaa",
  "wrong_address",
  "loop",
  "cname_chain_broken",
])

/** `domains:check`: what is known of a domain before anything is made (connect-api.md section 5.3). */
export class DomainCheck {
  constructor(private needs: DomainCheckNeeds) {}

  /** Throws `invalid` and `not_found`; what DNS is like is in the answer. */
  async inspect(principal: Principal, body: Record<string, unknown>) {
    const { world, applications, connections, baseDomain } = this.needs
    const hostname = parseConnectionHost(body.domain ?? body.hostname, baseDomain)
    mayTouch(principal, hostname)
    const applicationId = typeof body.application_id === "string" ? body.application_id : principal.applicationId
    const application = applicationId === undefined ? undefined : await applications.own(principal, applicationId)
    const place = await world.surroundings(hostname)
    const { detected, zone, nameServers, apex } = place
    const records = connections.records(application, hostname, place)
    const [report, offers] = await Promise.all([world.examine(hostname, records), zone === undefined ? undefined : world.offers(zone)])
    const hasCredential = application !== undefined && (await this.needs.hasCredential(application.id))
    const hasTemplate = offers !== undefined && (hostname === zone ? offers.supportedAtApex : offers.supported)
    const field = (host: string) => hostField(detected, zone ?? apex, host)
    return {
      domain: hostname,
      registrable_domain: place.kind === "apex" ? hostname : apex,
      kind: place.kind,
      zone: zone ?? null,
      provider: providerReply(detected, nameServers),
      setup_type: hasCredential ? "automatic" : hasTemplate ? "semiautomatic" : "manual",
      apex_flattening: detected?.apex_flattening ?? false,
      // Where no CNAME can stand at the apex, the name that can have one is the better front door.
      www_redirect_recommended: place.kind === "apex" && !place.flattens && detected?.alias === undefined,
      capabilities: {
        auto_write: detected?.auto_write ?? false,
        domain_connect: hasTemplate,
        wildcard: true,
        alias: detected?.alias !== undefined,
        email: true,
      },
      domain_connect: { supported: hasTemplate, reason: offers?.reason ?? null },
      challenge: { name: challengeName(hostname), host_field: field(challengeName(hostname)) },
      records: records.map((record: DnsRecord) => Object.assign({ host_field: field(record.host) }, record)),
      conflicts: report.findings.filter(({ code }) => conflictCodes.has(code)),
      preflight: preflightReply(report),
    }
  }
}
