import { afterEach, expect, test } from "bun:test"
import { type Db, openDatabase } from "../db/open"
import { registrableDomain } from "../registrable-domain"
import { AskedNames, isSensible } from "./asked-names"

const DAY_MS = 24 * 3_600_000
const opened: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

async function setup(budgets: { domain: number; overall: number }, size?: number) {
  const db: Db = await openDatabase(":memory:")
  opened.push(() => db.destroy())
  const clock = { at: Date.UTC(2026, 10, 30) }
  const faults: unknown[] = []
  const make = () =>
    new AskedNames({
      db,
      budgets: () => budgets,
      registeredDomain: registrableDomain,
      onFault: (error) => faults.push(error),
      now: () => clock.at,
      ...(size === undefined ? {} : { size }),
    })
  const rows = async () =>
    Number(
      (
        await db
          .selectFrom("askedNames")
          .select((e) => e.fn.countAll().as("n"))
          .executeTakeFirstOrThrow()
      ).n,
    )
  return { db, names: make(), make, clock, faults, rows, budgets }
}

const allowed = (names: AskedNames, many: string[]) => many.filter((name) => names.allows(name))
const below = (domain: string, count: number) => Array.from({ length: count }, (_, n) => `n${n}.${domain}`)

test("a registered domain has its budget of new names in a week, and whoever was allowed stays so", async () => {
  const { names, clock } = await setup({ domain: 3, overall: 100 })
  const many = [...below("a.example.com", 3), ...below("b.example.com", 3)]
  expect(allowed(names, many)).toEqual(many.slice(0, 3))
  expect(allowed(names, below("example.org", 2))).toHaveLength(2)
  clock.at += 6 * DAY_MS
  expect(allowed(names, many)).toEqual(many.slice(0, 3))
  clock.at += 1 * DAY_MS
  expect(allowed(names, many)).toHaveLength(6)
})

test("all domains together have one too", async () => {
  const { names } = await setup({ domain: 3, overall: 4 })
  expect(allowed(names, [...below("example.com", 3), ...below("example.org", 3)])).toHaveLength(4)
})

test("a restart forgets neither who was allowed nor what is used up", async () => {
  const t = await setup({ domain: 2, overall: 100 })
  allowed(t.names, below("example.com", 2))
  while ((await t.rows()) < 2) await Bun.sleep(1)
  const next = t.make()
  await next.load()
  expect(allowed(next, below("example.com", 3))).toEqual(below("example.com", 2))
})

test("while the store is broken, names that are known are allowed, and new ones within the budget", async () => {
  const t = await setup({ domain: 2, overall: 100 })
  t.names.allows("n0.example.com")
  while ((await t.rows()) < 1) await Bun.sleep(1)
  await t.db.schema.dropTable("askedNames").execute()
  expect(allowed(t.names, below("example.com", 3))).toEqual(below("example.com", 2))
  while (t.faults.length === 0) await Bun.sleep(1)
  t.clock.at += DAY_MS
  expect(t.names.allows("n0.example.com")).toBe(true)
})

test("a refusal is remembered until there is room, and forgotten at once when the mapped names change", async () => {
  const { names, budgets } = await setup({ domain: 1, overall: 100 })
  names.allows("n0.example.com")
  expect(names.allows("n1.example.com")).toBe(false)
  budgets.domain = 2
  expect(names.allows("n1.example.com")).toBe(false)
  names.changed()
  expect(names.allows("n1.example.com")).toBe(true)
})

test("no more names are remembered than there is room for, in memory and in the store", async () => {
  const t = await setup({ domain: 1000, overall: 1000 }, 10)
  allowed(t.names, below("example.com", 50))
  while ((await t.rows()) !== 10) await Bun.sleep(1)
  expect(t.faults).toEqual([])
})

test.each([
  ["a.example.com", true],
  ["www.www.example.com", true],
  ["www.www.www.example.com", false],
  ["www.a.www.b.www.example.com", false],
  ["a.b.c.d.e.f.g.h.i.j.com", false],
  ["192.0.2.1", false],
])("%s is a sensible name: %p", (name, is) => {
  expect(isSensible(name)).toBe(is)
})

test("what a clock a year ahead allowed and refused holds for a week after it was set right, also over a restart", async () => {
  const { names, make, clock } = await setup({ domain: 2, overall: 100 })
  clock.at += 365 * DAY_MS
  expect(allowed(names, below("example.com", 3))).toHaveLength(2)
  clock.at -= 365 * DAY_MS
  const again = make()
  await again.load()
  for (const some of [names, again]) expect(some.allows("later.example.com")).toBe(false)
  clock.at += 7 * DAY_MS + 1
  for (const some of [names, again]) expect(some.allows("later.example.com")).toBe(true)
})

test("after a restart a full budget is refused for as long as before it", async () => {
  const { names, make, clock, budgets } = await setup({ domain: 100, overall: 3 })
  for (const name of ["a.example.com", "b.example.org", "c.example.net"]) {
    expect(names.allows(name)).toBe(true)
    clock.at += DAY_MS
  }
  // Asked for last, the oldest is read first.
  expect(names.allows("a.example.com")).toBe(true)
  await Bun.sleep(10)
  const again = make()
  await again.load()
  expect(again.allows("d.example.com")).toBe(false)
  clock.at += 4 * DAY_MS + 1
  expect(again.allows("d.example.com")).toBe(true)
  expect(budgets.overall).toBe(3)
})
