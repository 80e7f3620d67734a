import { expect, test } from "bun:test"
import { checkLimits, checkLimitsFor, type LimitLeft } from "./limits"

const limit = (left: number, more: Partial<LimitLeft> = {}): LimitLeft => ({
  kind: "domain",
  subject: "example.com",
  left,
  capacity: 50,
  closedUntil: undefined,
  sentence: `${left} of 50 certificates left this week for example.com at Let's Encrypt, the next one in 3 h 22 min`,
  ...more,
})

test("limits with plenty are well", () => {
  expect(checkLimits([])).toEqual({ status: "ok", verdict: "No limit on orders of certificates is near its end." })
})

test("a limit that is nearly used up is said, and one that is used up is a warning, each with its remedy", () => {
  expect(checkLimits([limit(3)])).toMatchObject({
    status: "ok",
    verdict: "A limit is nearly used up: 3 of 50 certificates left this week for example.com at Let's Encrypt, the next one in 3 h 22 min.",
  })
  const used = checkLimits([limit(0), limit(0, { kind: "orders", subject: "" }), limit(2)])
  expect(used).toMatchObject({ status: "warn", remedy: expect.stringContaining("a wildcard covers many") })
  expect(used.verdict).toBe(
    "A limit is used up: 0 of 50 certificates left this week for example.com at Let's Encrypt, the next one in 3 h 22 min; 1 more used up, 1 more nearly so, which “freehold certificates limits” lists.",
  )
  const closed = limit(4, { kind: "directory", subject: "", closedUntil: 1, sentence: "ca.example is to be left alone until 12:00" })
  expect(checkLimits([closed])).toEqual({
    status: "warn",
    verdict: "A limit is used up: ca.example is to be left alone until 12:00.",
    remedy: "Nothing is to be done: what is waiting is ordered by itself then.",
  })
})

test.each([
  ["failures", "app.example.com", "“freehold doctor app.example.com”"],
  ["name", "app.example.com", "who has app.example.com certified again"],
  ["orders", "", "FREEHOLD_ACME_FALLBACK_DIRECTORY"],
  ["handshakes", "", "FREEHOLD_HANDSHAKE_BUDGET"],
  ["domain_handshakes", "example.com", "FREEHOLD_HANDSHAKE_DOMAIN_BUDGET"],
])("the remedy of %s is its own", (kind, subject, remedy) => {
  expect(checkLimits([limit(0, { kind, subject })]).remedy).toContain(remedy)
})

test("of one name: nothing, a notice, and what keeps its order waiting", () => {
  expect(checkLimitsFor("app.test", undefined)).toMatchObject({ status: "ok" })
  expect(checkLimitsFor("app.test", { severity: "notice", sentence: "3 left.", fix: null })).toEqual({ status: "ok", verdict: "3 left." })
  expect(checkLimitsFor("app.test", { severity: "warning", sentence: "None left.", fix: "Wait." })).toEqual({
    status: "warn",
    verdict: "None left.",
    remedy: "Wait.",
  })
})
