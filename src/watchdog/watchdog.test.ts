import { beforeEach, expect, test } from "bun:test"
import { X509Certificate } from "node:crypto"
import { type Db, openDatabase } from "../db/open"
import { silentLog } from "../log"
import { ServedNameStore } from "./store"
import { Watchdog, type WatchdogNeeds } from "./watchdog"

const dayMs = 86_400_000
let db: Db
let store: ServedNameStore
let clock: number
let chains: Record<string, string>

const make = async (name: string) => {
  const folder = `/tmp/freehold-watchdog-${process.pid}`
  await Bun.$`mkdir -p ${folder} && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -out ${folder}/c.pem -days 2 -subj /CN=${name}`.quiet()
  const pem = await Bun.file(`${folder}/c.pem`).text()
  await Bun.$`rm -r ${folder}`
  return pem
}
const [ours, other] = [await make("ours.test"), await make("other.test")]
const served = (pem: string) => ({ certificate: new X509Certificate(pem).fingerprint256, subject: "other.test" })

beforeEach(async () => {
  db = await openDatabase(":memory:")
  store = new ServedNameStore(db)
  clock = 1_000_000
  chains = {}
})

async function certificates(...names: string[]) {
  for (const name of names) chains[name] = ours
  const row = { issuer: "internal", chain: "", sealedKey: "", notBefore: 0, notAfter: 0, renewAt: 0, createdAt: 0 }
  const rows = names.map((hostname) => Object.assign({ hostname }, row))
  for (let at = 0; at < rows.length; at += 1000)
    await db
      .insertInto("certificates")
      .values(rows.slice(at, at + 1000))
      .execute()
}

const open = (change: Partial<WatchdogNeeds> = {}) =>
  new Watchdog({
    store,
    stored: async (name) => chains[name],
    isServed: () => true,
    shake: async () => served(ours),
    log: silentLog,
    now: () => clock,
    random: () => 0.5,
    ...change,
  })

test("each name is looked at within a day, and then daily", async () => {
  await certificates("a.test", "b.test")
  const shaken: string[] = []
  const dog = open({
    shake: async (name) => {
      shaken.push(name)
      return served(ours)
    },
  })
  await dog.turn()
  clock += dayMs
  await dog.turn()
  expect(shaken.sort()).toEqual(["a.test", "b.test"])
  expect(await store.find("a.test")).toMatchObject({ state: "ok", since: clock, checkedAt: clock, nextCheckAt: clock + 0.95 * dayMs })
  await dog.turn()
  expect(shaken).toHaveLength(2)
  expect(await store.counts()).toEqual({ total: 2, seen: 2, trouble: 0 })
})

test("ten thousand names are spread over the day, and one turn takes a bounded part of them", async () => {
  await certificates(...Array.from({ length: 10_000 }, (_, n) => `n${n}.test`))
  let [now, most] = [0, 0]
  let shaken = 0
  const dog = open({
    shake: async () => {
      most = Math.max(most, ++now)
      await Promise.resolve()
      now--
      shaken++
      return served(ours)
    },
  })
  await dog.turn()
  clock += dayMs / 10
  const { length } = await store.due(clock, 100_000)
  expect(Math.abs(length - 1000)).toBeLessThan(200)
  await dog.turn()
  expect([shaken, most]).toEqual([50, 4])
})

test("another certificate than the stored one is told with since when, as long as it stays, and its end is seen soon", async () => {
  await certificates("a.test")
  let pem = other
  const dog = open({ shake: async () => served(pem) })
  await dog.turn()
  clock += dayMs
  await dog.turn()
  const began = clock
  expect(await store.inTrouble()).toMatchObject([{ hostname: "a.test", state: "differs", since: began }])
  clock += 10 * 60_000
  await dog.turn()
  expect(await store.find("a.test")).toMatchObject({ state: "differs", since: began, checkedAt: clock })
  pem = ours
  clock += 10 * 60_000
  await dog.turn()
  expect(await store.find("a.test")).toMatchObject({ state: "ok", since: clock })
  expect(await store.inTrouble()).toEqual([])
}, 20_000)

test("a difference that is gone at the second look was a renewal and no trouble", async () => {
  await certificates("a.test")
  let looks = 0
  expect(await open({ shake: async () => served(looks++ === 0 ? other : ours) }).look("a.test")).toEqual({ state: "ok", detail: null })
})

test.each([
  ["refused", "unreachable"],
  ["timeout", "unreachable"],
  ["other", "refused"],
] as const)("a handshake that ends as %s is %s", async (failure, state) => {
  await certificates("a.test")
  expect((await open({ shake: async () => ({ failure, reason: "why" }) }).look("a.test"))?.state).toBe(state)
})

test("a renewed name is looked at at once, a wildcard by a name below it, one that is not mapped not at all", async () => {
  await certificates("a.test", "*.b.test", "gone.test")
  const shaken: string[] = []
  const dog = open({
    isServed: (name) => name !== "gone.test",
    shake: async (name) => {
      shaken.push(name)
      return served(ours)
    },
  })
  await dog.replaced("*.b.test")
  await dog.replaced("gone.test")
  await dog.replaced("never-had-one.test")
  clock += 10_000
  await dog.turn()
  expect(shaken).toEqual(["freehold-watchdog.b.test"])
  expect(await store.find("gone.test")).toMatchObject({ state: "unseen" })
  expect(await store.find("never-had-one.test")).toBeUndefined()
})

test("a name whose certificate is gone is forgotten, and with it its trouble", async () => {
  await certificates("a.test")
  const dog = open({ shake: async () => served(other) })
  await dog.turn()
  clock += dayMs
  await dog.turn()
  await db.deleteFrom("certificates").execute()
  clock += 2 * 3_600_000
  await dog.turn()
  expect(await store.counts()).toEqual({ total: 0, seen: 0, trouble: 0 })
}, 20_000)

test("a watchdog that makes no turns is seen from outside", async () => {
  const dog = open()
  expect(dog.stalledSince).toBeUndefined()
  const began = clock
  clock += 16 * 60_000
  expect(dog.stalledSince).toBe(began)
  await dog.turn()
  expect(dog.stalledSince).toBeUndefined()
})

test("a name whose chain cannot be read keeps no other from its turn", async () => {
  await certificates("a.test", "broken.test", "c.test")
  chains["broken.test"] = "no certificate"
  const errors: unknown[] = []
  const dog = open({ log: { ...silentLog, error: (_message, fields) => void errors.push(fields?.["hostname"]) } })
  await dog.turn()
  clock += dayMs
  await dog.turn()
  expect(errors).toEqual(["broken.test"])
  expect((await store.find("a.test"))?.state).toBe("ok")
  expect((await store.find("c.test"))?.state).toBe("ok")
  expect(await store.find("broken.test")).toMatchObject({ state: "unseen", nextCheckAt: clock + 600_000 })
  // And it is looked at when it can be.
  chains["broken.test"] = ours
  clock += 600_000
  await dog.turn()
  expect((await store.find("broken.test"))?.state).toBe("ok")
})

test("certificates that come after the clock was set back are followed within the hour", async () => {
  clock = Date.parse("2030-01-01T00:00:00Z")
  const dog = open()
  await dog.turn()
  clock = Date.parse("2026-11-30T00:00:00Z")
  await certificates("new.test")
  await dog.turn()
  expect(await store.find("new.test")).toMatchObject({ state: "unseen" })
})
