import type { Log } from "../log"
import { Worker } from "../worker"
import { type AuditEntry, type AuditFilter, auditReply, type AuditQuery, type AuditReply, maxPage } from "./model"
import type { AuditStore } from "./store"
import { AddressThrottle } from "./throttle"

/** What the trail needs; the retention is read at each use. the others bound the rows of people, of nobody and of each person. */
export type AuditNeeds = {
  store: AuditStore
  readonly retentionMs: number
  log: Log
  now: () => number
  /** The time by which entries are old; the clock's where it is left out. */
  agingNow?: () => number
  maxKnown?: number
  maxUnknown?: number
  /** Of one person, so that nobody can push out what others did. */
  maxPerPerson?: number
}

/** Who reads: administrators see every entry, others what they did and what was tried at their account without being let in. */
export type Reader = { personId: string; isAdmin: boolean }

const maxKnownRows = 2_000_000
const maxPersonRows = 500_000
/** A bound of their own, so that whoever floods the API without a login cannot push out what people did. */
const maxUnknownRows = 200_000
const unknownPerMinute = 30
const sweepEveryMs = 3_600_000
const sweepRows = 2_000

/** The audit trail: who did what to what, from where, with which token, and what came of it. */
export class AuditTrail {
  private throttle = new AddressThrottle(unknownPerMinute)
  private sweeper: Worker

  constructor(private needs: AuditNeeds) {
    this.sweeper = new Worker(
      (signal) => this.sweep(signal),
      () => sweepEveryMs,
      needs.log,
      "old audit entries could not be removed",
    )
  }

  start(): void {
    this.sweeper.start(60_000)
  }

  stop(): Promise<void> {
    return this.sweeper.stop()
  }

  /**
   * Writes one entry, and never rejects: what cannot be written is logged. Of requests by nobody, an address gets 30 a minute and the rest are
   * left out.
   */
  async record(entry: AuditEntry): Promise<void> {
    const { store, log, now } = this.needs
    try {
      const at = now()
      if (entry.personId === null && !this.throttle.take(entry.address, at)) return
      await store.append(entry, at)
    } catch (error) {
      log.error("audit entry could not be written", { error, action: entry.action, person: entry.personId, outcome: entry.outcome })
    }
  }

  /** One page, the newest first; `next_cursor` leads to the next one and is null on the last. */
  async page(reader: Reader, { filter, before, limit }: AuditQuery): Promise<{ entries: AuditReply[]; next_cursor: string | null }> {
    const rows = await this.needs.store.list(seenBy(reader, filter), before, limit + 1)
    const shown = rows.slice(0, limit)
    const last = shown.at(-1)
    return { entries: shown.map(auditReply), next_cursor: rows.length > limit && last !== undefined ? String(last.id) : null }
  }

  /** Every entry as a line of JSON, the newest first, read a page at a time as they are taken. */
  async *lines(reader: Reader, { filter, before }: AuditQuery): AsyncGenerator<string> {
    const seen = seenBy(reader, filter)
    for (let place = before; ;) {
      const rows = await this.needs.store.list(seen, place, maxPage)
      if (rows.length > 0) yield rows.map((row) => `${JSON.stringify(auditReply(row))}\n`).join("")
      if (rows.length < maxPage) return
      place = rows.at(-1)?.id
    }
  }

  /** Removes what is older than the retention, and what is beyond the bounds on rows, a few at a time. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { store, now, agingNow = now, log, maxKnown = maxKnownRows, maxUnknown = maxUnknownRows } = this.needs
    await this.batches(signal, () => store.prune(agingNow() - this.needs.retentionMs, sweepRows))
    await this.cutPeople(signal)
    for (const [isKnown, most] of [
      [true, maxKnown],
      [false, maxUnknown],
    ] as const) {
      const id = await store.surplus(most, isKnown ? "people" : "nobody")
      if (id === undefined) continue
      const removed = await this.batches(signal, () => store.pruneUpTo(id, isKnown ? "people" : "nobody", sweepRows))
      log.warn("the audit trail was cut at its bound, before the retention was over", { removed, bound: most, recognised: isKnown })
    }
  }

  private async cutPeople(signal: AbortSignal): Promise<void> {
    const { store, log, maxPerPerson = maxPersonRows } = this.needs
    for (const person of await store.crowded(maxPerPerson)) {
      const id = await store.surplus(maxPerPerson, person)
      if (id === undefined) continue
      const removed = await this.batches(signal, () => store.pruneUpTo(id, person, sweepRows))
      log.warn("the audit trail of a person was cut at its bound, before the retention was over", { removed, bound: maxPerPerson, person })
    }
  }

  private async batches(signal: AbortSignal, remove: () => Promise<number>): Promise<number> {
    let all = 0
    while (!signal.aborted) {
      const removed = await remove()
      all += removed
      if (removed < sweepRows) break
      // Requests go between two batches.
      await Bun.sleep(5)
    }
    return all
  }
}

const seenBy = (reader: Reader, filter: AuditFilter): AuditFilter => (reader.isAdmin ? filter : { ...filter, ownerId: reader.personId })
