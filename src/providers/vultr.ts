import { isWithin } from "../hostname"
import { parseToken } from "./credential"
import { type ApiAnswer, type Fields, fieldsOf, HttpApi, numberOf, textOf } from "./http-api"
import { apart, together } from "./priority-value"
import { type DnsProvider, type EditableZone, type ProviderAdapter, ProviderFault, type RecordSet, type RecordSetType } from "./provider"
import { replaceRecords, type StoredRecord } from "./record-list"
import { absoluteName, relativeName, requireWithin, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName, canonicalValue } from "./record-value"

const itemsAPage = 500
// The documents name no bounds; these are what others were seen to use.
const minTtlSeconds = 120
const maxTtlSeconds = 86_400

/** Vultr DNS (API v2): records one by one, changed in place; texts without quotes and backslashes only. */
export const vultr: ProviderAdapter = {
  key: "vultr",
  name: "Vultr",
  credentialHint: "an API key, whose access control lets this server's addresses in",
  docsUrl: "https://docs.vultr.com/platform/other/api/regenerate-api-key",
  madeAt: "https://my.vultr.com/settings/#settingsapi",
  fields: [{ key: "token", label: "API Key", isSecret: true }],
  rights: ["Of a user who may manage DNS", "Access Control that lets this server's addresses in"],
  open(credential, options = {}) {
    const token = parseToken(credential, vultr)
    return new Vultr(
      new HttpApi({
        provider: "Vultr",
        baseUrl: options.baseUrl ?? "https://api.vultr.com/v2",
        headers: { authorization: `Bearer ${token}` },
        secrets: [token],
        judge,
      }),
    )
  },
}

class Vultr implements DnsProvider {
  constructor(private api: HttpApi) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    let best = ""
    for (const { domain } of await this.list("/domains", "domains", signal)) {
      const name = textOf(domain)
      if (isWithin(hostname, canonicalName(name)) && name.length > best.length) best = name
    }
    return best === "" ? undefined : { id: best, name: canonicalName(best), minTtlSeconds }
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    const at = requireWithin(zone, name)
    return setOf(at, type, await this.recordsAt(zone, at, type, signal))
  }

  async replaceSet(zone: EditableZone, given: RecordSet, signal: AbortSignal): Promise<void> {
    const set = setWithin(zone, { ...given, ttlSeconds: ttlWithin(given.ttlSeconds, minTtlSeconds, maxTtlSeconds) })
    if (set.type === "TXT" && set.values.some((value) => /["\\]/.test(value))) {
      throw new ProviderFault("refused", `Vultr has no texts with quotes or backslashes, which one of ${set.name} has`)
    }
    const path = `/domains/${encodeURIComponent(zone.id)}/records`
    const name = relativeName(zone, set.name, "")
    const fields = (value: string, ttl: number): Fields => {
      const { content, priority } = apart(set.type, value)
      return { name, data: set.type === "TXT" ? `"${content}"` : content, ttl, ...(priority === undefined ? {} : { priority }) }
    }
    await replaceRecords(await this.recordsAt(zone, set.name, set.type, signal), set, {
      create: async (value, ttl) => {
        await this.api.call("POST", path, { json: { type: set.type, ...fields(value, ttl) }, signal, handed: [] })
      },
      update: async ({ id }, value, ttl) => {
        await this.api.call("PATCH", `${path}/${id}`, { json: fields(value, ttl), signal, handed: [] })
      },
      remove: async ({ id }) => void (await this.api.call("DELETE", `${path}/${id}`, { signal })),
    })
  }

  private async recordsAt(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<StoredRecord[]> {
    const records = await this.list(`/domains/${encodeURIComponent(zone.id)}/records`, "records", signal)
    return records
      .filter((record) => record.type === type && absoluteName(zone, textOf(record.name)) === name)
      .map((record) => ({
        id: encodeURIComponent(textOf(record.id)),
        value: valueOf(type, record),
        ttlSeconds: numberOf(record.ttl, minTtlSeconds),
      }))
  }

  private async list(path: string, key: string, signal: AbortSignal): Promise<Fields[]> {
    const items: Fields[] = []
    let cursor: string | undefined
    do {
      const answer = await this.api.call("GET", path, { query: { per_page: itemsAPage, cursor }, signal, handed: [] })
      items.push(...answer.list(key))
      cursor = textOf(fieldsOf(fieldsOf(answer.object().meta).links).next) || undefined
    } while (cursor !== undefined)
    return items
  }
}

function valueOf(type: RecordSetType, { data, priority }: Fields): string {
  const text = textOf(data)
  if (type === "TXT") return /^".*"$/s.test(text) ? text.slice(1, -1) : text
  return canonicalValue(type, together(type, { content: text, priority: numberOf(priority, 0) }))
}

function judge(answer: ApiAnswer) {
  if (answer.status < 400) return undefined
  // `{"error": "…", "status": 401}`, of which the number is known already.
  return { words: textOf(fieldsOf(answer.value()).error) || undefined }
}
