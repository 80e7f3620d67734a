import { zoneNamesAround } from "../hostname"
import { parseToken } from "./credential"
import { type Fields, HttpApi, numberOf, textOf } from "./http-api"
import type { DnsProvider, EditableZone, ProviderAdapter, RecordSet, RecordSetType } from "./provider"
import { replaceRecords, type StoredRecord } from "./record-list"
import { relativeName, requireWithin, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName, canonicalValue, joinCaa, joinMx, joinSrv, splitCaa, splitMx, splitSrv } from "./record-value"

const minTtlSeconds = 30
const maxTtlSeconds = 2_147_483_647
const usualTtlSeconds = 1800
const recordsPerPage = 200
const maxPages = 50
const nameServers = ["ns1.digitalocean.com", "ns2.digitalocean.com", "ns3.digitalocean.com"]

/** DigitalOcean (https://docs.digitalocean.com/reference/api): single records with ids, which can be changed in place. */
export const digitalocean: ProviderAdapter = {
  key: "digitalocean",
  name: "DigitalOcean",
  credentialHint: "a personal access token with the scopes domain:read, domain:create, domain:update and domain:delete",
  docsUrl: "https://docs.digitalocean.com/reference/api/create-personal-access-token/",
  madeAt: "https://cloud.digitalocean.com/account/api/tokens",
  fields: [{ key: "token", label: "Personal access token", isSecret: true }],
  rights: ["domain:read", "domain:create", "domain:update", "domain:delete"],
  open(credential, options = {}) {
    const token = parseToken(credential, digitalocean)
    return new DigitalOcean(
      new HttpApi({
        provider: "DigitalOcean",
        baseUrl: options.baseUrl ?? "https://api.digitalocean.com/v2",
        headers: { authorization: `Bearer ${token}` },
        secrets: [token],
      }),
    )
  },
}

class DigitalOcean implements DnsProvider {
  constructor(private api: HttpApi) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    for (const name of zoneNamesAround(hostname)) {
      const answer = await this.api.call("GET", `/domains/${name}`, { signal })
      if (answer.status !== 404) return { id: name, name, nameServers }
    }
    return undefined
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    return setOf(name, type, await this.recordsOf(zone, requireWithin(zone, name), type, signal))
  }

  async replaceSet(zone: EditableZone, given: RecordSet, signal: AbortSignal): Promise<void> {
    const set = setWithin(zone, { ...given, ttlSeconds: ttlWithin(given.ttlSeconds, minTtlSeconds, maxTtlSeconds) })
    const path = `/domains/${zone.id}/records`
    const fields = (value: string, ttl: number) => ({
      name: relativeName(zone, set.name),
      type: set.type,
      ttl,
      ...fieldsOf(set.type, value),
    })
    await replaceRecords(await this.recordsOf(zone, set.name, set.type, signal), set, {
      create: async (value, ttl) => void (await this.api.call("POST", path, { json: fields(value, ttl), signal, handed: [] })),
      update: async ({ id }, value, ttl) =>
        void (await this.api.call("PUT", `${path}/${id}`, { json: fields(value, ttl), signal, handed: [] })),
      remove: async ({ id }) => void (await this.api.call("DELETE", `${path}/${id}`, { signal })),
    })
  }

  private async recordsOf(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<StoredRecord[]> {
    const found: StoredRecord[] = []
    for (let page = 1; page <= maxPages; page++) {
      const query = { name, type, page, per_page: recordsPerPage }
      const records = (await this.api.call("GET", `/domains/${zone.id}/records`, { query, signal, handed: [] })).list("domain_records")
      for (const record of records.filter((candidate) => candidate.type === type && isAt(zone, candidate, name))) {
        found.push({ id: textOf(record.id), value: valueOf(zone, type, record), ttlSeconds: numberOf(record.ttl, usualTtlSeconds) })
      }
      if (records.length < recordsPerPage) break
    }
    return found
  }
}

function isAt(zone: EditableZone, record: Fields, name: string): boolean {
  return canonicalName(textOf(record.name)) === relativeName(zone, name)
}

/** Names are absolute with a trailing dot only, and the text of a CAA wants one too, though it is no name. */
function fieldsOf(type: RecordSetType, value: string): Fields {
  if (type === "CNAME") return { data: `${value}.` }
  if (type === "MX") {
    const { preference, host } = splitMx(value)
    return { priority: preference, data: absolute(host) }
  }
  if (type === "SRV") {
    const { host, ...numbers } = splitSrv(value)
    return { ...numbers, data: absolute(host) }
  }
  if (type === "CAA") {
    const { flags, tag, text } = splitCaa(value)
    return { flags, tag, data: text === ";" ? text : `${text}.` }
  }
  return { data: value }
}

const absolute = (host: string) => (host === "." ? host : `${host}.`)

function valueOf(zone: EditableZone, type: RecordSetType, record: Fields): string {
  const data = textOf(record.data)
  if (type === "TXT" || type === "A" || type === "AAAA") return canonicalValue(type, data)
  const number = (field: unknown) => numberOf(field, 0)
  if (type === "CAA") return joinCaa({ flags: number(record.flags), tag: textOf(record.tag), text: data.replace(/\.$/, "") })
  const host = data === "@" ? zone.name : data
  if (type === "MX") return joinMx({ preference: number(record.priority), host })
  if (type === "SRV") return joinSrv({ priority: number(record.priority), weight: number(record.weight), port: number(record.port), host })
  return canonicalName(host)
}
