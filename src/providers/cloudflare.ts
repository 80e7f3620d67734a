import { zoneNamesAround } from "../hostname"
import { CloudflareApi, automaticTtl, valueOf } from "./cloudflare-api"
import { parseToken } from "./credential"
import type { DnsProvider, EditableZone, ProviderAdapter, RecordSet, RecordSetType } from "./provider"
import { requireWithin, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName } from "./record-value"

const automaticTtlSeconds = 300
const minTtlSeconds = 60
const maxTtlSeconds = 86_400

/** Cloudflare, by its official library; what is written is DNS-only, and every replacement is one transaction. */
export const cloudflare: ProviderAdapter = {
  key: "cloudflare",
  name: "Cloudflare",
  credentialHint: "an API token with the permission Zone / DNS / Edit on the zone",
  docsUrl: "https://developers.cloudflare.com/fundamentals/api/get-started/create-token/",
  madeAt: "https://dash.cloudflare.com/profile/api-tokens",
  fields: [{ key: "token", label: "API token", isSecret: true }],
  rights: ["Zone · Zone · Read", "Zone · DNS · Edit"],
  open: (credential, options = {}) => new Cloudflare(new CloudflareApi(parseToken(credential, cloudflare), options.baseUrl)),
}

class Cloudflare implements DnsProvider {
  constructor(private api: CloudflareApi) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    for (const name of zoneNamesAround(hostname)) {
      const { zones } = await this.api.zones({ name }, signal)
      const zone = zones.find((candidate) => canonicalName(candidate.name) === name)
      if (zone) return { id: zone.id, name, nameServers: zone.name_servers?.map(canonicalName) }
    }
    return undefined
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    const records = await this.api.recordsAt(zone.id, requireWithin(zone, name), signal)
    return setOf(
      name,
      type,
      records
        .filter((record) => record.type === type)
        .map((record) => ({ value: valueOf(record), ttlSeconds: record.ttl === automaticTtl ? automaticTtlSeconds : record.ttl })),
    )
  }

  replaceSet(zone: EditableZone, set: RecordSet, signal: AbortSignal): Promise<void> {
    return this.replaceSets(zone, [set], signal)
  }

  async replaceSets(zone: EditableZone, given: RecordSet[], signal: AbortSignal): Promise<void> {
    const sets = given.map((set) => setWithin(zone, { ...set, ttlSeconds: ttlWithin(set.ttlSeconds, minTtlSeconds, maxTtlSeconds) }))
    await this.api.replace(zone.id, sets, signal)
  }
}
