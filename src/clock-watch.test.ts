import { expect, test } from "bun:test"
import { ClockWatch } from "./clock-watch"

const HOUR = 3_600_000
const YEAR = 365 * 24 * HOUR
const t0 = Date.parse("2026-11-30T00:00:00Z")

function watchFrom(lastWrittenAt?: number) {
  const time = { wall: t0, steady: 1000 }
  const said: string[] = []
  const log = { warn: (text: string) => said.push(text) }
  let jumpsBack = 0
  const watch = new ClockWatch(
    log,
    lastWrittenAt,
    () => jumpsBack++,
    () => time.wall,
    () => time.steady,
  )
  const pass = (ms: number) => {
    time.wall += ms
    time.steady += ms
  }
  return { watch, time, said, pass, jumpsBack: () => jumpsBack }
}

test("a clock that goes on evenly, or is set by seconds, is the time", () => {
  const { watch, time, said, pass } = watchFrom(t0 - HOUR)
  expect(watch.agingNow()).toBe(t0)
  pass(10 * HOUR)
  time.wall += 30_000
  expect(watch.agingNow()).toBe(time.wall)
  expect(said).toEqual([])
})

test.each([HOUR, YEAR])("after a jump forward by %d ms ages go on from before for an hour of real time, and it is said once", (jump) => {
  const { watch, time, said, pass } = watchFrom(t0 - HOUR)
  time.wall += jump
  expect(watch.agingNow()).toBe(t0)
  pass(HOUR - 1)
  expect(watch.agingNow()).toBe(t0 + HOUR - 1)
  pass(1)
  expect(watch.agingNow()).toBe(time.wall)
  expect(said).toEqual(["the clock jumped: for an hour nothing is removed for its age by the new time"])
})

test("a jump back makes nothing older, and is told", () => {
  const { watch, time, jumpsBack } = watchFrom()
  time.wall += YEAR
  watch.agingNow()
  expect(jumpsBack()).toBe(0)
  time.wall -= 2 * YEAR
  expect(watch.agingNow()).toBe(t0 - YEAR)
  expect(jumpsBack()).toBe(1)
})

test("a clock that jumps and comes back is the time at once, since both agree", () => {
  const { watch, time, said, pass } = watchFrom()
  time.wall += YEAR
  watch.agingNow()
  pass(HOUR / 2)
  time.wall -= YEAR
  expect(watch.agingNow()).toBe(t0 + HOUR / 2)
  expect(said).toHaveLength(2)
})

test("a start a year after the last write goes on from that write; the first start ever, and one after a holiday, go by the clock", () => {
  expect(watchFrom(t0 - YEAR).watch.agingNow()).toBe(t0 - YEAR)
  expect(watchFrom(t0 + YEAR).watch.agingNow()).toBe(t0)
  expect(watchFrom(t0 - 20 * 24 * HOUR).watch.agingNow()).toBe(t0)
  expect(watchFrom().watch.agingNow()).toBe(t0)
})
