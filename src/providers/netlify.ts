import { closestZone } from "../hostname"
import { parseToken } from "./credential"
import { type Fields, HttpApi, numberOf, textOf } from "./http-api"
import type { DnsProvider, EditableZone, ProviderAdapter, RecordSet, RecordSetType } from "./provider"
import { replaceRecords, type StoredRecord } from "./record-list"
import { requireWithin, setOf, setWithin } from "./record-set"
import { canonicalName, canonicalValue, joinCaa, joinMx, joinSrv, splitCaa, splitMx, splitSrv } from "./record-value"

const usualTtlSeconds = 3600
const zonesPerPage = 100
const maxPages = 100

/** Netlify DNS (https://open-api.netlify.com): single records with ids that are made and removed but never changed. */
export const netlify: ProviderAdapter = {
  key: "netlify",
  name: "Netlify",
  credentialHint: "a personal access token of somebody who may edit the domain's DNS zone at Netlify",
  docsUrl: "https://docs.netlify.com/api/get-started/#authentication",
  madeAt: "https://app.netlify.com/user/applications#personal-access-tokens",
  fields: [{ key: "token", label: "Personal access token", isSecret: true }],
  rights: ["Of somebody who may edit the zone in Netlify DNS"],
  open(credential, options = {}) {
    const token = parseToken(credential, netlify)
    return new Netlify(
      new HttpApi({
        provider: "Netlify",
        baseUrl: options.baseUrl ?? "https://api.netlify.com/api/v1",
        headers: { authorization: `Bearer ${token}` },
        secrets: [token],
      }),
    )
  },
}

class Netlify implements DnsProvider {
  constructor(private api: HttpApi) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    const found: EditableZone[] = []
    for (let page = 1; page <= maxPages; page++) {
      const zones = (await this.api.call("GET", "/dns_zones", { query: { page, per_page: zonesPerPage }, signal, handed: [] })).list()
      for (const { id, name, dns_servers: servers } of zones) {
        const nameServers = Array.isArray(servers) ? servers.map((server) => canonicalName(textOf(server))) : undefined
        found.push({ id: textOf(id), name: canonicalName(textOf(name)), nameServers })
      }
      if (zones.length < zonesPerPage) break
    }
    return closestZone(hostname, found)
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    return setOf(name, type, await this.recordsOf(zone, requireWithin(zone, name), type, signal))
  }

  async replaceSet(zone: EditableZone, given: RecordSet, signal: AbortSignal): Promise<void> {
    const set = setWithin(zone, given)
    const path = pathOf(zone)
    await replaceRecords(await this.recordsOf(zone, set.name, set.type, signal), set, {
      create: async (value, ttl) => {
        const json = { type: set.type, hostname: set.name, ttl, ...fieldsFor(set.type, value) }
        await this.api.call("POST", path, { json, signal, handed: [] })
      },
      remove: async ({ id }) => void (await this.api.call("DELETE", `${path}/${encodeURIComponent(id)}`, { signal })),
    })
  }

  private async recordsOf(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<StoredRecord[]> {
    const records = (await this.api.call("GET", pathOf(zone), { signal, handed: [] })).list()
    return records
      .filter((record) => record.type === type && canonicalName(textOf(record.hostname)) === name)
      .map((record) => ({ id: textOf(record.id), value: valueOf(type, record), ttlSeconds: numberOf(record.ttl, usualTtlSeconds) }))
  }
}

const pathOf = (zone: EditableZone) => `/dns_zones/${encodeURIComponent(zone.id)}/dns_records`

function fieldsFor(type: RecordSetType, value: string): Fields {
  if (type === "MX") {
    const { preference, host } = splitMx(value)
    return { priority: preference, value: host }
  }
  if (type === "SRV") {
    const { host, ...numbers } = splitSrv(value)
    return { ...numbers, value: host }
  }
  if (type === "CAA") {
    const { flags, tag, text } = splitCaa(value)
    return { flag: flags, tag, value: text }
  }
  return { value }
}

function valueOf(type: RecordSetType, record: Fields): string {
  const value = textOf(record.value)
  const number = (field: unknown) => numberOf(field, 0)
  if (type === "MX") return joinMx({ preference: number(record.priority), host: value })
  if (type === "SRV")
    return joinSrv({ priority: number(record.priority), weight: number(record.weight), port: number(record.port), host: value })
  if (type === "CAA") return joinCaa({ flags: number(record.flag), tag: textOf(record.tag), text: value })
  return canonicalValue(type, value)
}
