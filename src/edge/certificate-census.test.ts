import { expect, test } from "bun:test"
import { IssuanceError } from "../acme/issuer"
import { takeCensus } from "./certificate-census"
import { OrderCounts } from "./order-counts"

const day = 86_400_000
const now = 1000 * day

async function* rows(...ends: [hostname: string, daysLeft: number, daysToRenewal: number][]) {
  for (const [hostname, left, renewal] of ends) yield { hostname, notAfter: now + left * day, renewAt: now + renewal * day }
}

const census = (...ends: Parameters<typeof rows>) =>
  takeCensus({ ends: () => rows(...ends), isServed: (hostname) => !hostname.startsWith("gone."), now: () => now })

test("certificates in use are counted by days left, each bound with those above it", async () => {
  const { daysLeft, soonestEnd, expired } = await census(
    ["a", 90, 60],
    ["b", 30, 1],
    ["c", 29.9, 1],
    ["d", 0.5, -1],
    ["e", -1, -20],
    ["gone.f", -9, -20],
  )
  expect(daysLeft).toEqual({ expired: 1, "0-1": 1, "1-7": 0, "7-14": 0, "14-30": 1, "30-90": 1, "90+": 1 })
  expect([soonestEnd, expired]).toEqual([now - day, 1])
})

test("one is overdue when a quarter of its last time is over, however long that is", async () => {
  // 30 days between renewal and end, and 2.
  expect((await census(["a", 22.6, -7.4], ["b", 1.6, -0.4])).overdue).toBe(0)
  expect((await census(["a", 22.4, -7.6], ["b", 1.4, -0.6])).overdue).toBe(2)
})

test("without a certificate there is no soonest end", async () => {
  expect(await census(["gone.a", 1, 0])).toMatchObject({ soonestEnd: undefined, overdue: 0 })
})

test("failed orders are counted by the CA's own kinds, and it cannot make up others", () => {
  const counts = new OrderCounts()
  const problem = (type: string) => new IssuanceError("no", { problem: JSON.stringify({ type, detail: "x" }) })
  counts.failed("https://ca/", problem("urn:ietf:params:acme:error:rateLimited"), false)
  counts.failed("https://ca/", problem("urn:ietf:params:acme:error:rateLimited"), false)
  counts.failed("https://ca/", problem("urn:ietf:params:acme:error:no-such-7"), false)
  counts.failed("https://ca/", new IssuanceError("connection refused"), false)
  counts.failed("https://ca/", new IssuanceError("no record", { isUnready: true }), false)
  counts.failed("https://ca/", new IssuanceError("CAA forbids it"), true)
  counts.putOff("https://ca/")
  counts.issued("internal")
  const [ca, internal] = counts.all()
  expect(Object.fromEntries(ca!.failures)).toEqual({ rateLimited: 2, other: 2, unready: 1, preflight: 1, put_off: 1 })
  expect([ca!.issued, internal!.issued]).toEqual([0, 1])
})
