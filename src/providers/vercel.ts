import { zoneNamesAround } from "../hostname"
import { joined, parseParts } from "./credential"
import { type ApiAnswer, type CallOptions, type Fields, fieldsOf, HttpApi, numberOf, textOf } from "./http-api"
import type { DnsProvider, EditableZone, ProviderAdapter, RecordSet, RecordSetType } from "./provider"
import { replaceRecords, type StoredRecord } from "./record-list"
import { absoluteName, relativeName, requireWithin, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName, canonicalValue, joinMx, splitMx, splitSrv } from "./record-value"

const minTtlSeconds = 60
const maxTtlSeconds = 2_147_483_647
const recordsPerPage = 100
const maxPages = 100

/** Vercel (https://vercel.com/docs/rest-api/dns): single records with ids, which can be changed in place, listed zone by zone. */
export const vercel: ProviderAdapter = {
  key: "vercel",
  name: "Vercel",
  credentialHint: "an access token, and for a domain of a team its id behind a colon: token or token:team_id",
  docsUrl: "https://vercel.com/docs/rest-api#creating-an-access-token",
  madeAt: "https://vercel.com/account/tokens",
  fields: [
    { key: "token", label: "Token", isSecret: true },
    { key: "team_id", label: "Team ID", hint: "Where the domain is a team's; it begins with team_.", isOptional: true },
  ],
  rights: ["A scope that holds the domain", "The domain's name servers are Vercel's"],
  compose: joined(":", "token", "team_id"),
  open(credential, options = {}) {
    const [token = "", teamId] = parseParts(credential, vercel, 1, 2)
    return new Vercel(
      new HttpApi({
        provider: "Vercel",
        baseUrl: options.baseUrl ?? "https://api.vercel.com",
        headers: { authorization: `Bearer ${token}` },
        secrets: [token],
      }),
      teamId,
    )
  },
}

class Vercel implements DnsProvider {
  constructor(
    private api: HttpApi,
    private teamId: string | undefined,
  ) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    for (const name of zoneNamesAround(hostname)) {
      const answer = await this.call("GET", `/v5/domains/${name}`, { signal, handed: [403, 404] })
      if (answer.status === 404) continue
      const { domain, error } = answer.object()
      if (answer.status === 403) {
        // Somebody else's domain has the same status as a token that is none, which alone is called so.
        if (fieldsOf(error).invalidToken === true) throw this.api.fault("denied", "Vercel does not accept the token")
        continue
      }
      const { intendedNameservers: servers } = fieldsOf(domain)
      return { id: name, name, nameServers: Array.isArray(servers) ? servers.map((server) => canonicalName(textOf(server))) : undefined }
    }
    return undefined
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    return setOf(name, type, await this.recordsOf(zone, requireWithin(zone, name), type, signal))
  }

  async replaceSet(zone: EditableZone, given: RecordSet, signal: AbortSignal): Promise<void> {
    const set = setWithin(zone, { ...given, ttlSeconds: ttlWithin(given.ttlSeconds, minTtlSeconds, maxTtlSeconds) })
    const path = `/v2/domains/${zone.id}/records`
    const fields = (value: string, ttl: number) => ({
      name: relativeName(zone, set.name, ""),
      type: set.type,
      ttl,
      ...fieldsFor(set.type, value),
    })
    await replaceRecords(await this.recordsOf(zone, set.name, set.type, signal), set, {
      create: async (value, ttl) => void (await this.call("POST", path, { json: fields(value, ttl), signal, handed: [] })),
      update: async ({ id }, value, ttl) =>
        void (await this.call("PATCH", `/v1/domains/records/${id}`, { json: fields(value, ttl), signal, handed: [] })),
      remove: async ({ id }) => void (await this.call("DELETE", `${path}/${id}`, { signal })),
    })
  }

  private async recordsOf(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<StoredRecord[]> {
    const found: StoredRecord[] = []
    let until: number | undefined
    for (let page = 0; page < maxPages; page++) {
      const query = { limit: recordsPerPage, until }
      const answer = await this.call("GET", `/v5/domains/${zone.id}/records`, { query, signal, handed: [] })
      for (const record of answer.list("records")) {
        if (record.type !== type || absoluteName(zone, textOf(record.name)) !== name) continue
        found.push({ id: textOf(record.id), value: valueOf(type, record), ttlSeconds: numberOf(record.ttl, minTtlSeconds) })
      }
      const next = numberOf(fieldsOf(answer.object().pagination).next, 0)
      if (next === 0) break
      until = next
    }
    return found
  }

  private call(method: string, path: string, options: CallOptions): Promise<ApiAnswer> {
    return this.api.call(method, path, { ...options, query: { ...options.query, teamId: this.teamId } })
  }
}

function fieldsFor(type: RecordSetType, value: string): Fields {
  if (type === "CNAME") return { value: `${value}.` }
  if (type === "MX") {
    const { preference, host } = splitMx(value)
    return { mxPriority: preference, value: host === "." ? host : `${host}.` }
  }
  if (type === "SRV") {
    const { host, ...numbers } = splitSrv(value)
    return { srv: { ...numbers, target: host === "." ? host : `${host}.` } }
  }
  return { value }
}

function valueOf(type: RecordSetType, record: Fields): string {
  const value = textOf(record.value)
  return type === "MX" ? joinMx({ preference: numberOf(record.mxPriority, 0), host: value }) : canonicalValue(type, value)
}
