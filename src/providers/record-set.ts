import { isWithin } from "../hostname"
import { type EditableZone, ProviderFault, type RecordSet, type RecordSetType } from "./provider"
import { canonicalName, canonicalValue } from "./record-value"

/** The set with its name and values in canonical form, each value once. Throws `refused` for a name outside the zone. */
export function setWithin(zone: EditableZone, set: RecordSet): RecordSet {
  const name = requireWithin(zone, set.name)
  return { ...set, name, values: [...new Set(set.values.map((value) => canonicalValue(set.type, value)))] }
}

const label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
const recordName = new RegExp(`^(?=.{1,253}$)(?:\\*\\.)?(?:${label}\\.)*${label}$`)

/** The canonical name; throws `refused` where it lies outside the zone, or is no name of a record. */
export function requireWithin(zone: EditableZone, name: string): string {
  const canonical = canonicalName(name)
  // Names become parts of addresses at most providers.
  if (!recordName.test(canonical)) throw new ProviderFault("refused", `"${canonical.slice(0, 253)}" is no name of a record`)
  if (!isWithin(canonical, zone.name)) throw new ProviderFault("refused", `${canonical} does not lie in the zone ${zone.name}`)
  return canonical
}

/** The name below the zone, such as `www`; of the zone itself `apex`. Throws `refused` outside of it. */
export function relativeName(zone: EditableZone, name: string, apex = "@"): string {
  const canonical = requireWithin(zone, name)
  return canonical === zone.name ? apex : canonical.slice(0, -zone.name.length - 1)
}

/** The whole name of one that a provider gives relative to the zone; `@`, nothing, and the zone's own name are the zone. */
export function absoluteName(zone: EditableZone, relative: string): string {
  const name = canonicalName(relative)
  return name === "" || name === "@" || name === zone.name ? zone.name : `${name}.${zone.name}`
}

/** The set of these records, in canonical form, with the least of their TTLs; undefined where there are none. */
export function setOf(name: string, type: RecordSetType, records: { value: string; ttlSeconds: number }[]): RecordSet | undefined {
  if (records.length === 0) return undefined
  const values = [...new Set(records.map(({ value }) => canonicalValue(type, value)))]
  return { name: canonicalName(name), type, ttlSeconds: Math.min(...records.map(({ ttlSeconds }) => ttlSeconds)), values }
}

/** The nearest TTL that the provider takes. */
export function ttlWithin(seconds: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, seconds))
}

/** Whether both have the same values, in whatever order. */
export function haveSameValues(one: string[], other: string[]): boolean {
  const values = new Set(one)
  return values.size === new Set(other).size && other.every((value) => values.has(value))
}
