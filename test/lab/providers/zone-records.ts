import type { RecordSet, RecordSetType } from "../../../src/providers/provider"
import type { ZoneServer } from "./zone-server"

/** One record as providers without record sets know it. */
export type ZoneRecord = { id: string; name: string; type: RecordSetType; value: string; ttlSeconds: number }

/** The id of a record that is not there. */
export class NoSuchRecord extends Error {}

/**
 * The records of a zone one by one, each with an id that stays when its value changes, for stand-ins of APIs that know no record sets. All of a set
 * have the TTL that was written last, since a zone has one for a set. Throws RecordConflict as ZoneServer does.
 */
export class ZoneRecords {
  private ids = new Map<string, string>()

  /** `newId` makes the ids of the provider's form. */
  constructor(
    private server: ZoneServer,
    private zone: string,
    private newId: () => string,
  ) {}

  async list(): Promise<ZoneRecord[]> {
    return this.split(await this.server.sets(this.zone))
  }

  /** Answers undefined, and changes nothing, where the very record is there already. */
  async create(given: Omit<ZoneRecord, "id">): Promise<ZoneRecord | undefined> {
    const record = { ...given, id: this.newId() }
    let isNew = true
    await this.server.change(this.zone, (sets) => {
      const present = this.split(sets).filter(isOf(record))
      isNew = !present.some(({ value }) => value === record.value)
      return isNew ? [asSet(record, [...present, record])] : []
    })
    if (isNew) this.ids.set(keyOf(record), record.id)
    return isNew ? record : undefined
  }

  /** Gives the record other fields; name and type may change too. */
  async update(id: string, fields: Partial<Omit<ZoneRecord, "id">>): Promise<ZoneRecord> {
    let old: ZoneRecord | undefined
    let record: ZoneRecord | undefined
    await this.server.change(this.zone, (sets) => {
      const present = this.split(sets)
      old = find(present, id)
      record = { ...old, ...fields }
      const rest = present.filter((other) => other.id !== id)
      const there = asSet(record, [...rest.filter(isOf(record)), record])
      return isOf(record)(old) ? [there] : [asSet(old, rest.filter(isOf(old))), there]
    })
    if (!old || !record) throw new NoSuchRecord(id)
    this.ids.delete(keyOf(old))
    this.ids.set(keyOf(record), id)
    return record
  }

  async remove(id: string): Promise<void> {
    let old: ZoneRecord | undefined
    await this.server.change(this.zone, (sets) => {
      const present = this.split(sets)
      old = find(present, id)
      return [
        asSet(
          old,
          present.filter(isOf(old)).filter((other) => other.id !== id),
        ),
      ]
    })
    if (old) this.ids.delete(keyOf(old))
  }

  private split(sets: RecordSet[]): ZoneRecord[] {
    return sets.flatMap(({ values, ...set }) =>
      values.map((value) => {
        const key = keyOf({ ...set, value })
        const id = this.ids.get(key) ?? this.newId()
        this.ids.set(key, id)
        return { id, ...set, value }
      }),
    )
  }
}

/** Ids that count up from this number. */
export function countingIds(first = 1000): () => string {
  let next = first
  return () => String(next++)
}

const keyOf = ({ name, type, value }: { name: string; type: string; value: string }) => JSON.stringify([name, type, value])

const isOf = (one: { name: string; type: string }) => (other: { name: string; type: string }) =>
  one.name === other.name && one.type === other.type

const asSet = ({ name, type, ttlSeconds }: Omit<ZoneRecord, "id">, records: ZoneRecord[]): RecordSet => ({
  name,
  type,
  ttlSeconds,
  values: records.map(({ value }) => value),
})

function find(records: ZoneRecord[], id: string): ZoneRecord {
  const record = records.find((candidate) => candidate.id === id)
  if (record === undefined) throw new NoSuchRecord(id)
  return record
}
