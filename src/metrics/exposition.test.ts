import { expect, test } from "bun:test"
import { durationBounds } from "../traffic/durations"
import { expose } from "./exposition"
import { byLabel, counter, type Family, gauge } from "./family"

const read = async (...families: Family[]) => {
  const faults: string[] = []
  const text = await expose(families, (name) => faults.push(name))
  return { lines: text.split("\n"), faults }
}

test("a family has its help, its type and a line for each figure", async () => {
  const { lines } = await read(byLabel("counter", "things_total", "Things.", "kind", () => ({ good: 3, bad: 0 })))
  expect(lines).toEqual([
    "# HELP things_total Things.",
    "# TYPE things_total counter",
    'things_total{kind="good"} 3',
    'things_total{kind="bad"} 0',
    "",
  ])
})

test("values of labels and texts cannot break out of their place", async () => {
  const { lines } = await read(byLabel("gauge", "g", "One\\two\nthree.", "url", () => ({ 'a"b\\c\nd': 1 })))
  expect(lines[0]).toBe("# HELP g One\\\\two\\nthree.")
  expect(lines[2]).toBe('g{url="a\\"b\\\\c\\nd"} 1')
})

test("buckets of a histogram are cumulative, and the last has everything", async () => {
  const counts = [...durationBounds.map((_, index) => (index === 1 ? 2 : 0)), 1]
  const times = { bounds: durationBounds, counts, sum: 61.5 }
  const { lines } = await read({
    name: "t_seconds",
    help: "T.",
    labels: ["by"],
    type: "histogram",
    read: () => [{ labels: { by: "x" }, times }],
  })
  expect(lines.slice(2, 5)).toEqual([
    't_seconds_bucket{by="x",le="0.001"} 0',
    't_seconds_bucket{by="x",le="0.0025"} 2',
    't_seconds_bucket{by="x",le="0.005"} 2',
  ])
  expect(lines.slice(-4)).toEqual(['t_seconds_bucket{by="x",le="+Inf"} 3', 't_seconds_sum{by="x"} 61.5', 't_seconds_count{by="x"} 3', ""])
})

test("one that cannot be read, or lacks a label, is left out and told of, and the others stand", async () => {
  const failing = gauge("a", "A.", () => Promise.reject(new Error("the store is away")))
  const lacking: Family = { name: "b", help: "B.", labels: ["kind"], type: "gauge", read: () => [{ value: 1 }] }
  const { lines, faults } = await read(
    failing,
    lacking,
    counter("c_total", "C.", () => 2),
    gauge("d", "D.", () => undefined),
  )
  expect(faults.sort()).toEqual(["a", "b"])
  expect(lines).toEqual(["# HELP c_total C.", "# TYPE c_total counter", "c_total 2", ""])
})
