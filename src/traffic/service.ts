import type { HeldName } from "../db/held-names"
import type { Log } from "../log"
import { Worker } from "../worker"
import {
  HOUR_MS,
  type HostTally,
  MINUTE_MS,
  parseTrafficQuery,
  stepMs,
  TallySum,
  type TrafficMinute,
  type TrafficQuery,
  type TrafficReply,
  type TrafficSource,
} from "./model"
import type { StoredTally, TrafficStore } from "./store"

/** What traffic needs of the rest of the house, wired in `app.ts`. */
export type TrafficNeeds = {
  store: TrafficStore
  source: TrafficSource
  /** Who holds these names, and since when. */
  holders: (hostnames: string[]) => Promise<HeldName[]>
  log: Log
  now: () => number
  /** Rows in each table. */
  maxRows?: number
}

/** Two days by the minute: what a person looks at after something went wrong yesterday. */
const MINUTES_KEPT_MS = 48 * HOUR_MS

/** A quarter by the hour, to see how use grows. */
const HOURS_KEPT_MS = 90 * 24 * HOUR_MS

/** About half a gigabyte: a thousand busy names for the whole time. With more, the oldest go before their time. */
const MAX_ROWS = 3_000_000

/** Rows in one transaction: 1.5 ms of the CPU, during which the edge serves nobody. More names take more transactions, with a pause between. */
const BATCH_ROWS = 100

/**
 * Writes the edge's counts once a minute, and answers questions about them. A row belongs to the mapping or connection, by id: who holds a name
 * later has an id of their own and sees nothing of it. A minute that a crash cut short is lost, as is one that the store could not take.
 */
export class TrafficService {
  private worker: Worker
  private writing = Promise.resolve()

  constructor(private needs: TrafficNeeds) {
    const untilNextMinute = () => MINUTE_MS - (needs.now() % MINUTE_MS)
    this.worker = new Worker((signal) => this.turn(signal), untilNextMinute, needs.log, "traffic could not be written")
  }

  start(): void {
    this.worker.start()
  }

  /** Writes what was counted so far; call it when the edge has stopped. */
  async stop(): Promise<void> {
    await this.worker.stop()
    await this.write()
  }

  /** What the worker does each minute. */
  async turn(signal: AbortSignal): Promise<void> {
    if (this.minute() !== this.needs.source.current.start) await this.write()
    await this.tidy(signal)
  }

  /** Rows of a mapping or connection and the name that it is for, in order of time; a step without requests has none. Throws `invalid` for the query. */
  async read({ id, hostname }: Pick<HeldName, "id" | "hostname">, query: URLSearchParams): Promise<TrafficReply> {
    const asked = parseTrafficQuery(query, this.needs.now())
    const sums = await this.sums(id, hostname, asked)
    const size = stepMs(asked.step)
    const starts = [...sums.keys()].sort((a, b) => a - b)
    const rows = starts.flatMap((start) => sums.get(start)?.row(start, start + size > this.needs.now()) ?? [])
    const [from, to] = [new Date(asked.from).toISOString(), new Date(asked.to).toISOString()]
    return { step: asked.step, from, to, rows }
  }

  private async sums(id: string, hostname: string, asked: TrafficQuery) {
    const { store, source, holders } = this.needs
    let current: TrafficMinute
    let stored: StoredTally[]
    await source.gather?.()
    const [holder] = await holders([hostname])
    do {
      // A minute that was taken is in neither place until it is written, so then we look again.
      await this.writing
      current = source.current
      stored = await store.read("minute", id, asked.from, asked.to)
      if (asked.step === "hour") stored.push(...(await store.read("hour", id, asked.from, asked.to)))
    } while (source.current !== current)
    const size = stepMs(asked.step)
    const sums = new Map<number, TallySum>()
    const sumAt = (ms: number) => {
      const start = Math.floor(ms / size) * size
      const sum = sums.get(start) ?? new TallySum()
      sums.set(start, sum)
      return sum
    }
    for (const row of stored) sumAt(row.start).add(row)
    const isAsked = current.start >= asked.from && current.start < asked.to
    const tally = isAsked && holder?.id === id ? current.tally(hostname) : undefined
    if (tally !== undefined && isOf(tally, holder)) sumAt(current.start).add(tally)
    return sums
  }

  private minute(): number {
    return Math.floor(this.needs.now() / MINUTE_MS) * MINUTE_MS
  }

  private write(): Promise<void> {
    const written = this.writeCurrent()
    this.writing = written.catch(() => {})
    return written
  }

  private async writeCurrent(): Promise<void> {
    const { source } = this.needs
    await source.gather?.()
    await this.writeMinute(source.take(this.minute()))
  }

  private async writeMinute(minute: TrafficMinute): Promise<void> {
    if (minute.unnamed > 0) {
      this.needs.log.warn("more names had traffic than are counted in a minute", { minute: minute.start, requests: minute.unnamed })
    }
    let batch: HostTally[] = []
    for (const tally of minute.tallies()) {
      batch.push(tally)
      if (batch.length < BATCH_ROWS) continue
      await this.writeBatch(minute.start, batch)
      batch = []
      await breathe()
    }
    if (batch.length > 0) await this.writeBatch(minute.start, batch)
  }

  private async writeBatch(start: number, batch: HostTally[]): Promise<void> {
    const holders = await this.needs.holders(batch.map((tally) => tally.host))
    const byName = new Map(holders.map((holder) => [holder.hostname, holder]))
    const rows: StoredTally[] = []
    for (const tally of batch) {
      const holder = byName.get(tally.host)
      if (holder === undefined || !isOf(tally, holder)) continue
      const { host: _host, firstAt: _firstAt, ...counts } = tally
      rows.push({ ...counts, holderId: holder.id, start })
    }
    await this.needs.store.add("minute", start, rows)
  }

  private async tidy(signal: AbortSignal): Promise<void> {
    const { store, now, maxRows = MAX_ROWS } = this.needs
    const stepsBefore = async (step: "minute" | "hour", keptMs: number) => ((await store.size(step)) > maxRows ? now() : now() - keptMs)
    const full = (rows: number) => rows === BATCH_ROWS && !signal.aborted
    while (full(await store.rollUp(await stepsBefore("minute", MINUTES_KEPT_MS), BATCH_ROWS))) await breathe()
    while (full(await store.drop(await stepsBefore("hour", HOURS_KEPT_MS), BATCH_ROWS))) await breathe()
  }
}

/** False when the name was somebody else's for a part of the minute. */
const isOf = (tally: HostTally, holder: HeldName | undefined) => holder !== undefined && tally.firstAt >= holder.since

/** Lets requests that came meanwhile be served. */
const breathe = () => Bun.sleep(0)
