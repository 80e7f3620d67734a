import { zoneNamesAround } from "../hostname"
import { parseToken } from "./credential"
import { type Fields, HttpApi, numberOf, textOf } from "./http-api"
import { type DnsProvider, type EditableZone, type ProviderAdapter, ProviderFault, type RecordSet, type RecordSetType } from "./provider"
import { replaceRecords, type StoredRecord } from "./record-list"
import { absoluteName, relativeName, requireWithin, setOf, setWithin } from "./record-set"
import { canonicalName, canonicalValue, joinCaa, joinMx, joinSrv, splitCaa, splitMx, splitSrv } from "./record-value"

const itemsAPage = 500
/** What the API takes; it rounds others by itself, and then no two readings of a set would agree. */
const ttlSteps = [300, 3600, 7200, 14_400, 28_800, 57_600, 86_400, 172_800, 345_600, 604_800, 1_209_600, 2_419_200]
/** A TTL of 0 is the domain's own, which is this where nothing was set. */
const usualTtlSeconds = 86_400

/** Linode DNS Manager (API v4): records one by one, changed in place, with TTLs in steps; SRV records of the domain itself only, CAA without flags. */
export const linode: ProviderAdapter = {
  key: "linode",
  name: "Linode",
  credentialHint: "a personal access token with the scope Domains: Read/Write",
  docsUrl: "https://techdocs.akamai.com/cloud-computing/docs/manage-personal-access-tokens",
  madeAt: "https://cloud.linode.com/profile/tokens",
  fields: [{ key: "token", label: "Personal access token", isSecret: true }],
  rights: ["Domains: Read/Write"],
  open(credential, options = {}) {
    const token = parseToken(credential, linode)
    return new Linode(
      new HttpApi({
        provider: "Linode",
        baseUrl: options.baseUrl ?? "https://api.linode.com/v4",
        headers: { authorization: `Bearer ${token}` },
        secrets: [token],
      }),
    )
  },
}

class Linode implements DnsProvider {
  constructor(private api: HttpApi) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    const names = zoneNamesAround(hostname)
    const domains = await this.list("/domains", { "+or": names.map((domain) => ({ domain })) }, signal)
    // A `slave` gets its records from elsewhere.
    const editable = domains.filter(({ type }) => type === "master")
    for (const name of names) {
      const found = editable.find(({ domain }) => canonicalName(textOf(domain)) === name)
      if (found) return { id: textOf(found.id), name }
    }
    return undefined
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    const at = requireWithin(zone, name)
    return setOf(at, type, await this.recordsAt(zone, at, type, signal))
  }

  async replaceSet(zone: EditableZone, given: RecordSet, signal: AbortSignal): Promise<void> {
    const set = setWithin(zone, { ...given, ttlSeconds: nearestStep(given.ttlSeconds) })
    const path = `/domains/${encodeURIComponent(zone.id)}/records`
    const fieldsFor = set.values.map((value) => [value, fieldsOfRecord(zone, set, value)] as const)
    const fields = (value: string, ttl_sec: number): Fields => {
      const found = fieldsFor.find(([known]) => known === value)?.[1] ?? fieldsOfRecord(zone, set, value)
      return { ...found, ttl_sec }
    }
    await replaceRecords(await this.recordsAt(zone, set.name, set.type, signal), set, {
      create: async (value, ttl) => {
        const json = { type: set.type, ...fields(value, ttl) }
        const created = (await this.api.call("POST", path, { json, signal, handed: [] })).object()
        // New records were seen with the domain's own TTL, whatever they were made with.
        if (numberOf(created.ttl_sec, ttl) !== ttl) {
          await this.api.call("PUT", `${path}/${encodeURIComponent(textOf(created.id))}`, { json: fields(value, ttl), signal, handed: [] })
        }
      },
      update: async ({ id }, value, ttl) =>
        void (await this.api.call("PUT", `${path}/${id}`, { json: fields(value, ttl), signal, handed: [] })),
      remove: async ({ id }) => void (await this.api.call("DELETE", `${path}/${id}`, { signal })),
    })
  }

  private async recordsAt(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<StoredRecord[]> {
    const records = await this.list(`/domains/${encodeURIComponent(zone.id)}/records`, { type }, signal)
    return records
      .filter((record) => record.type === type && nameOf(zone, record) === name)
      .map((record) => ({
        id: encodeURIComponent(textOf(record.id)),
        value: valueOf(type, record),
        ttlSeconds: numberOf(record.ttl_sec, 0) || usualTtlSeconds,
      }))
  }

  private async list(path: string, filter: object, signal: AbortSignal): Promise<Fields[]> {
    const items: Fields[] = []
    for (let page = 1; ; page++) {
      const headers = { "x-filter": JSON.stringify(filter) }
      const answer = await this.api.call("GET", path, { query: { page, page_size: itemsAPage }, headers, signal, handed: [] })
      items.push(...answer.list("data"))
      if (page >= numberOf(answer.object().pages, 1)) return items
    }
  }
}

const nearestStep = (seconds: number) =>
  ttlSteps.reduce((best, step) => (Math.abs(step - seconds) < Math.abs(best - seconds) ? step : best))

/** The name of an SRV is in its service and protocol, with or without the underscores. */
function nameOf(zone: EditableZone, { type, name, service, protocol }: Fields): string {
  if (type !== "SRV") return absoluteName(zone, textOf(name))
  const label = (text: unknown) => `_${textOf(text).replace(/^_|\.$/g, "")}`.toLowerCase()
  return `${label(service)}.${label(protocol)}.${zone.name}`
}

function fieldsOfRecord(zone: EditableZone, { name, type }: RecordSet, value: string): Fields {
  const relative = relativeName(zone, name, "")
  if (type === "MX") {
    const { preference, host } = splitMx(value)
    return { name: relative, priority: preference, target: host === "." ? "" : host }
  }
  if (type === "SRV") {
    const match = /^_([^.]+)\._([^.]+)$/.exec(relative)
    if (!match) throw new ProviderFault("refused", `Linode has SRV records at _service._protocol.${zone.name} only, not at ${name}`)
    const { priority, weight, port, host } = splitSrv(value)
    return { service: match[1], protocol: match[2], priority, weight, port, target: host }
  }
  if (type === "CAA") {
    const { flags, tag, text } = splitCaa(value)
    if (flags !== 0) throw new ProviderFault("refused", `Linode has CAA records without flags only, not ${value}`)
    return { name: relative, tag, target: text }
  }
  return { name: relative, target: value }
}

function valueOf(type: RecordSetType, record: Fields): string {
  const { target, priority, weight, port, tag } = record
  const number = (value: unknown) => numberOf(value, 0)
  if (type === "MX") return joinMx({ preference: number(priority), host: textOf(target) || "." })
  if (type === "SRV") return joinSrv({ priority: number(priority), weight: number(weight), port: number(port), host: textOf(target) })
  if (type === "CAA") return joinCaa({ flags: 0, tag: textOf(tag), text: textOf(target) })
  return canonicalValue(type, textOf(target))
}
