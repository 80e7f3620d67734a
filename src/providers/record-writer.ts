import { type DnsProvider, type EditableZone, ProviderFault, type RecordSet, type RecordSetType, type SetChange } from "./provider"
import { setWithin } from "./record-set"

const restoreTimeoutMs = 15_000
const addressTypes = ["A", "AAAA", "CNAME"] as const satisfies RecordSetType[]

/** Changes of records that keep what others have put at the same name. Done twice they are as done once; each throws ProviderFault as DnsProvider does. */
export class RecordWriter {
  constructor(private provider: DnsProvider) {}

  /** Adds the values to the set at that name; those that are there stay, and so does their TTL. False where all were there already. */
  addValue(zone: EditableZone, given: RecordSet, signal: AbortSignal): Promise<boolean> {
    const set = setWithin(zone, given)
    return this.change(
      zone,
      set,
      (present) => {
        const values = [...new Set([...(present?.values ?? []), ...set.values])]
        const isThere = values.length === (present?.values.length ?? 0)
        return isThere ? undefined : { ...set, ttlSeconds: present?.ttlSeconds ?? set.ttlSeconds, values }
      },
      signal,
    )
  }

  /** Takes the values out of the set at that name, and the set away with its last one; other values stay. False where none was there. */
  removeValue(zone: EditableZone, given: RecordSet, signal: AbortSignal): Promise<boolean> {
    const set = setWithin(zone, given)
    return this.change(
      zone,
      set,
      (present) => {
        const values = present?.values.filter((value) => !set.values.includes(value)) ?? []
        return present === undefined || values.length === present.values.length ? undefined : { ...present, values }
      },
      signal,
    )
  }

  /**
   * Makes these the only address records of their name: one CNAME, or A, AAAA or both. Other A, AAAA and CNAME records of the name go, all else stays.
   * Where the provider does not take the new ones, the old ones are put back.
   */
  async pointHost(zone: EditableZone, given: RecordSet[], signal: AbortSignal): Promise<void> {
    const wanted = given.map((set) => setWithin(zone, set)).filter(({ values }) => values.length > 0)
    const name = requirePointer(wanted)
    const read = await Promise.all(addressTypes.map((type) => this.provider.readSet(zone, name, type, signal)))
    const present = read.filter((set) => set !== undefined)
    const unwanted = present.filter(({ type }) => !wanted.some((set) => set.type === type))
    const removals = unwanted.map((set) => ({ ...set, values: [] }))
    // Sets that read as wanted are written too: only the provider knows what else belongs to a record, such as a proxy in front of it.
    if (this.provider.replaceSets) return this.provider.replaceSets(zone, [...removals, ...wanted], signal)
    // A CNAME stands beside no other record, so what it clashes with goes first; addresses may stand beside each other, so the new come first.
    const clash = [...unwanted, ...wanted].some(({ type }) => type === "CNAME")
    const steps = clash ? [...removals, ...wanted] : [...wanted, ...removals]
    const undo: RecordSet[] = []
    try {
      for (const step of steps) {
        undo.unshift(present.find(({ type }) => type === step.type) ?? { ...step, values: [] })
        await this.provider.replaceSet(zone, step, signal)
      }
    } catch (error) {
      throw await this.restore(zone, undo, error)
    }
  }

  private async change(zone: EditableZone, { name, type }: RecordSet, change: SetChange, signal: AbortSignal): Promise<boolean> {
    if (this.provider.updateSet) return this.provider.updateSet(zone, name, type, change, signal)
    const next = change(await this.provider.readSet(zone, name, type, signal))
    if (next === undefined) return false
    await this.provider.replaceSet(zone, next, signal)
    return true
  }

  /** Puts the sets back, in a time of its own since the caller's may be over, and answers with the fault to throw. */
  private async restore(zone: EditableZone, sets: RecordSet[], error: unknown): Promise<unknown> {
    const signal = AbortSignal.timeout(restoreTimeoutMs)
    try {
      for (const set of sets) await this.provider.replaceSet(zone, set, signal)
      return error
    } catch (fault) {
      if (!(error instanceof ProviderFault) || !(fault instanceof ProviderFault)) return error
      const { reason, message, retryAfterMs } = error
      return new ProviderFault(reason, `${message}. The old records could not be put back either: ${fault.message}`, {
        retryAfterMs,
        cause: error,
      })
    }
  }
}

function requirePointer(sets: RecordSet[]): string {
  const [first] = sets
  const types = sets.map(({ type }) => type)
  const isOneName = sets.every(({ name }) => name === first?.name) && new Set(types).size === types.length
  const isAddress = types.every((type) => type === "A" || type === "AAAA")
  const isAlias = types.length === 1 && types[0] === "CNAME" && first?.values.length === 1
  if (first === undefined || !isOneName || !(isAddress || isAlias)) {
    throw new ProviderFault("refused", "a host is pointed by one CNAME, or by one set of A, of AAAA, or of each, at one name")
  }
  return first.name
}
