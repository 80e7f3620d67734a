import { sql } from "kysely"
import type { Db } from "./open"

const DAY_MS = 86_400_000

/** None of them is set further ahead than this, unless it says so: a CA may ask for a week's patience. */
const furthestMs = 8 * DAY_MS

/** Times at which something is looked at or tried next. */
const dueTimes: { table: string; column: string; furthestMs?: number }[] = [
  { table: "domain_mappings", column: "next_check_at" },
  { table: "connections", column: "next_check_at" },
  { table: "webhook_deliveries", column: "next_attempt_at" },
  { table: "certificate_attempts", column: "next_attempt_at" },
  { table: "alert_deliveries", column: "next_attempt_at", furthestMs: DAY_MS },
  { table: "served_names", column: "next_check_at", furthestMs: 2 * DAY_MS },
]

/**
 * Brings back what was set by a clock that was ahead: it is due now, instead of a year from now. Answers how many rows that were. For a start, and after
 * the clock has jumped back.
 */
export async function pullBackDueTimes(db: Db, now: number): Promise<number> {
  let moved = 0
  for (const { table, column, furthestMs: own = furthestMs } of dueTimes) {
    const [at, name] = [sql.ref(column), sql.table(table)]
    const result = await sql`UPDATE ${name} SET ${at} = ${now} WHERE ${at} > ${now + own}`.execute(db)
    moved += Number(result.numAffectedRows ?? 0)
  }
  return moved
}
