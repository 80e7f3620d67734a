import { expect, test } from "bun:test"
import { AppError } from "../errors"
import { HOUR_MS, MINUTE_MS, parseTrafficQuery } from "./model"

const noon = Date.UTC(2026, 10, 21, 12)
const parse = (query: string, now = noon) => parseTrafficQuery(new URLSearchParams(query), now)

test.each([
  ["", { from: noon - 59 * MINUTE_MS, to: noon + MINUTE_MS, step: "minute" }],
  ["step=hour", { from: noon - 23 * HOUR_MS, to: noon + HOUR_MS, step: "hour" }],
  ["to=2026-11-21T12:00:00Z", { from: noon - HOUR_MS, to: noon, step: "minute" }],
  ["to=2026-11-21T12:00:00.001Z", { from: noon - HOUR_MS, to: noon + MINUTE_MS, step: "minute" }],
  [`from=${noon - 1}&to=${noon}`, { from: noon - MINUTE_MS, to: noon, step: "minute" }],
  ["from=2026-11-21T12:30%2B01:00", { from: noon - 30 * MINUTE_MS, to: noon + MINUTE_MS, step: "minute" }],
  [`from=${noon - 9999 * MINUTE_MS}`, { from: noon - 9999 * MINUTE_MS, to: noon + MINUTE_MS, step: "minute" }],
] as const)("%p is understood", (query, asked) => {
  expect(parse(query)).toEqual(asked)
})

const notTime = "must be an ISO 8601 time with its zone, or Unix milliseconds"

test.each([
  ["step=day", "step must be minute or hour"],
  ["step=", "step must be minute or hour"],
  ["from=yesterday", `from ${notTime}`],
  ["from=", `from ${notTime}`],
  ["from=-1", `from ${notTime}`],
  ["from=9999999999999999", `from ${notTime}`],
  ["to=2026-11-21T12:00:00", `to ${notTime}`],
  ["to=2026-13-41T12:00:00Z", `to ${notTime}`],
  ["from=2026-11-21T12:00:00Z&to=2026-11-21T12:00:00Z", "from must be before to"],
  [`from=${noon + HOUR_MS}`, "from must be before to"],
  ["from=0&to=36000000001&step=hour", "from and to span 10001 rows, and an answer has at most 10000: ask for a shorter time"],
  [
    `from=${noon - 10_000 * MINUTE_MS}`,
    "from and to span 10001 rows, and an answer has at most 10000: ask for a shorter time or step=hour",
  ],
])("%p is refused: %p", (query, message) => {
  expect(() => parse(query)).toThrow(new AppError("invalid", message))
})
