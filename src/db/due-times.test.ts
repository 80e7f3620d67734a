import { expect, test } from "bun:test"
import { pullBackDueTimes } from "./due-times"
import { openDatabase } from "./open"

const now = Date.parse("2026-11-30T00:00:00Z")
const day = 86_400_000

test("what a clock that was ahead put off is due now, and what is due within a week stays", async () => {
  const db = await openDatabase(":memory:")
  const attempt = (hostname: string, nextAttemptAt: number) => ({ hostname, failures: 1, lastAttemptAt: 0, nextAttemptAt, problem: "p" })
  await db
    .insertInto("certificateAttempts")
    .values([attempt("past.test", now - 1), attempt("week.test", now + 7 * day), attempt("year.test", now + 365 * day)])
    .execute()
  expect(await pullBackDueTimes(db, now)).toBe(1)
  const rows = await db.selectFrom("certificateAttempts").select(["hostname", "nextAttemptAt"]).orderBy("hostname").execute()
  expect(rows.map(({ nextAttemptAt }) => nextAttemptAt - now)).toEqual([-1, 7 * day, 0])
  expect(await pullBackDueTimes(db, now)).toBe(0)
  await db.destroy()
})

test("the watchdog's looks and alerts that wait for their receiver come back too", async () => {
  const db = await openDatabase(":memory:")
  const name = (hostname: string, nextCheckAt: number) => ({
    hostname,
    state: "ok" as const,
    detail: null,
    since: 0,
    checkedAt: 0,
    nextCheckAt,
  })
  const names = [name("day.test", now + day), name("days.test", now + 3 * day)]
  await db.insertInto("servedNames").values(names).execute()
  const delivery = (nextAttemptAt: number) => ({ receiver: "ntfy", notice: "{}", attempts: 1, nextAttemptAt, createdAt: 0 })
  await db
    .insertInto("alertDeliveries")
    .values([delivery(now + 6_000_000), delivery(now + 2 * day)])
    .execute()
  expect(await pullBackDueTimes(db, now)).toBe(2)
  const served = await db.selectFrom("servedNames").select("nextCheckAt").orderBy("hostname").execute()
  expect(served.map(({ nextCheckAt }) => nextCheckAt - now)).toEqual([day, 0])
  const waiting = await db.selectFrom("alertDeliveries").select("nextAttemptAt").orderBy("id").execute()
  expect(waiting.map(({ nextAttemptAt }) => nextAttemptAt - now)).toEqual([6_000_000, 0])
  await db.destroy()
})
