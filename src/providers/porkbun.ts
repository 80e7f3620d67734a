import { isWithin } from "../hostname"
import { joined, parseParts } from "./credential"
import { type ApiAnswer, type Fields, fieldsOf, HttpApi, type Judgement, numberOf, textOf } from "./http-api"
import { apart, together } from "./priority-value"
import { type DnsProvider, type EditableZone, type ProviderAdapter, ProviderFault, type RecordSet, type RecordSetType } from "./provider"
import { replaceRecords, type StoredRecord } from "./record-list"
import { relativeName, requireWithin, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName, canonicalValue } from "./record-value"

const minTtlSeconds = 600
const maxTtlSeconds = 2_147_483_647
const domainsAPage = 1000

/** Porkbun (API v3): every call is a POST that carries the keys in its body; records one by one, changed in place. */
export const porkbun: ProviderAdapter = {
  key: "porkbun",
  name: "Porkbun",
  credentialHint: "apikey:secretapikey, with API access switched on for the domain",
  docsUrl: "https://kb.porkbun.com/article/190-getting-started-with-the-porkbun-api",
  madeAt: "https://porkbun.com/account/api",
  fields: [
    { key: "apikey", label: "API Key", hint: "It begins with pk1_." },
    { key: "secretapikey", label: "Secret API Key", hint: "It begins with sk1_.", isSecret: true },
  ],
  rights: ["API Access switched on in the details of the domain"],
  compose: joined(":", "apikey", "secretapikey"),
  open(credential, options = {}) {
    const [apikey = "", secretapikey = ""] = parseParts(credential, porkbun, 2)
    const api = new HttpApi({
      provider: "Porkbun",
      baseUrl: options.baseUrl ?? "https://api.porkbun.com/api/json/v3",
      secrets: [apikey, secretapikey],
      judge,
    })
    return new Porkbun(api, { apikey, secretapikey })
  },
}

class Porkbun implements DnsProvider {
  constructor(
    private api: HttpApi,
    private keys: Fields,
  ) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    let best: Fields | undefined
    for (let start = 0; ; start += domainsAPage) {
      const domains = (await this.call("/domain/listAll", { start: String(start) }, signal)).list("domains")
      for (const domain of domains) {
        const name = textOf(domain.domain)
        if (isWithin(hostname, canonicalName(name)) && name.length > textOf(best?.domain).length) best = domain
      }
      if (domains.length < domainsAPage) break
    }
    if (best === undefined) return undefined
    const name = canonicalName(textOf(best.domain))
    // Shown by newer versions of the API only.
    if (best.apiAccess !== undefined && numberOf(best.apiAccess, 1) === 0) {
      throw new ProviderFault("refused", `API access is switched off for ${name} at Porkbun`)
    }
    return { id: name, name, minTtlSeconds }
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    const at = requireWithin(zone, name)
    return setOf(at, type, storedOf(await this.recordsAt(zone, at, signal), type))
  }

  async replaceSet(zone: EditableZone, given: RecordSet, signal: AbortSignal): Promise<void> {
    const set = setWithin(zone, { ...given, ttlSeconds: ttlWithin(given.ttlSeconds, minTtlSeconds, maxTtlSeconds) })
    const present = await this.recordsAt(zone, set.name, signal)
    if (["A", "AAAA", "CNAME"].includes(set.type) && set.values.length > 0 && present.some(({ type }) => type === "ALIAS")) {
      throw new ProviderFault("refused", `${set.name} has an ALIAS record at Porkbun, which has to be removed there first`)
    }
    const domain = encodeURIComponent(zone.id)
    const name = relativeName(zone, set.name, "")
    const fieldsFor = (value: string, ttl: number): Fields => {
      const { content, priority } = apart(set.type, value)
      return { name, type: set.type, content, ttl: String(ttl), ...(priority === undefined ? {} : { prio: String(priority) }) }
    }
    await replaceRecords(storedOf(present, set.type), set, {
      create: async (value, ttl) => void (await this.call(`/dns/create/${domain}`, fieldsFor(value, ttl), signal)),
      update: async ({ id }, value, ttl) => void (await this.call(`/dns/edit/${domain}/${id}`, fieldsFor(value, ttl), signal)),
      remove: async ({ id }) => void (await this.call(`/dns/delete/${domain}/${id}`, {}, signal)),
    })
  }

  /** Every record at the name, of whatever type: the API allows about one call a second, so one call has to tell all. */
  private async recordsAt(zone: EditableZone, name: string, signal: AbortSignal): Promise<Fields[]> {
    const records = (await this.call(`/dns/retrieve/${encodeURIComponent(zone.id)}`, {}, signal)).list("records")
    return records.filter((record) => canonicalName(textOf(record.name)) === name)
  }

  private call(path: string, fields: Fields, signal: AbortSignal): Promise<ApiAnswer> {
    return this.api.call("POST", path, { json: { ...this.keys, ...fields }, signal, handed: [] })
  }
}

function storedOf(records: Fields[], type: RecordSetType): StoredRecord[] {
  return records
    .filter((record) => record.type === type)
    .map(({ id, content, prio, ttl }) => ({
      id: encodeURIComponent(textOf(id)),
      value: canonicalValue(type, together(type, { content: textOf(content), priority: numberOf(prio, 0) })),
      ttlSeconds: numberOf(ttl, minTtlSeconds),
    }))
}

function judge(answer: ApiAnswer): Judgement | undefined {
  const { status, message, code, ttlRemaining } = fieldsOf(answer.value())
  if (status !== "ERROR") return undefined
  const words = textOf(message)
  const kind = textOf(code)
  if (/^INVALID_API_KEYS|^DOMAIN_NOT_ALLOWED/.test(kind) || /invalid api key|require an api key|not opted in/i.test(words)) {
    return { reason: "denied", words }
  }
  if (kind === "RATE_LIMIT_EXCEEDED" || answer.status === 429) {
    const seconds = numberOf(ttlRemaining, Number.NaN)
    return { reason: "rate_limited", words, retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : undefined }
  }
  return { reason: answer.status >= 500 ? "unreachable" : "refused", words }
}
