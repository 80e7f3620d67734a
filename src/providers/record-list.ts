import type { RecordSet } from "./provider"
import { ProviderFault } from "./provider"
import { canonicalValue } from "./record-value"

// For providers that know single records and not sets. The order of the calls is such that a name keeps an answer while it changes, and each is
// decided by what is there, so that to do it again after any failure completes it:
//   1. records of the set whose value is no longer wanted are changed in place to values that are missing
//   2. values still missing are created
//   3. records still left over are removed
// Where the provider cannot change in place, or two CNAMEs would meet, the old one goes first, and is put back when the new one is refused.

/** One record of the set as the provider has it; the value in canonical form. */
export type StoredRecord = { id: string; value: string; ttlSeconds: number }

/** The provider's calls for single records of the set. */
export type RecordEditor<R extends StoredRecord = StoredRecord> = {
  create(value: string, ttlSeconds: number): Promise<void>
  /** Where the provider can change a record in place. */
  update?(record: R, value: string, ttlSeconds: number): Promise<void>
  remove(record: R): Promise<void>
}

/** Makes the records at the provider those of the set, with its TTL; `present` are all that are there of this name and type. */
export async function replaceRecords<R extends StoredRecord>(present: R[], set: RecordSet, editor: RecordEditor<R>): Promise<void> {
  const wanted = new Set(set.values.map((value) => canonicalValue(set.type, value)))
  const kept = new Map<string, R>()
  const stale: R[] = []
  for (const record of present) {
    // Another TTL is a stale record with the value that is missing, where it cannot be changed in place.
    const fits =
      wanted.has(record.value) && !kept.has(record.value) && (record.ttlSeconds === set.ttlSeconds || editor.update !== undefined)
    if (fits) kept.set(record.value, record)
    else stale.push(record)
  }
  const missing = [...wanted].filter((value) => !kept.has(value))
  if (editor.update) {
    for (const record of kept.values()) {
      if (record.ttlSeconds !== set.ttlSeconds) await editor.update(record, record.value, set.ttlSeconds)
    }
    while (stale.length > 0 && missing.length > 0) await editor.update(stale.pop()!, missing.pop()!, set.ttlSeconds)
  }
  const clashes = (value: string) => stale.find((record) => set.type === "CNAME" || record.value === value)
  for (const value of missing) {
    const old = clashes(value)
    if (old) {
      stale.splice(stale.indexOf(old), 1)
      await swap(old, value, set.ttlSeconds, editor)
    } else {
      await editor.create(value, set.ttlSeconds)
    }
  }
  for (const record of stale) await editor.remove(record)
}

async function swap<R extends StoredRecord>(old: R, value: string, ttlSeconds: number, editor: RecordEditor<R>): Promise<void> {
  await editor.remove(old)
  try {
    await editor.create(value, ttlSeconds)
  } catch (error) {
    await editor.create(old.value, old.ttlSeconds).catch((fault: unknown) => {
      const words = error instanceof Error ? error.message : String(error)
      const reason = error instanceof ProviderFault ? error.reason : "unreachable"
      throw new ProviderFault(reason, `${words} (and the old record could not be put back)`, { cause: fault })
    })
    throw error
  }
}
