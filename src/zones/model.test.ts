import { expect, test } from "bun:test"
import { formatTime, parseToken } from "./model"

test("times are shown to the second, and a token without its blanks", () => {
  expect(formatTime(0)).toBe("1970-01-01T00:00:00Z")
  expect(formatTime(Date.parse("2026-06-01T12:00:00.789Z"))).toBe("2026-06-01T12:00:00Z")
  expect(parseToken('{"token":"\\tabc \\r\\n"}')).toBe("abc")
})
