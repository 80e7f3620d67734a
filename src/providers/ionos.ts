import { closestZone } from "../hostname"
import { joined, notOfForm, parseToken } from "./credential"
import { type Fields, HttpApi, numberOf, textOf } from "./http-api"
import { apart, together } from "./priority-value"
import type { DnsProvider, EditableZone, ProviderAdapter, RecordSet, RecordSetType } from "./provider"
import { requireWithin, setOf, setWithin, ttlWithin } from "./record-set"
import { canonicalName, canonicalValue, fromZoneFile, quoteText } from "./record-value"

const usualTtlSeconds = 3600
// The documents name no bounds; nobody was seen to fail within these.
const minTtlSeconds = 300
const maxTtlSeconds = 604_800

/**
 * IONOS Hosting DNS (API v1): a PATCH replaces all records of a name and type; a set goes away record by record. Records that are switched off
 * belong to no set, and stay.
 */
export const ionos: ProviderAdapter = {
  key: "ionos",
  name: "IONOS",
  credentialHint: "prefix.secret of an API key",
  docsUrl: "https://developer.hosting.ionos.com/docs/getstarted",
  madeAt: "https://developer.hosting.ionos.com/keys",
  fields: [
    { key: "prefix", label: "Public prefix", form: { pattern: /^[^\s.]+$/, rule: "the part of the key in front of its dot" } },
    { key: "secret", label: "Secret", isSecret: true, form: { pattern: /^[^\s.]+$/, rule: "the part of the key behind its dot" } },
  ],
  rights: ["The account that holds the domain"],
  compose: joined(".", "prefix", "secret"),
  open(credential, options = {}) {
    const key = parseToken(credential, ionos)
    const [prefix = "", secret = "", ...rest] = key.split(".")
    if (prefix === "" || secret === "" || rest.length > 0) throw notOfForm(ionos)
    return new Ionos(
      new HttpApi({
        provider: "IONOS",
        baseUrl: options.baseUrl ?? "https://api.hosting.ionos.com/dns",
        headers: { "x-api-key": key },
        secrets: [key, secret],
      }),
    )
  },
}

class Ionos implements DnsProvider {
  constructor(private api: HttpApi) {}

  async findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined> {
    const zones = (await this.api.call("GET", "/v1/zones", { signal, handed: [] })).list()
    // A `SLAVE` gets its records from elsewhere.
    const editable = zones.filter(({ type }) => type !== "SLAVE")
    const named = editable.map(({ id, name }) => ({ id: textOf(id), name: canonicalName(textOf(name)), minTtlSeconds }))
    return closestZone(hostname, named)
  }

  async readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined> {
    const at = requireWithin(zone, name)
    const records = (await this.recordsAt(zone, at, type, signal)).filter(isVisible)
    return setOf(
      at,
      type,
      records.map((record) => ({ value: valueOf(type, record), ttlSeconds: numberOf(record.ttl, usualTtlSeconds) })),
    )
  }

  async replaceSet(zone: EditableZone, given: RecordSet, signal: AbortSignal): Promise<void> {
    const set = setWithin(zone, { ...given, ttlSeconds: ttlWithin(given.ttlSeconds, minTtlSeconds, maxTtlSeconds) })
    const present = await this.recordsAt(zone, set.name, set.type, signal)
    const path = zonePath(zone)
    if (set.values.length === 0) {
      for (const { id } of present.filter(isVisible)) {
        await this.api.call("DELETE", `${path}/records/${encodeURIComponent(textOf(id))}`, { signal })
      }
      return
    }
    const hidden = present.filter((record) => !isVisible(record) && !set.values.includes(valueOf(set.type, record)))
    const json = [...set.values.map((value) => fieldsOfRecord(set, value)), ...hidden.map(hiddenCopyOf)]
    await this.api.call("PATCH", path, { json, signal, handed: [] })
  }

  /** Those that are switched off too. */
  private async recordsAt(zone: EditableZone, recordName: string, recordType: RecordSetType, signal: AbortSignal): Promise<Fields[]> {
    const answer = await this.api.call("GET", zonePath(zone), { query: { recordName, recordType }, signal, handed: [] })
    const records = answer.list("records")
    return records.filter(({ name, type }) => canonicalName(textOf(name)) === recordName && type === recordType)
  }
}

const zonePath = ({ id }: EditableZone) => `/v1/zones/${encodeURIComponent(id)}`

const isVisible = ({ disabled }: Fields) => disabled !== true

function fieldsOfRecord({ name, type, ttlSeconds }: RecordSet, value: string): Fields {
  const { content, priority } = apart(type, value)
  return { name, type, content: type === "TXT" ? quoteText(content) : content, ttl: ttlSeconds, prio: priority, disabled: false }
}

/** A record that is switched off, as the API takes it again. */
const hiddenCopyOf = ({ name, type, content, ttl, prio }: Fields): Fields => ({ name, type, content, ttl, prio, disabled: true })

function valueOf(type: RecordSetType, { content, prio }: Fields): string {
  const text = textOf(content)
  return type === "TXT" ? fromZoneFile(type, text) : canonicalValue(type, together(type, { content: text, priority: numberOf(prio, 0) }))
}
