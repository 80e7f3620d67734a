import { expect, test } from "bun:test"
import { TrafficDay } from "./day"
import { HOUR_MS, MINUTE_MS } from "./model"

const noon = Date.UTC(2026, 10, 21, 12)

/** A store of minutes, and which hours were read. */
function setup() {
  const clock = { ms: noon + 30 * MINUTE_MS }
  const rows: { holderId: string; start: number; requests: number; failed: number }[] = []
  const read: number[] = []
  const day = new TrafficDay({
    count: async (from, to) => {
      if (from % HOUR_MS === 0) read.push(from)
      return rows.filter(({ start }) => start >= from && start < to)
    },
    now: () => clock.ms,
  })
  return { clock, rows, read, day }
}

test("the last 24 hours of the mappings asked for, the oldest first, those without a visit left out", async () => {
  const { rows, day } = setup()
  rows.push(
    { holderId: "a", start: noon + MINUTE_MS, requests: 3, failed: 1 },
    { holderId: "a", start: noon + 20 * MINUTE_MS, requests: 2, failed: 0 },
    { holderId: "a", start: noon - 23 * HOUR_MS, requests: 7, failed: 0 },
    { holderId: "a", start: noon - 24 * HOUR_MS, requests: 90, failed: 0 },
    { holderId: "another's", start: noon, requests: 1, failed: 0 },
  )
  const { from, to, holders } = await day.read(["a", "quiet"])
  expect([from, to]).toEqual(["2026-11-20T13:00:00.000Z", "2026-11-21T13:00:00.000Z"])
  const zeros = Array.from({ length: 22 }, () => 0)
  expect(holders).toEqual([{ id: "a", requests: [7, ...zeros, 5], failed: [0, ...zeros, 1] }])
})

test("an hour that is over is counted once, the present one again after half a minute", async () => {
  const { clock, rows, read, day } = setup()
  await day.read(["a"])
  expect(read.length).toBe(24)
  await day.read(["a"])
  expect(read.length).toBe(24)
  clock.ms += 31_000
  rows.push({ holderId: "a", start: noon + MINUTE_MS, requests: 1, failed: 0 })
  expect((await day.read(["a"])).holders[0]?.requests.at(-1)).toBe(1)
  expect(read.slice(24)).toEqual([noon])
})
