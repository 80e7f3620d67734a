import { afterEach, expect, test } from "bun:test"
import { type Db, openDatabase } from "../db/open"
import { silentLog } from "../log"
import { type Former, PublicAddresses } from "./public-addresses"
import { PublicAddressStore } from "./store"

const DAY_MS = 24 * 3_600_000
const opened: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

async function setup() {
  const db: Db = await openDatabase(":memory:")
  opened.push(() => db.destroy())
  const world = { at: Date.UTC(2026, 10, 30), configured: [] as string[], found: [] as string[], intervalMs: 60_000 as number | undefined }
  const followed: Former[][] = []
  const changes = { count: 0 }
  const make = async () => {
    const addresses = new PublicAddresses({
      store: new PublicAddressStore(db),
      configured: () => world.configured,
      find: async () => world.found,
      intervalMs: () => world.intervalMs,
      graceMs: () => 7 * DAY_MS,
      onChange: () => void changes.count++,
      follow: async (former) => void followed.push(former),
      log: silentLog,
      now: () => world.at,
    })
    await addresses.start()
    opened.unshift(() => addresses.stop())
    return addresses
  }
  return { world, followed, changes, make, addresses: await make() }
}

test("the first address is taken at once, another in its place when it was found twice", async () => {
  const { world, addresses, followed } = await setup()
  world.found = ["198.51.100.1", "2001:db8::1"]
  await addresses.look()
  expect([addresses.of(4), addresses.of(6)]).toEqual([["198.51.100.1"], ["2001:db8::1"]])
  world.found = ["198.51.100.2", "2001:db8::1"]
  await addresses.look()
  expect(addresses.of(4)).toEqual(["198.51.100.1"])
  expect(followed).toEqual([])
  await addresses.look()
  expect(addresses.of(4)).toEqual(["198.51.100.2"])
  expect(followed).toEqual([[{ address: "198.51.100.1", leftAt: world.at, successor: "198.51.100.2" }]])
})

test("a line that fails over and back moves nothing, and neither does a look that finds nothing", async () => {
  const { world, addresses, changes } = await setup()
  for (const found of [["198.51.100.1"], ["198.51.100.2"], ["198.51.100.1"], ["198.51.100.2"], ["198.51.100.1"], [], []]) {
    world.found = found
    await addresses.look()
  }
  expect(addresses.of(4)).toEqual(["198.51.100.1"])
  // That of the start, and the first address.
  expect(changes.count).toBe(2)
})

test("what the settings say wins at once, and what they said before is a former address, also after a restart", async () => {
  const t = await setup()
  t.world.configured = ["198.51.100.1"]
  t.world.intervalMs = undefined
  await t.addresses.look()
  const next = await t.make()
  t.world.configured = ["198.51.100.2"]
  const last = await t.make()
  expect(next.of(4)).toEqual(["198.51.100.2"])
  expect(last.former()).toEqual([{ address: "198.51.100.1", leftAt: t.world.at, successor: "198.51.100.2" }])
  await last.look()
  expect(t.followed.at(-1)).toHaveLength(1)
})

test("an address that comes back is no former one, and a grace that is over ends it", async () => {
  const { world, addresses } = await setup()
  for (const address of ["198.51.100.1", "198.51.100.2", "198.51.100.1"]) {
    world.configured = [address]
    await addresses.look()
  }
  expect(addresses.former().map(({ address }) => address)).toEqual(["198.51.100.2"])
  world.at += 7 * DAY_MS
  expect(addresses.former()).toEqual([])
})

test("what could not be brought along is tried again, but not at every look", async () => {
  const { world, addresses, followed } = await setup()
  for (const address of ["198.51.100.1", "198.51.100.2"]) {
    world.configured = [address]
    await addresses.look()
  }
  await addresses.look()
  expect(followed).toHaveLength(1)
  world.at += 600_000
  await addresses.look()
  expect(followed).toHaveLength(2)
})

test("without an interval nothing is looked for, and where the settings say another address than the Internet sees, both are told", async () => {
  const { world, addresses } = await setup()
  world.found = ["198.51.100.9"]
  world.intervalMs = undefined
  await addresses.look()
  expect(addresses.of(4)).toEqual([])
  world.intervalMs = 1000
  world.configured = ["198.51.100.1"]
  await addresses.look()
  expect(addresses.of(4)).toEqual(["198.51.100.1"])
  expect(addresses.contradiction()).toEqual({ configured: "198.51.100.1", seen: "198.51.100.9" })
})

test("what has not followed is tried again after the clock was set back", async () => {
  const { world, addresses, followed } = await setup()
  for (const found of ["198.51.100.1", "198.51.100.2", "198.51.100.2"]) {
    world.found = [found]
    await addresses.look()
  }
  expect(followed).toHaveLength(1)
  world.at -= 365 * DAY_MS
  await addresses.look()
  expect(followed).toHaveLength(2)
  await addresses.look()
  expect(followed).toHaveLength(2)
})
