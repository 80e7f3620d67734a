import { expect, test } from "bun:test"
import { RateLimit } from "./rate-limit"

test("a burst passes, then as many as time brings, for each key by itself", () => {
  let now = 0
  const limit = new RateLimit(3, 2, () => now)
  const take = (key: string) => {
    try {
      limit.take(key)
      return "ok"
    } catch (error) {
      return (error as { retryAfterSeconds?: number }).retryAfterSeconds
    }
  }
  expect([1, 2, 3, 4].map(() => take("a"))).toEqual(["ok", "ok", "ok", 1])
  expect(take("b")).toBe("ok")
  now += 500
  expect([take("a"), take("a")]).toEqual(["ok", 1])
  now += 60_000
  expect([1, 2, 3, 4].map(() => take("a"))).toEqual(["ok", "ok", "ok", 1])
})
