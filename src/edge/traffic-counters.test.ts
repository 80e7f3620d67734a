import { expect, test } from "bun:test"
import { bucketOf, Histogram } from "../traffic/histogram"
import { TrafficCounters } from "./traffic-counters"

const minute = 1_763_700_000_000 - (1_763_700_000_000 % 60_000)

function setup(limits: { maxHosts?: number; maxCells?: number } = {}) {
  const clock = { ms: minute + 1500 }
  const counters = new TrafficCounters(limits, () => clock.ms)
  return { clock, counters }
}

function encoded(times: number[]): Uint8Array {
  const histogram = new Histogram()
  for (const ms of times) histogram.add(bucketOf(ms))
  return histogram.encode()
}

test("requests, classes, bytes and times are counted for each name", () => {
  const { clock, counters } = setup()
  counters.note("a.test", 200, 10, 1000, 1.5)
  clock.ms += 10
  counters.note("a.test", 404, 0, 5_000_000_000, 20)
  counters.note("b.test", 101, 1, 2, 3)
  expect(counters.current.start).toBe(minute)
  expect(counters.current.tally("a.test")).toEqual({
    host: "a.test",
    firstAt: minute + 1500,
    requests: 2,
    status1xx: 0,
    status2xx: 1,
    status3xx: 0,
    status4xx: 1,
    status5xx: 0,
    bytesIn: 10,
    bytesOut: 5_000_001_000,
    histogram: encoded([1.5, 20]),
  })
  expect([...counters.current.tallies()].map((tally) => [tally.host, tally.requests])).toEqual([
    ["a.test", 2],
    ["b.test", 1],
  ])
  expect(counters.current.tally("c.test")).toBeUndefined()
})

test.each([
  [101, "status1xx"],
  [204, "status2xx"],
  [304, "status3xx"],
  [400, "status4xx"],
  [499, "status4xx"],
  [0, "status4xx"],
  [502, "status5xx"],
  [599, "status5xx"],
] as const)("status %p counts as %p", (status, field) => {
  const { counters } = setup()
  counters.note("a.test", status, 0, 0, 1)
  expect(counters.current.tally("a.test")?.[field]).toBe(1)
})

test("a histogram stays right while it grows, between others that grow too", () => {
  const { counters } = setup()
  const times = Array.from({ length: 2000 }, (_, i) => 0.01 * 1.007 ** i)
  for (const ms of times) for (const host of ["a.test", "b.test"]) counters.note(host, 200, 0, 0, ms)
  for (const ms of times.slice(0, 100)) counters.note("c.test", 200, 0, 0, ms)
  expect(counters.current.tally("a.test")?.histogram).toEqual(encoded(times))
  expect(counters.current.tally("b.test")?.histogram).toEqual(encoded(times))
  expect(counters.current.tally("c.test")?.histogram).toEqual(encoded(times.slice(0, 100)))
})

test("taking a minute begins an empty one and leaves the taken one as it was", () => {
  const { counters } = setup()
  counters.note("a.test", 200, 0, 0, 1)
  const taken = counters.take(minute + 60_000)
  counters.note("a.test", 200, 0, 0, 1)
  counters.note("a.test", 200, 0, 0, 1)
  expect([taken.start, taken.tally("a.test")?.requests]).toEqual([minute, 1])
  expect([counters.current.start, counters.current.tally("a.test")?.requests]).toEqual([minute + 60_000, 2])
})

test("names beyond the bound are counted together, and the others go on", () => {
  const { counters } = setup({ maxHosts: 2 })
  for (const host of ["a.test", "b.test", "c.test", "d.test", "a.test"]) counters.note(host, 200, 0, 0, 1)
  expect([...counters.current.tallies()].map((tally) => [tally.host, tally.requests])).toEqual([
    ["a.test", 2],
    ["b.test", 1],
  ])
  expect(counters.current.unnamed).toBe(2)
})

test("past the bound on cells requests are still counted, and times of buckets that are there", () => {
  const { counters } = setup({ maxCells: 8 })
  for (let i = 0; i < 20; i++) counters.note("a.test", 200, 0, 0, 1.5 ** i)
  counters.note("a.test", 200, 0, 0, 1)
  counters.note("b.test", 200, 0, 0, 1)
  const tally = counters.current.tally("a.test")
  expect(tally?.requests).toBe(21)
  expect(tally?.histogram).toEqual(encoded([...Array.from({ length: 8 }, (_, i) => 1.5 ** i), 1]))
  expect(counters.current.tally("b.test")).toMatchObject({ requests: 1, histogram: new Uint8Array(0) })
})

test("counts made elsewhere are added as if they had been counted here", () => {
  const here = setup()
  const there = setup({ maxHosts: 2 })
  const whole = setup()
  const note = (which: ReturnType<typeof setup>, host: string, status: number, ms: number) => {
    for (const each of [which, whole]) each.counters.note(host, status, 10, 1000, ms)
  }
  there.clock.ms -= 500
  note(there, "b.test", 200, 1)
  whole.clock.ms += 500
  note(here, "a.test", 200, 2)
  note(here, "b.test", 404, 3)
  for (let i = 0; i < 300; i++) note(there, "a.test", 500, 1.1 ** (i % 60))
  there.counters.note("c.test", 200, 0, 0, 1)
  const expected = { ...whole.counters.current.tally("b.test"), firstAt: minute + 1000 }
  const packed = structuredClone(there.counters.take(minute).pack())
  here.counters.merge(packed)
  expect(here.counters.current.tally("b.test")).toEqual(expected as never)
  const { firstAt: _here, ...merged } = here.counters.current.tally("a.test")!
  const { firstAt: _whole, ...counted } = whole.counters.current.tally("a.test")!
  expect(merged).toEqual(counted)
  expect(here.counters.current.unnamed).toBe(1)
  here.counters.merge(there.counters.take(minute).pack())
  expect(here.counters.current.tally("a.test")?.requests).toBe(301)
})

test("beyond the bound on names the counts made elsewhere are unnamed", () => {
  const here = setup({ maxHosts: 1 })
  const there = setup()
  here.counters.note("a.test", 200, 0, 0, 1)
  for (const host of ["b.test", "b.test", "a.test"]) there.counters.note(host, 200, 0, 0, 1)
  here.counters.merge(there.counters.take(minute).pack())
  expect([here.counters.current.unnamed, here.counters.current.tally("a.test")?.requests]).toEqual([2, 2])
})
