import { expect, test } from "bun:test"
import { closestZone, formatTime, parseToken } from "./model"

test.each([
  ["a.b.test", ["b.test", "a.b.test", "test"], "a.b.test"],
  ["x.a.b.test", ["b.test", "a.b.test"], "a.b.test"],
  ["xb.test", ["b.test"], undefined],
  ["b.test", ["a.b.test"], undefined],
  ["b.test", [], undefined],
])("of the zones around %p in %p the closest is %p", (host, names, closest) => {
  expect(
    closestZone(
      host,
      names.map((name) => ({ name })),
    )?.name,
  ).toBe(closest)
})

test("times are shown to the second, and a token without its blanks", () => {
  expect(formatTime(0)).toBe("1970-01-01T00:00:00Z")
  expect(formatTime(Date.parse("2026-06-01T12:00:00.789Z"))).toBe("2026-06-01T12:00:00Z")
  expect(parseToken('{"token":"\\tabc \\r\\n"}')).toBe("abc")
})
