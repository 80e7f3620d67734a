import type { Name } from "./name"
import { parentOf } from "./name"

/** A name server of a zone; `sought` once its missing addresses have been looked for. */
export type NameServer = { name: Name; addresses: { address: string; port: number }[]; sought?: boolean }

/** The servers of a zone, as its parent (or, where one server holds both, the zone itself) names them. */
export type Delegation = { zone: Name; servers: NameServer[]; ttlSeconds: number }

const MAX_AGE_MS = 15 * 60_000

/**
 * Delegations by their TTL, the least recently used leaving first. Kept for 15 minutes at most, so that a zone moved to other name servers is soon asked
 * there, whatever the (often two days') TTL of its top-level domain.
 */
export class DelegationCache {
  private entries = new Map<Name, { delegation: Delegation; expiresAt: number }>()

  constructor(
    private maxEntries: number,
    private now: () => number,
  ) {}

  get size(): number {
    return this.entries.size
  }

  put(delegation: Delegation): void {
    this.entries.delete(delegation.zone)
    const ageMs = Math.min(delegation.ttlSeconds * 1000, MAX_AGE_MS)
    this.entries.set(delegation.zone, { delegation, expiresAt: this.now() + ageMs })
    const oldest = this.entries.keys().next()
    if (this.entries.size > this.maxEntries && !oldest.done) this.entries.delete(oldest.value)
  }

  drop(zone: Name): void {
    this.entries.delete(zone)
  }

  /** The live delegation nearest above the name, or at it. */
  closest(name: Name): Delegation | undefined {
    for (let zone = name; zone !== ""; zone = parentOf(zone)) {
      const entry = this.entries.get(zone)
      if (!entry) continue
      this.entries.delete(zone)
      if (entry.expiresAt <= this.now()) continue
      this.entries.set(zone, entry)
      return entry.delegation
    }
    return undefined
  }
}
