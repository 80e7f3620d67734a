import { isWildcard } from "../hostname"
import { verifyName } from "../mappings/model"
import type { Caller, MappingService } from "../mappings/service"
import { preflightReply } from "../preflight/report"
import { hostField } from "../providers/provider-detection"
import type { ZoneService } from "../zones/service"
import type { ConnectWorld } from "./connect-world"
import { conflictCodes } from "./domain-check"
import { type HostnameRecordsNeeds, providerReply } from "./hostname-records"

export type NameCheckNeeds = Pick<HostnameRecordsNeeds, "usual" | "take"> & {
  mappings: Pick<MappingService, "consider">
  zones: Pick<ZoneService, "covers">
  world: Pick<ConnectWorld, "surroundings" | "examine">
}

/** What is known of a name before somebody maps it: whether they may, who runs its DNS, what stands there now, and which records it will need. */
export class NameCheck {
  constructor(private needs: NameCheckNeeds) {}

  /** Looks now. Throws `invalid` for what is no name, and `rate_limited`; that a create would refuse the name is in the answer. */
  async check(caller: Caller, raw: string) {
    const { mappings, zones, world, usual, take } = this.needs
    take(caller.personId)
    const { domain, isPrivate, problem = null } = await mappings.consider(caller, raw)
    const known = { hostname: domain, private: isPrivate, problem }
    if (isPrivate || problem !== null) return { ...known, ...nothing }
    const place = await world.surroundings(domain)
    const records = usual(domain, place)
    const [report, isAutomatic] = await Promise.all([world.examine(domain, records), zones.covers(caller.personId, domain)])
    const field = (host: string) => hostField(place.detected, place.zone ?? place.apex, host)
    return {
      ...known,
      kind: isWildcard(domain) ? "wildcard" : place.kind,
      zone: place.zone ?? null,
      provider: providerReply(place.detected, place.nameServers),
      automatic: isAutomatic,
      verify: { type: "TXT", host: verifyName(domain), host_field: field(verifyName(domain)) },
      records: records.map((record) => Object.assign({ host_field: field(record.host) }, record)),
      conflicts: report.findings.filter(({ code }) => conflictCodes.has(code)),
      preflight: preflightReply(report),
    }
  }
}

/** A name that only this house knows, or that cannot be mapped, is asked nobody about. */
const nothing = {
  kind: null,
  zone: null,
  provider: null,
  automatic: false,
  verify: null,
  records: [],
  conflicts: [],
  preflight: null,
}
