import { afterEach, expect, test } from "bun:test"
import { IssuanceError } from "../acme/issuer"
import { openDatabase } from "../db/open"
import { registrableDomain } from "../registrable-domain"
import { limitsOf, ownBooks, ownLimits } from "./directory-limits"
import { Ledger } from "./ledger"
import { LedgerStore } from "./store"

const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"
const other = "https://ca.example/directory"
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

const opened: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

async function setup(settings: { orders?: number; domain?: number; handshakes?: number; domainHandshakes?: number } = {}) {
  const db = await openDatabase(":memory:")
  opened.push(() => db.destroy())
  const clock = { at: Date.UTC(2026, 10, 30) }
  const make = () =>
    new Ledger({
      store: new LedgerStore(db),
      limitsOf: (url) =>
        url === ownBooks
          ? ownLimits({ handshakes: settings.handshakes ?? 60, domainHandshakes: settings.domainHandshakes ?? 20 })
          : limitsOf(url, { orders: settings.orders ?? 300, domain: settings.domain }),
      nameOf: (url) => (url === letsEncrypt ? "Let's Encrypt" : new URL(url).host),
      registeredDomain: registrableDomain,
      now: () => clock.at,
    })
  const rows = async () => (await db.selectFrom("issuanceBuckets").selectAll().execute()).length
  return { ledger: make(), make, clock, rows, db }
}

const putOff = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(IssuanceError)
  return error as IssuanceError
}

test("fifty names of a registered domain in a week, by the public suffix list with its private part, and then one every 3 h 22 min", async () => {
  const { ledger, clock } = await setup()
  const books = ledger.at(letsEncrypt)
  for (let n = 0; n < 47; n++) await books.order(`n${n}.shop.example.co.uk`, "new")
  const views = await ledger.forName(letsEncrypt, "x.example.co.uk")
  expect(views[0]).toMatchObject({ kind: "domain", subject: "example.co.uk", left: 3, capacity: 50 })
  expect(views[0]?.sentence).toBe("3 of 50 certificates left this week for example.co.uk at Let's Encrypt, one more in 3 h 22 min")
  for (let n = 47; n < 50; n++) await books.order(`n${n}.example.co.uk`, "new")
  const refused = await putOff(books.order("x.example.co.uk", "new"))
  expect(refused.putOffUntil).toBe(clock.at + Math.ceil((7 * DAY_MS) / 50))
  expect(refused.problem).toBe(
    "Let's Encrypt allows 50 certificates a week for example.co.uk, and they are used up; it is ordered at 2026-11-30 03:22 UTC, in 3 h 22 min",
  )
  // Each customer of a hoster has their own.
  await books.order("a.github.io", "new")
  await books.order("other.co.uk", "new")
  clock.at = refused.putOffUntil ?? 0
  await books.order("x.example.co.uk", "new")
  await putOff(books.order("y.example.co.uk", "new"))
})

test("a refused order takes from no bucket", async () => {
  const { ledger } = await setup()
  const books = ledger.at(letsEncrypt)
  for (let n = 0; n < 5; n++) await books.order("same.example.com", "new")
  const before = await ledger.all(10)
  expect((await putOff(books.order("same.example.com", "new"))).problem).toContain("5 certificates a week for exactly same.example.com")
  expect(await ledger.all(10)).toEqual(before)
})

test("renewals are free where the CA lets them be: of everything when announced, else of orders and of the domain", async () => {
  const { ledger } = await setup()
  const books = ledger.at(letsEncrypt)
  for (let n = 0; n < 50; n++) await books.order(`n${n}.example.com`, "new")
  await putOff(books.order("x.example.com", "new"))
  await books.order("n1.example.com", "renewal")
  for (let n = 0; n < 10; n++) await books.order("n2.example.com", "announced")
  expect((await ledger.forName(letsEncrypt, "n2.example.com")).find(({ kind }) => kind === "name")?.left).toBe(4)
  expect((await ledger.forName(letsEncrypt, "n1.example.com")).find(({ kind }) => kind === "name")?.left).toBe(3)
})

test("where renewals count too, new names leave the last tenth to them", async () => {
  const { ledger } = await setup({ orders: 20 })
  const books = ledger.at(other)
  for (let n = 0; n < 18; n++) await books.order(`n${n}.example.com`, "new")
  expect((await putOff(books.order("x.example.com", "new"))).problem).toContain("the last tenth of them is kept for renewals")
  await books.order("n1.example.com", "renewal")
  await books.order("n2.example.com", "renewal")
  await putOff(books.order("n3.example.com", "renewal"))
})

test("an order that came to nothing gives its certificate back, but not the order", async () => {
  const { ledger } = await setup()
  const booked = await ledger.at(letsEncrypt).order("a.example.com", "new")
  await booked.endedWithoutCertificate()
  expect((await ledger.all(10)).buckets.map(({ kind, left }) => [kind, left])).toEqual([["orders", 299]])
})

test("an order is not made while the store is broken, and one under way does not fail for its books", async () => {
  const { ledger, db } = await setup()
  const booked = await ledger.at(letsEncrypt).order("a.example.com", "new")
  const well = await ledger.at(letsEncrypt).validation("a.example.com")
  await db.schema.dropTable("issuanceBuckets").execute()
  await booked.endedWithoutCertificate()
  await well?.()
  await ledger.at(letsEncrypt).refused({ hostname: "a.example.com", text: "busy", retryAfterMs: 1000, isLimit: false })
  await expect(ledger.at(letsEncrypt).order("a.example.com", "new")).rejects.toThrow("no such table")
})

test("five failed validations of a hostname, each on the books before it is made", async () => {
  const { ledger, make, clock } = await setup()
  const well = await ledger.at(letsEncrypt).validation("a.example.com")
  await well?.()
  for (let n = 0; n < 5; n++) expect(await ledger.at(letsEncrypt).validation("a.example.com")).toBeDefined()
  // As after a crash: nothing but the store is left.
  const books = make().at(letsEncrypt)
  expect(await books.validation("a.example.com")).toBeUndefined()
  expect((await putOff(books.order("a.example.com", "new"))).putOffUntil).toBe(clock.at + 12 * MINUTE_MS)
  await books.order("b.example.com", "new")
  clock.at += 12 * MINUTE_MS
  expect(await books.validation("a.example.com")).toBeDefined()
})

test.each([
  ["too many new orders (300) from this account in the last 3h0m0s, retry after …", "orders", ["a.example.com", "b.example.org"]],
  ['too many certificates (50) already issued for "example.com" in the last 168h0m0s', "domain", ["a.example.com", "b.example.com"]],
  ["too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s", "name", ["a.example.com"]],
  ['too many failed authorizations (5) for "a.example.com" in the last 1h0m0s', "failures", ["a.example.com"]],
])("a CA that says %p closes %s, also one that is not known", async (text, kind, closed) => {
  const { ledger, make, clock } = await setup()
  await ledger.at(other).refused({ hostname: "a.example.com", text, retryAfterMs: HOUR_MS, isLimit: true })
  const names = ["a.example.com", "b.example.com", "b.example.org"]
  const books = make().at(other)
  expect((await make().all(10)).buckets).toMatchObject([{ kind, left: 0, closedUntil: clock.at + HOUR_MS }])
  for (const name of names) {
    if (closed.includes(name) || kind === "orders") expect((await putOff(books.order(name, "new"))).problem).toContain(text)
    else await books.order(name, "new")
    // Another directory is not meant.
    await ledger.at(letsEncrypt).order(name, "new")
  }
  clock.at += HOUR_MS
  await books.order("a.example.com", "new")
})

test("a busy directory is closed for renewals too", async () => {
  const { ledger } = await setup()
  await ledger.at(letsEncrypt).refused({ hostname: "a.example.com", text: "busy", retryAfterMs: MINUTE_MS, isLimit: false })
  await putOff(ledger.at(letsEncrypt).order("b.example.com", "announced"))
})

test("a clock that jumps by a year empties nothing for longer than a limit looks back, and full buckets are forgotten", async () => {
  const { ledger, clock, rows } = await setup({ orders: 1 })
  const books = ledger.at(other)
  await books.order("a.example.com", "new")
  clock.at -= 365 * DAY_MS
  expect((await putOff(books.order("a.example.com", "new"))).putOffUntil).toBe(clock.at + 3 * HOUR_MS)
  clock.at += 730 * DAY_MS
  await books.order("b.example.com", "new")
  expect(await rows()).toBe(1)
})

test("a limit that is raised leaves what is more at once", async () => {
  const settings = { orders: 2 }
  const { ledger } = await setup(settings)
  for (const name of ["a.example.com", "b.example.com"]) await ledger.at(other).order(name, "new")
  await putOff(ledger.at(other).order("c.example.com", "new"))
  settings.orders = 5
  expect((await ledger.all(10)).buckets[0]).toMatchObject({ left: 3, capacity: 5 })
  for (const name of ["c.example.com", "d.example.com", "e.example.com"]) await ledger.at(other).order(name, "new")
  await putOff(ledger.at(other).order("f.example.com", "new"))
})

test("many orders at once share what is left, no more", async () => {
  const { ledger } = await setup({ orders: 5 })
  const ends = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => ledger.at(other).order(`n${n}.example.com`, "new")))
  expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(5)
})

test("orders at handshakes have budgets of their own, in all and by registered domain, which a restart does not refill", async () => {
  const { ledger, make, clock } = await setup({ handshakes: 3, domainHandshakes: 2 })
  await ledger.handshake("a.example.com")
  await ledger.handshake("b.example.com")
  const refused = await putOff(make().handshake("c.example.com"))
  expect(refused.problem).toBe(
    "Freehold allows 2 orders at handshakes in 1 day for example.com, and they are used up; the next may be made at 2026-11-30 12:00 UTC, in 12 h",
  )
  await ledger.handshake("a.example.org")
  expect((await putOff(ledger.handshake("a.example.net"))).putOffUntil).toBe(clock.at + 20 * MINUTE_MS)
  // Nothing of it is the CA's, and orders that no handshake asks for go on.
  await ledger.at(letsEncrypt).order("c.example.com", "new")
  await ledger.at(letsEncrypt).order("a.example.com", "renewal")
  expect((await ledger.all(10)).buckets.find(({ kind }) => kind === "handshakes")).toMatchObject({ ca: "Freehold", left: 0, capacity: 3 })
  clock.at += 20 * MINUTE_MS
  await ledger.handshake("a.example.net")
})

test("scarce limits are found among many that are hardly touched, the emptiest first", async () => {
  const settings = { orders: 300, domain: 50 }
  const { ledger, clock } = await setup(settings)
  const books = ledger.at(letsEncrypt)
  for (let n = 0; n < 120; n++) await books.order(`www.n${n}.com`, "new")
  expect(await ledger.scarce(5)).toEqual([])
  for (let n = 0; n < 40; n++) await books.order(`n${n}.example.com`, "new")
  for (let n = 0; n < 5; n++) await books.validation("a.example.net")
  await ledger.at(other).refused({ hostname: "x.example.org", text: "too many new orders", retryAfterMs: HOUR_MS, isLimit: true })
  const kinds = async () => (await ledger.scarce(5)).map(({ kind, subject, left }) => [kind, subject, left]).sort()
  expect(await kinds()).toEqual([
    ["domain", "example.com", 10],
    ["failures", "a.example.net", 0],
    ["orders", "", 0],
  ])
  expect((await ledger.scarce(5)).at(-1)).toMatchObject({ kind: "domain" })
  // One more comes back, and eleven of fifty are no fifth any more; with a smaller limit they are none at all.
  clock.at += 4 * HOUR_MS
  expect(await kinds()).toEqual([])
  settings.domain = 40
  expect(await kinds()).toEqual([["domain", "example.com", 1]])
})

test("what a directory closed is shown closed for a week at most, whatever the clock did", async () => {
  const { ledger, clock } = await setup()
  await ledger.at(other).refused({ hostname: "a.example.com", text: "too many new orders", retryAfterMs: HOUR_MS, isLimit: true })
  clock.at -= 365 * DAY_MS
  expect((await ledger.all(10)).buckets[0]).toMatchObject({ closedUntil: clock.at + 7 * DAY_MS })
})
