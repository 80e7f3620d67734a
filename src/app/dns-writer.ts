import type { DnsRecord } from "../connect/model"
import type { DnsWriter } from "../connect/needs"
import { AppError } from "../errors"
import { type DnsProvider, type EditableZone, ProviderFault, type Reach, type RecordSet } from "../providers/provider"
import { RecordWriter } from "../providers/record-writer"
import { providerAdapters } from "../providers/registry"

/** Speaks to a DNS provider with a customer's credential. Throws `invalid` for an unknown provider, or a credential that has not its form. */
export function openDnsWriter(key: string, credential: string, options: { baseUrl?: string; reach?: Reach } = {}): DnsWriter {
  const adapter = providerAdapters.get(key)
  if (adapter === undefined)
    throw new AppError("invalid", `provider: ${JSON.stringify(key.slice(0, 40))} is none of ${[...providerAdapters.keys()].join(", ")}`)
  return new ProviderWriter(adapter.open(credential, options))
}

class ProviderWriter implements DnsWriter {
  private zones = new Map<string, EditableZone>()

  constructor(private provider: DnsProvider) {}

  async zoneOf(hostname: string, signal: AbortSignal): Promise<string | undefined> {
    const zone = await explained(() => this.provider.findZone(hostname, signal))
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

async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ProviderFault) throw new AppError("bad_gateway", error.message, { cause: error })
    throw error
  }
}
