import { isWithin } from "../hostname"
import { joined, parseParts } from "./credential"
import { type ApiAnswer, type Fields, HttpApi, type Judgement, numberOf, textOf } from "./http-api"
import { apart, together } from "./priority-value"
import { type DnsProvider, type EditableZone, type ProviderAdapter, ProviderFault, type RecordSet, type RecordSetType } from "./provider"
import { replaceRecords, type StoredRecord } from "./record-list"
import { absoluteName, relativeName, requireWithin, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName, canonicalValue, fromZoneFile, quoteText } from "./record-value"

const itemsAPage = 1000
const minTtlSeconds = 300
/** The API's numbers have 32 bits. */
const maxTtlSeconds = 2_147_483_647

/** name.com (Core API v1): records one by one, overwritten in place; no CAA. */
export const namecom: ProviderAdapter = {
  key: "namecom",
  name: "name.com",
  credentialHint: "user:token, the account's user name and an API token",
  docsUrl: "https://www.name.com/support/articles/115010493808-creating-an-api-token",
  fields: [
    { key: "username", label: "Username" },
    { key: "token", label: "API token", isSecret: true },
  ],
  rights: ["The account that holds the domain"],
  compose: joined(":", "username", "token"),
  open(credential, options = {}) {
    const [user = "", token = ""] = parseParts(credential, namecom, 2)
    const basic = Buffer.from(`${user}:${token}`).toString("base64")
    return new Namecom(
      new HttpApi({
        provider: "name.com",
        baseUrl: options.baseUrl ?? "https://api.name.com/core/v1",
        headers: { authorization: `Basic ${basic}` },
        secrets: [token, basic],
        judge,
      }),
    )
  },
}

class Namecom implements DnsProvider {
  constructor(private api: HttpApi) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    let best = ""
    for (const { domainName } of await this.list("/domains", "domains", signal)) {
      const name = textOf(domainName)
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
    if (set.type === "CAA") throw new ProviderFault("refused", `name.com has no CAA records, which ${set.name} should have`)
    const path = recordsPath(zone)
    const fields = (value: string, ttl: number): Fields => {
      const { content, priority } = apart(set.type, value)
      const answer = set.type === "TXT" ? textAnswer(content) : content
      return { host: relativeName(zone, set.name, ""), type: set.type, answer, ttl, ...(priority === undefined ? {} : { priority }) }
    }
    await replaceRecords(await this.recordsAt(zone, set.name, set.type, signal), set, {
      create: async (value, ttl) => void (await this.api.call("POST", path, { json: fields(value, ttl), signal, handed: [] })),
      update: async ({ id }, value, ttl) => {
        await this.api.call("PUT", `${path}/${id}`, { json: fields(value, ttl), signal, handed: [] })
      },
      remove: async ({ id }) => void (await this.api.call("DELETE", `${path}/${id}`, { signal })),
    })
  }

  private async recordsAt(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<StoredRecord[]> {
    const records = await this.list(recordsPath(zone), "records", signal)
    return records
      .filter((record) => record.type === type && absoluteName(zone, textOf(record.host)) === name)
      .map(({ id, answer, priority, ttl }) => ({
        id: encodeURIComponent(textOf(id)),
        value: valueOf(type, textOf(answer), numberOf(priority, 0)),
        ttlSeconds: numberOf(ttl, minTtlSeconds),
      }))
  }

  private async list(path: string, key: string, signal: AbortSignal): Promise<Fields[]> {
    const items: Fields[] = []
    for (let page = 1; page > 0;) {
      const answer = await this.api.call("GET", path, { query: { page, perPage: itemsAPage }, signal, handed: [] })
      items.push(...answer.list(key))
      const next = numberOf(answer.object().nextPage, 0)
      // Zero, or nothing, on the last one.
      page = next > page ? next : 0
    }
    return items
  }
}

const recordsPath = ({ id }: EditableZone) => `/domains/${encodeURIComponent(id)}/records`

/** The API takes plain text; quoted strings are what was seen to work for text that is long or has quotes. */
const textAnswer = (text: string) => (/^[^"\\]*$/.test(text) && Buffer.byteLength(text) <= 255 ? text : quoteText(text))

const valueOf = (type: RecordSetType, answer: string, priority: number) =>
  type === "TXT" ? fromZoneFile(type, answer) : canonicalValue(type, together(type, { content: answer, priority }))

/** A 403 is never about the credential: the domain has expired, or is served from elsewhere. */
function judge({ status }: ApiAnswer): Judgement | undefined {
  return status === 403 ? { reason: "refused" } : undefined
}
