import type { Insertable, Selectable } from "kysely"
import type { Db } from "../db/open"
import type { TrafficTable } from "../db/schema"
import { HOUR_MS, type Step, stepMs, TallySum } from "./model"

/** Counts of a mapping or connection in the step that begins at `start`. */
export type StoredTally = Omit<Selectable<TrafficTable>, "id">

/** Steps asked for in one query. */
const STARTS_PER_QUERY = 500

const tables = { minute: "trafficMinutes", hour: "trafficHours" } as const

/** Every query on `traffic_minutes` and `traffic_hours`. */
export class TrafficStore {
  constructor(private db: Db) {}

  /** Adds counts of one step to what is stored of it, all or none. */
  async add(step: Step, start: number, tallies: StoredTally[]): Promise<void> {
    await this.db.transaction().execute((trx) => add(trx, step, start, tallies))
  }

  /** A holder's rows from `from` until before `to`, in order. */
  async read(step: Step, holderId: string, from: number, to: number): Promise<StoredTally[]> {
    const kept = await this.span(step)
    if (kept === undefined) return []
    const size = stepMs(step)
    const starts: number[] = []
    const end = Math.min(to, kept.newest + size)
    for (let start = Math.max(from, kept.oldest); start < end; start += size) starts.push(start)
    const rows: StoredTally[] = []
    while (starts.length > 0) {
      const query = this.db
        .selectFrom(tables[step])
        .selectAll()
        .where("start", "in", starts.splice(0, STARTS_PER_QUERY))
        .where("holderId", "=", holderId)
        .orderBy("start")
      rows.push(...(await query.execute()))
    }
    return rows
  }

  /** What every holder was asked from `from` until before `to`, of the minutes that are stored. */
  count = (from: number, to: number) =>
    this.db
      .selectFrom("trafficMinutes")
      .select((e) => ["holderId", e.fn.sum<number>("requests").as("requests"), e.fn.sum<number>("status5xx").as("failed")])
      .where("start", ">=", from)
      .where("start", "<", to)
      .groupBy("holderId")
      .execute()

  /** At most so many rows are there: ids are given in order and the oldest go first, so nothing is counted. */
  async size(step: Step): Promise<number> {
    const table = tables[step]
    const first = await this.db.selectFrom(table).select("id").orderBy("id").limit(1).executeTakeFirst()
    const last = await this.db.selectFrom(table).select("id").orderBy("id", "desc").limit(1).executeTakeFirst()
    return first === undefined || last === undefined ? 0 : last.id - first.id + 1
  }

  /** Adds the oldest minutes that begin before `before` to their hours, at most `limit` rows, all or none; answers how many there were. */
  async rollUp(before: number, limit: number): Promise<number> {
    return this.db.transaction().execute(async (trx) => {
      const rows = await trx.selectFrom("trafficMinutes").selectAll().where("start", "<", before).orderBy("start").limit(limit).execute()
      const hours = Map.groupBy(rows, (row) => Math.floor(row.start / HOUR_MS) * HOUR_MS)
      for (const [hour, minutes] of hours) {
        const sums: StoredTally[] = []
        for (const [holderId, ofHolder] of Map.groupBy(minutes, (row) => row.holderId)) {
          sums.push({ holderId, start: hour, ...sumOf(ofHolder) })
        }
        await add(trx, "hour", hour, sums)
      }
      await remove(trx, "minute", rows)
      return rows.length
    })
  }

  /** Deletes the oldest hours that begin before `before`, at most `limit` rows; answers how many there were. */
  async drop(before: number, limit: number): Promise<number> {
    const rows = await this.db.selectFrom("trafficHours").select("id").where("start", "<", before).orderBy("start").limit(limit).execute()
    await remove(this.db, "hour", rows)
    return rows.length
  }

  private async span(step: Step): Promise<{ oldest: number; newest: number } | undefined> {
    const table = tables[step]
    const oldest = await this.db.selectFrom(table).select("start").orderBy("start").limit(1).executeTakeFirst()
    const newest = await this.db.selectFrom(table).select("start").orderBy("start", "desc").limit(1).executeTakeFirst()
    return oldest === undefined || newest === undefined ? undefined : { oldest: oldest.start, newest: newest.start }
  }
}

async function add(db: Db, step: Step, start: number, tallies: StoredTally[]): Promise<void> {
  if (tallies.length === 0) return
  const table = tables[step]
  const holderIds = tallies.map((tally) => tally.holderId)
  const stored = await db.selectFrom(table).selectAll().where("start", "=", start).where("holderId", "in", holderIds).execute()
  const before = new Map(stored.map((row) => [row.holderId, row]))
  const values = tallies.map((tally): Insertable<TrafficTable> => {
    const earlier = before.get(tally.holderId)
    return { ...(earlier === undefined ? tally : { ...sumOf([earlier, tally]), holderId: tally.holderId }), start }
  })
  await db
    .insertInto(table)
    .values(values)
    .onConflict((c) =>
      c.columns(["start", "holderId"]).doUpdateSet((e) => ({
        requests: e.ref("excluded.requests"),
        status1xx: e.ref("excluded.status1xx"),
        status2xx: e.ref("excluded.status2xx"),
        status3xx: e.ref("excluded.status3xx"),
        status4xx: e.ref("excluded.status4xx"),
        status5xx: e.ref("excluded.status5xx"),
        bytesIn: e.ref("excluded.bytesIn"),
        bytesOut: e.ref("excluded.bytesOut"),
        histogram: e.ref("excluded.histogram"),
      })),
    )
    .execute()
}

async function remove(db: Db, step: Step, rows: { id: number }[]): Promise<void> {
  if (rows.length === 0) return
  const ids = rows.map((row) => row.id)
  await db.deleteFrom(tables[step]).where("id", "in", ids).execute()
}

function sumOf(rows: StoredTally[]) {
  const sum = new TallySum()
  for (const row of rows) sum.add(row)
  return sum.tally()
}
