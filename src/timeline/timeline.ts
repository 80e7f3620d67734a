// A note, in this order: taken at once into a queue → written with the others a moment later, in one batch → what is beyond the bounds leaves.
// Of an observation only changes are kept: a value equal to the last one is dropped at the door where that is in memory, else when the batch is written.

import type { Log } from "../log"
import { Worker } from "../worker"
import { type Holder, type NewEntry, type NewTimelineRow, rowOf, type Subject, type TimelineRow } from "./model"
import type { TimelineStore } from "./store"

export type TimelineNeeds = {
  store: TimelineStore
  /** Who holds a hostname now; asked where a note does not say it. */
  holder: (hostname: string) => Holder | undefined | Promise<Holder | undefined>
  /** Hears whose hostnames have new entries. */
  onWritten?: (personId: string) => void
  log: Log
  now: () => number
  /** The time by which entries are old; the clock's where it is left out. */
  agingNow?: () => number
  maxQueued?: number
  maxPerHost?: number
  maxEntries?: number
  maxAgeMs?: number
  flushMs?: number
}

type Queued = { entry: NewEntry; at: number; holder: Promise<Holder | undefined>; observation?: { key: string; value: string } }

const batchRows = 200
const sweepRows = 2000
const sweepEveryMs = 3_600_000
const maxRemembered = 20_000

/** What happened to each hostname. Notes cost their caller nothing and never fail: what cannot be written is logged. */
export class Timeline {
  private queue: Queued[] = []
  private taken = 0
  private written = 0
  private dropped = 0
  private leftOut = 0
  private timer: Timer | undefined
  private writing: Promise<void> | undefined
  private remembered = new Map<string, string>()
  private stopped = false
  private sweeper: Worker

  constructor(private needs: TimelineNeeds) {
    this.sweeper = new Worker(
      (signal) => this.sweep(signal),
      () => sweepEveryMs,
      needs.log,
      "old timeline entries could not be removed",
    )
  }

  start(): void {
    this.sweeper.start(60_000)
  }

  /** Notes that wait to be written, and those that were left out since the start. */
  get load(): { waiting: number; leftOut: number } {
    return { waiting: this.queue.length, leftOut: this.leftOut }
  }

  /** Takes a note; it is written within about a fifth of a second. Past 5000 waiting notes, or after the end, it is left out and the log says so. */
  note(entry: NewEntry): void {
    this.take(entry)
  }

  /** Takes a note of an observation, such as `A at ns1`, where its value is not the one noted last for this hostname and holder. */
  noteChange(hostname: string, key: string, value: string, entry: Omit<NewEntry, "hostname">): void {
    const holder = entry.holder
    if (holder !== undefined && this.remembered.get(placeOf(hostname, holder.subject.id, key)) === value) return
    this.take({ ...entry, hostname }, { key, value })
  }

  /** Takes a note of a step of an ACME order, with the CA's own words where it said something. */
  noteStep(hostname: string, step: { name: string; text: string; problem?: string }): void {
    const problem = step.problem === undefined ? {} : { problem: parsed(step.problem) }
    this.take({ hostname, kind: "acme", text: step.text, data: { step: step.name, ...problem } })
  }

  /** Entries of one mapping or connection, newest first, those before the entry `before`. */
  async list(subject: Subject, before: number | undefined, limit: number): Promise<TimelineRow[]> {
    await this.flush()
    return this.needs.store.list(subject, before, limit)
  }

  /** All of them, oldest first. */
  async all(subject: Subject): Promise<TimelineRow[]> {
    return (await this.list(subject, undefined, 2 * this.maxPerHost)).reverse()
  }

  /** Removes what is on record of a mapping or connection that is gone for good. */
  async forget(subject: Subject): Promise<void> {
    await this.flush()
    await this.needs.store.forget(subject)
  }

  /** Resolves when what was noted until now is written, or logged as lost. */
  async flush(): Promise<void> {
    clearTimeout(this.timer)
    this.timer = undefined
    const until = this.taken
    while (this.written < until) {
      this.writing ??= this.write().finally(() => (this.writing = undefined))
      await this.writing
    }
  }

  /** Writes what waits, and takes no more. */
  async stop(): Promise<void> {
    this.stopped = true
    await this.sweeper.stop()
    await this.flush()
    clearTimeout(this.timer)
  }

  private get flushMs(): number {
    return this.needs.flushMs ?? 200
  }

  private get maxPerHost(): number {
    return this.needs.maxPerHost ?? 1000
  }

  private take(entry: NewEntry, observation?: Queued["observation"]): void {
    if (this.stopped || this.queue.length >= (this.needs.maxQueued ?? 5000)) {
      this.leftOut++
      if (this.dropped++ === 0) this.needs.log.warn("timeline entries are left out", { hostname: entry.hostname })
      return
    }
    // Asked now and not when it is written: by then the hostname may be somebody else's.
    const holder = entry.holder ? Promise.resolve(entry.holder) : this.holderOf(entry.hostname)
    this.queue.push({ entry, at: entry.at ?? this.needs.now(), holder, ...(observation ? { observation } : {}) })
    this.taken++
    this.timer ??= setTimeout(() => void this.flush(), this.flushMs)
  }

  private async holderOf(hostname: string): Promise<Holder | undefined> {
    try {
      return await this.needs.holder(hostname)
    } catch (error) {
      this.needs.log.error("the holder of a hostname could not be found", { hostname, error })
      return undefined
    }
  }

  private async write(): Promise<void> {
    const batch = this.queue.splice(0, batchRows)
    if (this.dropped > 0) this.needs.log.warn("timeline entries were left out", { count: this.dropped })
    this.dropped = 0
    try {
      const rows: NewTimelineRow[] = []
      for (const { entry, at, holder, observation } of batch) {
        const held = await holder
        const known = { ...entry, ...(held ? { holder: held } : {}) }
        if (observation === undefined) rows.push(rowOf(known, at, null))
        else if (await this.isNews(entry.hostname, held?.subject.id ?? null, observation)) {
          rows.push(
            rowOf({ ...known, data: { ...entry.data, observation: observation.key, value: observation.value } }, at, observation.key),
          )
        }
      }
      await this.append(rows)
      for (const personId of new Set(rows.map((row) => row.personId))) if (personId) this.needs.onWritten?.(personId)
      const hosts = new Map(rows.map(({ hostname, subjectId }) => [`${hostname} ${subjectId}`, { hostname, subjectId: subjectId ?? null }]))
      for (const { hostname, subjectId } of hosts.values()) await this.needs.store.trim(hostname, subjectId, this.maxPerHost)
    } catch (error) {
      // What was to be noted counts as not noted.
      this.remembered.clear()
      this.needs.log.error("timeline entries could not be written", { count: batch.length, error })
    } finally {
      this.written += batch.length
      // What came meanwhile is for the next turn.
      if (this.queue.length > 0) this.timer ??= setTimeout(() => void this.flush(), this.flushMs)
    }
  }

  /** One row that the store refuses, as when its person has just gone, does not take the others with it. */
  private async append(rows: NewTimelineRow[]): Promise<void> {
    if (rows.length === 0) return
    try {
      await this.needs.store.append(rows)
    } catch {
      for (const row of rows) {
        try {
          await this.needs.store.append([row])
        } catch (error) {
          this.needs.log.warn("a timeline entry could not be written", { hostname: row.hostname, kind: row.kind, error })
        }
      }
    }
  }

  private async isNews(hostname: string, subjectId: string | null, { key, value }: { key: string; value: string }): Promise<boolean> {
    const place = placeOf(hostname, subjectId, key)
    const last = this.remembered.get(place) ?? (await this.lastValue(hostname, subjectId, key))
    this.remembered.delete(place)
    this.remembered.set(place, value)
    const oldest = this.remembered.keys().next()
    if (this.remembered.size > maxRemembered && !oldest.done) this.remembered.delete(oldest.value)
    return last !== value
  }

  private async lastValue(hostname: string, subjectId: string | null, key: string): Promise<string | undefined> {
    const data = await this.needs.store.lastObserved(hostname, subjectId, key)
    return data === undefined || data === null ? undefined : (JSON.parse(data) as { value?: string }).value
  }

  /** Removes what is older than a year, and what is beyond two million entries. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { store, now, agingNow = now, maxAgeMs = 365 * 86_400_000, maxEntries = 2_000_000 } = this.needs
    for (const remove of [() => store.prune(agingNow() - maxAgeMs, sweepRows), () => store.pruneBeyond(maxEntries, sweepRows)]) {
      while (!signal.aborted && (await remove()) === sweepRows) await Bun.sleep(5)
    }
  }
}

/** A problem document as JSON where it is some, so that it can be read as such; else the text. */
function parsed(problem: string): unknown {
  try {
    return JSON.parse(problem)
  } catch {
    return problem
  }
}

const placeOf = (hostname: string, subjectId: string | null, key: string) => `${hostname} ${subjectId ?? ""} ${key}`
