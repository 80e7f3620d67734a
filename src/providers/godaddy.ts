import { isWithin } from "../hostname"
import { joined, parseParts } from "./credential"
import { type ApiAnswer, type Fields, fieldsOf, HttpApi, type Judgement, numberOf, textOf } from "./http-api"
import { type DnsProvider, type EditableZone, type ProviderAdapter, ProviderFault, type RecordSet, type RecordSetType } from "./provider"
import { relativeName, requireWithin, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName, canonicalValue, joinMx, joinSrv, splitMx, splitSrv } from "./record-value"

const domainsAPage = 1000
const usualTtlSeconds = 3600
// The documents name no bounds: these are the ones that others were seen to keep to.
const minTtlSeconds = 600
const maxTtlSeconds = 86_400

/**
 * GoDaddy Domains API (v1): the records of one type and name are replaced by one PUT and removed by one DELETE; no CAA. SRV records are kept by their
 * host without service and protocol, so those of other services at that host are written again with them.
 */
export const godaddy: ProviderAdapter = {
  key: "godaddy",
  name: "GoDaddy",
  credentialHint: "key:secret of a production API key",
  docsUrl: "https://developer.godaddy.com/keys",
  madeAt: "https://developer.godaddy.com/keys",
  fields: [
    { key: "key", label: "Key", hint: "Of the production environment." },
    { key: "secret", label: "Secret", isSecret: true },
  ],
  rights: ["The account that holds the domain; GoDaddy opens its API to accounts of some size only"],
  compose: joined(":", "key", "secret"),
  open(credential, options = {}) {
    const [key = "", secret = ""] = parseParts(credential, godaddy, 2)
    return new Godaddy(
      new HttpApi({
        provider: "GoDaddy",
        baseUrl: options.baseUrl ?? "https://api.godaddy.com",
        headers: { authorization: `sso-key ${key}:${secret}` },
        secrets: [key, secret],
        judge,
      }),
    )
  },
}

class Godaddy implements DnsProvider {
  constructor(private api: HttpApi) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    const names = await this.domainNames(signal)
    let best = ""
    for (const name of names) if (isWithin(hostname, canonicalName(name)) && name.length > best.length) best = name
    return best === "" ? undefined : { id: best, name: canonicalName(best), minTtlSeconds }
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    const at = requireWithin(zone, name)
    // There is none of a type that the API does not know.
    if (type === "CAA") return undefined
    const place = placeOf(zone, at, type)
    if (place === undefined) return undefined
    const records = (await this.recordsAt(place, signal)).filter((record) => isAt(place, record))
    return setOf(
      at,
      type,
      records.map((record) => ({ value: valueOf(type, record), ttlSeconds: numberOf(record.ttl, usualTtlSeconds) })),
    )
  }

  async replaceSet(zone: EditableZone, given: RecordSet, signal: AbortSignal): Promise<void> {
    const set = setWithin(zone, { ...given, ttlSeconds: ttlWithin(given.ttlSeconds, minTtlSeconds, maxTtlSeconds) })
    if (set.type === "CAA") throw new ProviderFault("refused", `GoDaddy's API has no CAA records, which ${set.name} should have`)
    const place = placeOf(zone, set.name, set.type)
    if (place === undefined)
      throw new ProviderFault("refused", `GoDaddy has SRV records at _service._protocol.host only, not at ${set.name}`)
    const neighbours = set.type === "SRV" ? (await this.recordsAt(place, signal)).filter((record) => !isAt(place, record)) : []
    const json = [...neighbours.map(copyOf), ...set.values.map((value) => fieldsOfRecord(set, value, place))]
    // A PUT of nothing is not documented. A DELETE of nothing is a 404, which is as well.
    if (json.length > 0) await this.api.call("PUT", place.path, { json, signal, handed: [] })
    else await this.api.call("DELETE", place.path, { signal })
  }

  private async recordsAt({ path }: Place, signal: AbortSignal): Promise<Fields[]> {
    return (await this.api.call("GET", path, { signal, handed: [] })).list()
  }

  private async domainNames(signal: AbortSignal): Promise<Set<string>> {
    const names = new Set<string>()
    for (let marker: string | undefined; ;) {
      const query = { statuses: "ACTIVE", limit: domainsAPage, marker }
      const domains = (await this.api.call("GET", "/v1/domains", { query, signal, handed: [] })).list()
      const before = names.size
      for (const { domain } of domains) names.add(textOf(domain))
      marker = textOf(domains.at(-1)?.domain)
      // Whether the marked domain itself comes again is not said, so only a page without news is the end for certain.
      if (domains.length < domainsAPage || names.size === before) return names
    }
  }
}

/** Where the API has the records of a name; service and protocol of an SRV are not in the path. */
type Place = { path: string; service?: string; protocol?: string }

function placeOf(zone: EditableZone, name: string, type: RecordSetType): Place | undefined {
  const path = (relative: string) => `/v1/domains/${encodeURIComponent(zone.id)}/records/${type}/${encodeURIComponent(relative)}`
  if (type !== "SRV") return { path: path(relativeName(zone, name)) }
  const [, service, protocol, host] = /^(_[^.]+)\.(_[^.]+)(?:\.(.+))?$/.exec(relativeName(zone, name, "")) ?? []
  return service === undefined ? undefined : { path: path(host ?? "@"), service, protocol }
}

const isAt = ({ service, protocol }: Place, record: Fields) =>
  service === undefined || (textOf(record.service).toLowerCase() === service && textOf(record.protocol).toLowerCase() === protocol)

/** A record as the API takes it again at its type and name. */
const copyOf = ({ data, ttl, priority, weight, port, service, protocol }: Fields): Fields => ({
  data,
  ttl,
  priority,
  weight,
  port,
  service,
  protocol,
})

function fieldsOfRecord({ type, ttlSeconds }: RecordSet, value: string, { service, protocol }: Place): Fields {
  if (type === "MX") {
    const { preference, host } = splitMx(value)
    return { data: host, priority: preference, ttl: ttlSeconds }
  }
  if (type === "SRV") {
    const { priority, weight, port, host } = splitSrv(value)
    return { data: host, priority, weight, port, service, protocol, ttl: ttlSeconds }
  }
  return { data: value, ttl: ttlSeconds }
}

function valueOf(type: RecordSetType, { data, priority, weight, port }: Fields): string {
  const host = textOf(data)
  const number = (value: unknown) => numberOf(value, 0)
  if (type === "MX") return joinMx({ preference: number(priority), host })
  if (type === "SRV") return joinSrv({ priority: number(priority), weight: number(weight), port: number(port), host })
  return canonicalValue(type, host)
}

function judge(answer: ApiAnswer): Judgement | undefined {
  if (answer.status !== 429) return undefined
  const seconds = numberOf(fieldsOf(answer.value()).retryAfterSec, Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? { retryAfterMs: seconds * 1000 } : undefined
}
