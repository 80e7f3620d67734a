import { zoneNamesAround } from "../hostname"
import { parseToken } from "./credential"
import { type ApiAnswer, type CallOptions, type Fields, fieldsOf, HttpApi, numberOf, textOf } from "./http-api"
import { apart, together } from "./priority-value"
import { type DnsProvider, type EditableZone, type ProviderAdapter, ProviderFault, type RecordSet, type RecordSetType } from "./provider"
import { replaceRecords, type StoredRecord } from "./record-list"
import { absoluteName, relativeName, requireWithin, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName, canonicalValue, fromZoneFile, quoteText } from "./record-value"

const itemsAPage = 100
const usualTtlSeconds = 3600
// The documents name no bounds: a minute is the least that its pages offer, and the other is what a TTL can be (RFC 2181 section 8).
const minTtlSeconds = 60
const maxTtlSeconds = 2_147_483_647

/**
 * DNSimple (API v2): records one by one, changed in place. Its batches, which are all or nothing, belong to one plan and are a preview, so they are
 * not used. A zone's handle is `account/zone`, since a user's token reaches several accounts.
 */
export const dnsimple: ProviderAdapter = {
  key: "dnsimple",
  name: "DNSimple",
  credentialHint: "an account access token, which may be limited to the zone",
  docsUrl: "https://support.dnsimple.com/articles/api-access-token/",
  fields: [{ key: "token", label: "API access token", isSecret: true, hint: "Of the account, or of a user in it." }],
  rights: ["Full access to the zone"],
  open(credential, options = {}) {
    const token = parseToken(credential, dnsimple)
    return new Dnsimple(
      new HttpApi({
        provider: "DNSimple",
        baseUrl: options.baseUrl ?? "https://api.dnsimple.com/v2",
        headers: { authorization: `Bearer ${token}` },
        secrets: [token],
      }),
    )
  },
}

class Dnsimple implements DnsProvider {
  constructor(private api: HttpApi) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    const accounts = await this.accounts(signal)
    let denied: ProviderFault | undefined
    for (const name of zoneNamesAround(hostname)) {
      for (const account of accounts) {
        try {
          const answer = await this.api.call("GET", `/${account}/zones/${encodeURIComponent(name)}`, { signal })
          // A secondary zone gets its records from elsewhere.
          if (answer.status === 404 || fieldsOf(answer.object().data).secondary === true) continue
          return { id: `${account}/${name}`, name, minTtlSeconds }
        } catch (error) {
          // A token that is limited to one zone may see no other, so the next name may still be its own.
          if (!(error instanceof ProviderFault) || error.reason !== "denied") throw error
          denied = error
        }
      }
    }
    if (denied) throw denied
    return undefined
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    const at = requireWithin(zone, name)
    return setOf(at, type, await this.recordsAt(zone, at, type, signal))
  }

  async replaceSet(zone: EditableZone, given: RecordSet, signal: AbortSignal): Promise<void> {
    const set = setWithin(zone, { ...given, ttlSeconds: ttlWithin(given.ttlSeconds, minTtlSeconds, maxTtlSeconds) })
    const path = recordsPath(zone)
    const fields = (value: string, ttl: number): Fields => {
      const { content, priority } = apart(set.type, value)
      return { content: set.type === "TXT" ? quoteText(content) : content, ttl, ...(priority === undefined ? {} : { priority }) }
    }
    await replaceRecords(await this.recordsAt(zone, set.name, set.type, signal), set, {
      create: async (value, ttl) => {
        const json = { name: relativeName(zone, set.name, ""), type: set.type, ...fields(value, ttl) }
        await this.api.call("POST", path, { json, signal, handed: [] })
      },
      update: async ({ id }, value, ttl) => {
        await this.api.call("PATCH", `${path}/${id}`, { json: fields(value, ttl), signal, handed: [] })
      },
      remove: async ({ id }) => void (await this.api.call("DELETE", `${path}/${id}`, { signal })),
    })
  }

  /** The accounts that the token reaches: an account's own one, or all of a user's. */
  private async accounts(signal: AbortSignal): Promise<string[]> {
    const { account } = fieldsOf((await this.api.call("GET", "/whoami", { signal, handed: [] })).object().data)
    const accounts = account ? [fieldsOf(account)] : (await this.api.call("GET", "/accounts", { signal, handed: [] })).list("data")
    return accounts.map(({ id }) => encodeURIComponent(textOf(id)))
  }

  private async recordsAt(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<StoredRecord[]> {
    // Whether an empty name asks for the apex or for every name is not said, so it is not sent.
    const query = { type, name: relativeName(zone, name, "") || undefined }
    const records = await this.list(recordsPath(zone), { query, signal, handed: [] })
    return (
      records
        .filter((record) => record.type === type && absoluteName(zone, textOf(record.name)) === canonicalName(name))
        // What DNSimple made for another record, such as an ALIAS, it changes itself.
        .filter(({ parent_id, system_record }) => !parent_id && system_record !== true)
        .map(({ id, content, priority, ttl }) => ({
          id: encodeURIComponent(textOf(id)),
          value: valueOf(type, textOf(content), numberOf(priority, 0)),
          ttlSeconds: numberOf(ttl, usualTtlSeconds),
        }))
    )
  }

  private async list(path: string, options: CallOptions): Promise<Fields[]> {
    const items: Fields[] = []
    for (let page = 1; ; page++) {
      const query = { ...options.query, page, per_page: itemsAPage }
      const answer: ApiAnswer = await this.api.call("GET", path, { ...options, query })
      items.push(...answer.list("data"))
      if (page >= numberOf(fieldsOf(answer.object().pagination).total_pages, 1)) return items
    }
  }
}

/** The handle is of two parts, each already encoded or a hostname. */
function recordsPath({ id }: EditableZone): string {
  const [account = "", name = ""] = id.split("/")
  return `/${account}/zones/${encodeURIComponent(name)}/records`
}

const valueOf = (type: RecordSetType, content: string, priority: number) =>
  type === "TXT" ? fromZoneFile(type, content) : canonicalValue(type, together(type, { content, priority }))
