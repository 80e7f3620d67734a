import { parseToken } from "./credential"
import { type Fields, HttpApi, numberOf, textOf } from "./http-api"
import type { DnsProvider, EditableZone, ProviderAdapter, RecordSet, RecordSetType } from "./provider"
import { relativeName, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName, fromZoneFile, zoneFileValue } from "./record-value"

const usualMinTtlSeconds = 3600
const maxTtlSeconds = 604_800

/** deSEC (https://desec.readthedocs.io): its API has RRsets itself, and takes several of them in one transaction. */
export const desec: ProviderAdapter = {
  key: "desec",
  name: "deSEC",
  credentialHint: "an API token, whose policies may be limited to the domain",
  docsUrl: "https://desec.readthedocs.io/en/latest/auth/tokens.html",
  madeAt: "https://desec.io/tokens",
  fields: [{ key: "token", label: "Token", isSecret: true }],
  rights: ["Write access to the domain's records; a token policy may limit it to that domain"],
  open(credential, options = {}) {
    const token = parseToken(credential, desec)
    return new Desec(
      new HttpApi({
        provider: "deSEC",
        baseUrl: options.baseUrl ?? "https://desec.io/api/v1",
        headers: { authorization: `Token ${token}` },
        secrets: [token],
      }),
    )
  },
}

class Desec implements DnsProvider {
  constructor(private api: HttpApi) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    const answer = await this.api.call("GET", "/domains/", { query: { owns_qname: hostname }, signal, handed: [] })
    const [domain] = answer.list()
    if (domain === undefined) return undefined
    const name = canonicalName(textOf(domain.name))
    return { id: name, name, minTtlSeconds: numberOf(domain.minimum_ttl, usualMinTtlSeconds) }
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    const answer = await this.api.call("GET", `/domains/${zone.id}/rrsets/${relativeName(zone, name)}/${type}/`, { signal })
    if (answer.status === 404) return undefined
    const { records, ttl } = answer.object()
    const values = Array.isArray(records) ? records.map(textOf) : []
    return setOf(
      name,
      type,
      values.map((value) => ({ value: fromZoneFile(type, value), ttlSeconds: numberOf(ttl, usualMinTtlSeconds) })),
    )
  }

  replaceSet(zone: EditableZone, set: RecordSet, signal: AbortSignal): Promise<void> {
    return this.replaceSets(zone, [set], signal)
  }

  async replaceSets(zone: EditableZone, sets: RecordSet[], signal: AbortSignal): Promise<void> {
    const least = zone.minTtlSeconds ?? usualMinTtlSeconds
    const json = sets.map((given): Fields => {
      const set = setWithin(zone, given)
      return {
        subname: relativeName(zone, set.name, ""),
        type: set.type,
        ttl: ttlWithin(set.ttlSeconds, least, maxTtlSeconds),
        records: set.values.map((value) => zoneFileValue(set.type, value)),
      }
    })
    await this.api.call("PUT", `/domains/${zone.id}/rrsets/`, { json, signal, handed: [] })
  }
}
