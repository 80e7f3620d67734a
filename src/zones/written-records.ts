// A record's life here: written at a provider → kept → looked at when somebody asks → forgotten when it was taken away, or when what it was for is gone and
// its zone's servers show it no longer. Answers to challenges come and go within minutes and are not kept.

import { randomBytes } from "node:crypto"
import { AppError } from "../errors"
import type { Log } from "../log"
import { page, parsePage } from "../paging"
import type { ZoneStore } from "./store"
import { type Holder, type RecordCheck, recordOf, recordReply, type Sight, type StandingRecord, type Writing } from "./written-record-model"
import type { WrittenRecordStore } from "./written-record-store"

export type WrittenRecordsNeeds = {
  store: WrittenRecordStore
  zones: ZoneStore
  /** Of those that still are, by kind and id as in `mapping m1`: what else was seen of their records. */
  holders: (holders: Holder[]) => Promise<Map<string, Sight[]>>
  /** Whether each record stands at the authoritative servers of its zone; undefined where none of them could be asked. Never throws for what DNS is like. */
  look: (records: StandingRecord[]) => Promise<(boolean | undefined)[]>
  /** Counts a question of a person's; throws `rate_limited`. */
  take: (personId: string) => void
  log: Log
  now: () => number
}

/** How many records are kept of one person. */
const maxRecords = 10_000
/** How many one check looks at. */
const maxLooks = 50

/** The records that Freehold wrote at providers, by owned domain. */
export class WrittenRecords {
  constructor(private needs: WrittenRecordsNeeds) {}

  /** Keeps what was written. A fault is a line in the log: the records stand, whether that is on record or not. */
  async note({ personId, zone, hostname, holder, credential, records }: Writing): Promise<void> {
    const writtenAt = this.needs.now()
    const rows = records.map(({ name, type, value, priority, ttl, purpose }) => ({
      id: `rec_${randomBytes(12).toString("hex")}`,
      personId,
      zone,
      name,
      type,
      value,
      priority: priority ?? 0,
      ttl,
      hostname,
      holderKind: holder.kind,
      holderId: holder.id,
      purpose,
      credentialKind: credential.kind,
      credentialId: credential.id,
      provider: credential.provider,
      writtenAt,
      lookedAt: null,
      seenAt: null,
      stands: null,
    }))
    try {
      await this.needs.store.put(personId, rows, maxRecords)
    } catch (error) {
      this.needs.log.error("written records could not be kept", { hostname, zone, error })
    }
  }

  /** Forgets a record that was taken away. */
  forget = (personId: string, record: { name: string; type: string; value: string }) => this.needs.store.forget(personId, record)

  /** The records in the zones of an owned domain, newest first, in pages. Throws `not_found`, and `invalid` for a bad `limit` or `cursor`. */
  async list(personId: string, domainId: string, query: { limit?: string; cursor?: string }) {
    const zones = await this.zonesOf(personId, domainId)
    const { limit, after } = parsePage(query)
    const rows = await this.needs.store.list(personId, zones, limit + 1, after)
    const holders = await this.holdersOf(rows)
    return page(
      rows.map((row) => ({ createdAt: row.writtenAt, id: row.id, row })),
      limit,
      ({ row }) => recordReply(row, holders.get(keyOf(row))),
    )
  }

  /** Asks the zones' servers for the records that were looked at longest ago. Throws `not_found` and `rate_limited`. */
  async check(personId: string, domainId: string): Promise<RecordCheck> {
    const { store, look, take, now } = this.needs
    const zones = await this.zonesOf(personId, domainId)
    take(personId)
    const rows = await store.longestUnseen(personId, zones, maxLooks)
    const [seen, holders] = await Promise.all([look(rows.map(recordOf)), this.holdersOf(rows)])
    const count = { looked_at: rows.length, standing: 0, missing: 0, unknown: 0, forgotten: 0 }
    for (const [index, row] of rows.entries()) {
      const stands = seen[index]
      count[stands === undefined ? "unknown" : stands ? "standing" : "missing"]++
      if (stands === false && !holders.has(keyOf(row))) {
        await store.delete(row.id)
        count.forgotten++
      } else await store.see(row.id, stands, now())
    }
    return count
  }

  private async zonesOf(personId: string, domainId: string): Promise<string[]> {
    const domain = await this.needs.zones.find(personId, domainId)
    if (domain === undefined) throw new AppError("not_found", "not found")
    return domain.zones
  }

  private holdersOf(rows: { holderKind: Holder["kind"]; holderId: string }[]): Promise<Map<string, Sight[]>> {
    return this.needs.holders(rows.map(({ holderKind: kind, holderId: id }) => ({ kind, id })))
  }
}

const keyOf = ({ holderKind, holderId }: { holderKind: string; holderId: string }) => `${holderKind} ${holderId}`
