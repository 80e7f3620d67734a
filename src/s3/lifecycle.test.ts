import { afterEach, beforeEach, expect, test } from "bun:test"
import type { Namespace } from "../storage/model"
import { chunks, StorageHouse } from "../storage/storage.fixture"
import { applyLifecycle } from "./lifecycle"
import type { LifecycleRule } from "./lifecycle-rules"

const day = 86_400_000
/** A midnight. */
const start = 20_000 * day
let house: StorageHouse
let photos: Namespace

beforeEach(async () => {
  house = await StorageHouse.open()
  house.time = start
  photos = await house.namespace()
})
afterEach(() => house.close())

const rules = async (...all: Partial<LifecycleRule>[]) => {
  const whole = all.map((rule) => Object.assign({ id: "", isEnabled: true, prefix: "", tags: {} }, rule))
  await house.namespaces.update(photos, { lifecycle: JSON.stringify(whole) })
}
const put = (key: string, text = key, tags = {}) => house.objects.put(photos, key, chunks(text), { facts: { tags } })
const apply = (signal?: AbortSignal) => {
  const { store: namespaceStore, objects, uploads, log } = house
  return applyLifecycle({ namespaceStore, objects, uploads, log }, house.time, signal)
}
const place = { prefix: "", delimiter: "", from: { key: "", including: true }, limit: 1000 }
const keys = async () => (await house.objects.list(photos, place)).objects.map(({ key }) => key)
const versions = async () =>
  (await house.objects.versions(photos, place)).objects.map(({ key, isDeleteMarker, size }) => `${key} ${isDeleteMarker ? "gone" : size}`)

test("objects go at the midnight after their days, those of the prefix", async () => {
  await rules({ prefix: "logs/", expireDays: 2 })
  await put("logs/a")
  await put("other")
  house.time = start + 1000
  await put("logs/b")
  house.time = start + 2 * day - 1
  expect(await apply()).toEqual({ removed: 0, aborted: 0 })
  house.time = start + 2 * day
  expect(await apply()).toEqual({ removed: 1, aborted: 0 })
  expect(await keys()).toEqual(["logs/b", "other"])
  house.time = start + 3 * day - 1
  expect(await apply()).toEqual({ removed: 0, aborted: 0 })
  house.time = start + 3 * day
  expect(await apply()).toEqual({ removed: 1, aborted: 0 })
})

test("objects go at a date, by size and by tag; a rule that is disabled does nothing", async () => {
  await rules(
    { expireAt: start + day, moreThanBytes: 3, lessThanBytes: 6 },
    { expireDays: 1, tags: { k: "v", l: "w" } },
    { expireDays: 1, isEnabled: false },
  )
  await put("123")
  await put("1234")
  await put("123456")
  await put("t1", "t", { k: "v", l: "w", m: "x" })
  await put("t2", "t", { k: "v" })
  expect((await apply()).removed).toBe(0)
  house.time = start + day
  expect((await apply()).removed).toBe(2)
  expect(await keys()).toEqual(["123", "123456", "t2"])
})

test("with versioning an object goes behind a marker, and old versions go by their own days, but for the newest", async () => {
  photos = await house.namespaces.update(photos, { versioning: "enabled" })
  await rules({ expireDays: 10 }, { noncurrentDays: 3, keepNoncurrent: 1 })
  for (const text of ["1", "22", "333", "4444"]) {
    await put("a", text)
    house.time += day
  }
  house.time = start + 5 * day
  // The first was written over on the second day, the second on the third.
  expect((await apply()).removed).toBe(2)
  expect(await versions()).toEqual(["a 4", "a 3"])
  house.time = start + 13 * day
  expect((await apply()).removed).toBe(1)
  expect(await versions()).toEqual(["a gone", "a 4", "a 3"])
  house.time = start + 16 * day
  expect((await apply()).removed).toBe(1)
  expect(await versions()).toEqual(["a gone", "a 4"])
})

test("a marker goes when nothing is behind it", async () => {
  photos = await house.namespaces.update(photos, { versioning: "enabled" })
  await rules({ expireMarkers: true })
  const { versionId } = await put("a")
  await put("b")
  await house.objects.delete(photos, "a")
  await house.objects.delete(photos, "b")
  expect((await apply()).removed).toBe(0)
  await house.objects.delete(photos, "a", versionId)
  expect((await apply()).removed).toBe(1)
  expect(await versions()).toEqual(["b gone", "b 1"])
})

test("uploads that nobody ends are ended", async () => {
  await rules({ prefix: "big/", abortDays: 1 })
  const begin = (key: string) => house.uploads.begin(photos, key, { personId: "ann", kind: "s3" })
  const upload = await begin("big/a")
  await house.uploads.part(photos, upload, 1, chunks("part"))
  await begin("other")
  expect((await apply()).aborted).toBe(0)
  house.time = start + day
  expect((await apply()).aborted).toBe(1)
  expect((await house.uploads.list(photos, place)).objects.map(({ key }) => key)).toEqual(["other"])
  expect(await house.now(photos)).toMatchObject({ bytes: 0 })
})

test("more than a page goes in one pass, an object that was written meanwhile stays, and a pass ends when it is told to", async () => {
  await rules({ expireDays: 1 })
  await put("k0", "x")
  const { id: _, ...row } = await house.db.selectFrom("objectVersions").selectAll().executeTakeFirstOrThrow()
  const rows = Array.from({ length: 1202 }, (_, i) => Object.assign({}, row, { key: `k${i + 1}` }))
  for (let at = 0; at < rows.length; at += 500)
    await house.db
      .insertInto("objectVersions")
      .values(rows.slice(at, at + 500))
      .execute()
  house.time = start + day
  const told = new AbortController()
  told.abort()
  expect((await apply(told.signal)).removed).toBe(0)
  const passing = apply()
  await put("k1202", "new")
  await passing
  expect(await keys()).toEqual(["k1202"])
})

test("a bucket without rules is left alone", async () => {
  await put("a")
  house.time = start + 1000 * day
  expect(await apply()).toEqual({ removed: 0, aborted: 0 })
})
