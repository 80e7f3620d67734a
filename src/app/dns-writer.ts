import type { DnsRecord } from "../connect/model"
import type { DnsWriter } from "../connect/needs"
import { AppError } from "../errors"
import { composeCredential } from "../providers/credential"
import { type DnsProvider, type EditableZone, type ProviderAdapter, ProviderFault, type Reach, type RecordSet } from "../providers/provider"
import { RecordWriter } from "../providers/record-writer"
import { providerAdapters } from "../providers/registry"

/** Speaks to a DNS provider with a customer's credential. Throws `invalid` for an unknown provider, or a credential that has not its form. */
export function openDnsWriter(key: string, credential: string, options: { baseUrl?: string; reach?: Reach } = {}): DnsWriter {
  const adapter = adapterOf(key)
  return new ProviderWriter(adapter.open(credential, options), adapter)
}

/** The credential of the values of its fields. Throws `invalid` for an unknown provider and, naming the field, for a value that is wrong. */
export const composeToken = (key: string, fields: unknown): string => composeCredential(adapterOf(key), fields)

function adapterOf(key: string): ProviderAdapter {
  const adapter = providerAdapters.get(key)
  if (adapter === undefined)
    throw new AppError("invalid", `provider: ${JSON.stringify(key.slice(0, 40))} is none of ${[...providerAdapters.keys()].join(", ")}`)
  return adapter
}

class ProviderWriter implements DnsWriter {
  private zones = new Map<string, EditableZone>()

  constructor(
    private provider: DnsProvider,
    private adapter: ProviderAdapter,
  ) {}

  async zoneOf(hostname: string, signal: AbortSignal): Promise<string | undefined> {
    const zone = await explained(() => this.provider.findZone(hostname, signal), this.adapter)
    if (zone !== undefined) this.zones.set(zone.name, zone)
    return zone?.name
  }

  async write(zoneName: string, records: DnsRecord[], signal: AbortSignal): Promise<void> {
    const zone = this.zones.get(zoneName)
    if (zone === undefined) throw new Error(`the zone ${zoneName} was not looked for`)
    const writer = new RecordWriter(this.provider)
    const { pointers, others } = recordSets(records)
    for (const set of others) await explained(() => writer.addValue(zone, set, signal))
    for (const sets of pointers) await explained(() => writer.pointHost(zone, sets, signal))
  }

  async remove(zoneName: string, records: DnsRecord[], signal: AbortSignal): Promise<void> {
    const zone = this.zones.get(zoneName)
    if (zone === undefined) throw new Error(`the zone ${zoneName} was not looked for`)
    const writer = new RecordWriter(this.provider)
    const { pointers, others } = recordSets(records)
    for (const set of [...others, ...pointers.flat()]) await explained(() => writer.removeValue(zone, set, signal))
  }
}

/** Records as sets: those that say where a name leads, by name, and all others. */
export function recordSets(records: DnsRecord[]): { pointers: RecordSet[][]; others: RecordSet[] } {
  const sets = [...Map.groupBy(records, ({ host, type }) => `${host} ${type}`).values()].map(([first, ...rest]): RecordSet => {
    const { host: name, type, ttl: ttlSeconds } = first!
    return { name, type, ttlSeconds, values: [first!, ...rest].map(presented) }
  })
  const isPointer = ({ type }: RecordSet) => type === "A" || type === "AAAA" || type === "CNAME"
  const pointers = [...Map.groupBy(sets.filter(isPointer), ({ name }) => name).values()]
  return { pointers, others: sets.filter((set) => !isPointer(set)) }
}

/** Data as `RecordSet` has it: the priority stands in front where the type has one. */
function presented({ type, value, priority }: DnsRecord): string {
  return type === "MX" || type === "SRV" ? `${priority ?? 0} ${value}` : value
}

/** With an adapter, a refused credential is told with the names of its fields, and which of them a form should point at. */
async function explained<T>(work: () => Promise<T>, adapter?: ProviderAdapter): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ProviderFault)) throw error
    if (adapter === undefined || error.reason !== "denied") throw new AppError("bad_gateway", error.message, { cause: error })
    const asked = adapter.fields.filter(({ isOptional }) => !isOptional)
    const secret = asked.findLast(({ isSecret }) => isSecret) ?? asked[0]
    const names = asked.map(({ label }) => label).join(", ")
    throw new AppError("bad_gateway", `${adapter.name} does not accept the ${names}: ${error.message}`, {
      details: { field: `fields.${secret?.key}` },
      cause: error,
    })
  }
}
