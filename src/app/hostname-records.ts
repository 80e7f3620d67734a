import type { DnsRecord } from "../connect/model"
import type { RecordReport } from "../connect/needs"
import { isWithin, withoutWildcard } from "../hostname"
import { type DetectedProvider, hostField } from "../providers/provider-detection"
import type { ConnectWorld, Surroundings } from "./connect-world"

/** What a record is for: it shows whose the name is, leads visitors here, or lets this server answer DNS challenges. */
export type RecordPurpose = "ownership" | "address" | "challenge"

/** The records of a hostname that is claimed; `address` are those that lead here, where they are not the usual ones. */
export type ClaimedName = {
  hostname: string
  /** Undefined where nothing has to be shown any more. */
  ownership: { name: string; value: string } | undefined
  address: DnsRecord[] | undefined
  challenge: { name: string; value: string } | undefined
}

export type HostnameRecordsNeeds = {
  world: Pick<ConnectWorld, "surroundings" | "judge">
  /** The records that a hostname gets where nobody says others. */
  usual: (hostname: string, place: Surroundings) => DnsRecord[]
  /** Zones that only this house knows. */
  privateZones: string[]
  /** Counts a question of a person's; throws `rate_limited`. */
  take: (personId: string) => void
  now: () => number
}

const ttlSeconds = 300

/** The exact records of hostnames, in the form in which their provider's page wants them, and what each authoritative server says of them now. */
export class HostnameRecords {
  constructor(private needs: HostnameRecordsNeeds) {}

  isPrivate = (hostname: string): boolean => this.needs.privateZones.some((zone) => isWithin(withoutWildcard(hostname), zone))

  /** Looks now. Throws `rate_limited`. */
  async read(personId: string, name: ClaimedName) {
    const { world, usual, take, now } = this.needs
    const { hostname, ownership, challenge } = name
    const checkedAt = () => new Date(now()).toISOString()
    // The world's DNS has nothing to say of these, and is not asked.
    if (this.isPrivate(hostname))
      return { hostname, private: true, zone: null, provider: null, records: [], all_propagated: null, checked_at: checkedAt() }
    take(personId)
    const place = await world.surroundings(hostname)
    const text = (host: string, value: string): DnsRecord => ({ host, type: "TXT", value, ttl: ttlSeconds })
    const wanted: { purpose: RecordPurpose; record: DnsRecord }[] = [
      ...(ownership === undefined ? [] : [{ purpose: "ownership" as const, record: text(ownership.name, ownership.value) }]),
      ...(name.address ?? usual(hostname, place)).map((record) => ({ purpose: "address" as const, record })),
      ...(challenge === undefined
        ? []
        : [{ purpose: "challenge" as const, record: { ...text(challenge.name, challenge.value), type: "CNAME" as const } }]),
    ]
    const reports = await world.judge(wanted.map(({ record }) => record))
    const records = wanted.map(({ purpose, record }, index) =>
      Object.assign(
        { purpose, host_field: hostField(place.detected, place.zone ?? place.apex, record.host) },
        record,
        seen(reports[index]),
      ),
    )
    return {
      hostname,
      private: false,
      zone: place.zone ?? null,
      provider: providerReply(place.detected, place.nameServers),
      records,
      all_propagated: records.every(({ propagated }) => propagated),
      checked_at: checkedAt(),
    }
  }
}

function seen(report: RecordReport | undefined) {
  const { propagated = false, observedValue = null, explanation = "", authorities = [], recursives = [] } = report ?? {}
  return {
    propagated,
    observed_value: observedValue,
    explanation,
    authorities,
    recursives: recursives.map(({ ttlLeftSeconds, ...rest }) => Object.assign(rest, { ttl_left: ttlLeftSeconds ?? null })),
  }
}

/** Who runs the zone, as the APIs show it. */
export function providerReply(detected: DetectedProvider | undefined, nameServers: string[]) {
  return {
    key: detected?.key ?? null,
    name: detected?.name ?? null,
    logo_url: null,
    nameservers: nameServers,
    confidence: detected?.confidence ?? "none",
    control_panel_url: detected?.control_panel_url ?? null,
    host_form: detected?.host_form ?? "at",
  }
}
