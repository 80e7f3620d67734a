import { expect, test } from "bun:test"
import { ExpiringMap } from "./two-factor-expiring-map"

function setup() {
  const clock = { ms: 0 }
  return { clock, map: new ExpiringMap<number>(1000, () => clock.ms) }
}

test("a value is there until its time is over, and a new value has its time anew", () => {
  const { clock, map } = setup()
  map.set("a", 1)
  clock.ms = 999
  expect(map.get("a")).toBe(1)
  map.set("a", 2)
  clock.ms = 1998
  expect(map.get("a")).toBe(2)
  clock.ms = 1999
  expect([map.get("a"), map.take("a")]).toEqual([undefined, undefined])
})

test("a value is taken once", () => {
  const { map } = setup()
  map.set("a", 1)
  expect([map.take("a"), map.take("a")]).toEqual([1, undefined])
})

test("past 10 000 values the oldest goes, and no other", () => {
  const { map } = setup()
  for (let i = 0; i <= 10_000; i++) map.set(String(i), i)
  expect([map.get("0"), map.get("1"), map.get("10000")]).toEqual([undefined, 1, 10_000])
})
