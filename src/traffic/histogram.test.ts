import { describe, expect, test } from "bun:test"
import { BUCKETS, bucketOf, Histogram } from "./histogram"

function histogramOf(times: number[]): Histogram {
  const histogram = new Histogram()
  for (const ms of times) histogram.add(bucketOf(ms))
  return histogram
}

/** The exact percentile by nearest rank. */
const exact = (times: number[], share: number) => times.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(share * times.length)) - 1] ?? 0

describe("percentiles are within 5 % of the exact ones", () => {
  const many = Array.from({ length: 5000 }, (_, i) => i)
  test.each([
    ["one time", [12.34]],
    ["two times", [1, 1000]],
    ["even", many.map((i) => 0.02 + i / 100)],
    ["over seven decades", many.map((i) => 0.01 * 10 ** (i / 600))],
    ["a slow tail", many.map((i) => (i % 100 === 0 ? 2500 : 3.7))],
    ["the most there can be", [7_000_000]],
  ])("%s", (_name, times) => {
    const histogram = histogramOf(times)
    for (const share of [0.01, 0.5, 0.95, 0.99, 1]) {
      const error = Math.abs(histogram.percentile(share) / exact(times, share) - 1)
      expect(error).toBeLessThanOrEqual(0.05)
    }
  })
})

test.each([
  [0, 0.01],
  [-1, 0.01],
  [Number.NaN, 0.01],
  [0.01, 0.01],
])("a time of %p counts as the shortest, %p", (ms, shown) => {
  expect(histogramOf([ms]).percentile(0.5)).toBe(shown)
})

test("buckets grow with the time and the longest times share the last", () => {
  let before = 0
  for (let ms = 0.001; ms < 1e8; ms *= 1.02) {
    const bucket = bucketOf(ms)
    expect(bucket === before || bucket === before + 1).toBe(true)
    before = bucket
  }
  expect([before, bucketOf(Number.POSITIVE_INFINITY)]).toEqual([BUCKETS - 1, BUCKETS - 1])
})

test("what is merged is what would have been counted together, also of large counts", () => {
  const [fast, slow] = [Array.from({ length: 300 }, (_, i) => 1 + i / 100), Array.from({ length: 100 }, (_, i) => 50 + i)]
  const both = histogramOf([...fast, ...slow])
  const merged = new Histogram()
  merged.merge(histogramOf(fast).encode())
  merged.merge(histogramOf(slow).encode())
  expect(merged.encode()).toEqual(both.encode())
  expect(merged.percentile(0.95)).toBe(both.percentile(0.95))
})

test.each([1, 127, 128, 16_384, 2 ** 32 + 5, 2 ** 45 + 1])("a count of %p survives its bytes", (count) => {
  const before = new Histogram()
  before.add(3, count)
  before.add(200, 1)
  const after = new Histogram()
  after.merge(before.encode())
  expect(after.encode()).toEqual(before.encode())
  // A count that is one off on either side would move these ranks.
  after.add(200, count - 1)
  const [lower, upper] = [after.percentile(0), after.percentile(1)]
  expect(after.percentile(0.5)).toBe(lower)
  after.add(200, 1)
  expect(after.percentile(0.5)).toBe(upper)
})

test("few times take few bytes, and none take none", () => {
  expect(histogramOf([3.1]).encode()).toHaveLength(2)
  expect(histogramOf([]).encode()).toHaveLength(0)
  expect(histogramOf([]).percentile(0.5)).toBe(0)
  const cleared = histogramOf([1, 2])
  cleared.clear()
  expect(cleared.encode()).toHaveLength(0)
})

test.each([[[5]], [[5, 128]], [[5, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]]])("damaged bytes %p are refused", (bytes) => {
  expect(() => new Histogram().merge(Uint8Array.from(bytes))).toThrow("damaged")
})
