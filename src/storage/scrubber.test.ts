import { afterEach, beforeEach, expect, test } from "bun:test"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import type { Namespace } from "./model"
import { Scrubber } from "./scrubber"
import { chunks, StorageHouse } from "./storage.fixture"

let house: StorageHouse
let photos: Namespace
let rate: number
let time: number

beforeEach(async () => {
  house = await StorageHouse.open()
  photos = await house.namespace()
  rate = 2 ** 40
  time = Date.now()
})
afterEach(() => house.close())

const never = new AbortController().signal
const day = 86_400_000
const scrubber = () =>
  new Scrubber({
    blobs: house.blobs,
    references: house.references,
    rate: () => rate,
    intervalMs: () => 30 * day,
    log: house.log,
    now: () => time,
  })
const put = (key: string, text: string | Uint8Array) => house.objects.put(photos, key, chunks(text))

function flipBit(hash: string | undefined): void {
  const path = house.blobs.path(hash ?? "")
  const bytes = readFileSync(path)
  bytes[0] = (bytes[0] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

test("a flipped bit and a missing file are found, and said to be of which objects", async () => {
  const [flipped, missing] = [await put("flipped.txt", "one"), await put("missing.txt", "two")]
  await put("whole.txt", "three")
  await put("empty.txt", "")
  const upload = await house.uploads.begin(photos, "in-parts.txt", { personId: "ann", kind: "s3" })
  const part = await house.uploads.part(photos, upload, 1, chunks("four"))
  await house.uploads.complete(photos, upload)
  flipBit(flipped.hash)
  flipBit(part.hash)
  rmSync(house.blobs.path(missing.hash ?? ""))
  await scrubber().run(never)
  const faults = await house.references.faults()
  expect(Object.fromEntries(faults.map(({ hash, kind }) => [hash, kind]))).toEqual({
    [flipped.hash ?? ""]: "damaged",
    [part.hash]: "damaged",
    [missing.hash ?? ""]: "missing",
  })
  const told = house.logged.filter((line) => line.includes("not whole")).join("")
  for (const key of ["flipped.txt", "missing.txt", "in-parts.txt"]) expect(told).toContain(key)
  expect(told).not.toContain("whole.txt")
  expect(await house.references.lastFinishedScrub()).toMatchObject({ blobs: 5, faults: 3, bytes: 15 })
})

test("a reading begins when it is due or asked for, and not else", async () => {
  await put("a", "text")
  const one = scrubber()
  const count = async () => (await house.references.lastScrub())?.id ?? 0
  await one.run(never)
  await one.run(never)
  expect(await count()).toBe(1)
  one.request()
  await one.run(never)
  await one.run(never)
  expect(await count()).toBe(2)
  time += 30 * day
  await one.run(never)
  expect(await count()).toBe(3)
})

test("a reading that was ended goes on where it was, after a restart too", async () => {
  for (let i = 0; i < 30; i++) await put(`k${i}`, `text ${i}`)
  const ending = new AbortController()
  // Ten objects a second, each of which counts as 64 KiB.
  rate = 10 * 64 * 1024
  const first = scrubber().run(ending.signal)
  await Bun.sleep(350)
  ending.abort()
  await first
  const halfway = await house.references.lastScrub()
  expect(halfway).toMatchObject({ finishedAt: null })
  const { blobs = 0, position = "" } = halfway ?? {}
  expect(blobs).toBeGreaterThan(0)
  expect(blobs).toBeLessThan(30)
  expect(position).toBe(house.onDisk()[blobs - 1] ?? "")
  // What lies behind it is found, what lies before it is not looked at again.
  for (const hash of house.onDisk()) flipBit(hash)
  rate = 2 ** 40
  house.start()
  await scrubber().run(never)
  expect(await house.references.lastFinishedScrub()).toMatchObject({ id: halfway?.id ?? 0, blobs: 30, faults: 30 - blobs })
})

test("a fault ends when the bytes are whole again, at the next turn where they were written anew", async () => {
  const object = await put("a", "text")
  flipBit(object.hash)
  await scrubber().run(never)
  expect(await house.references.faults()).toHaveLength(1)
  await scrubber().run(never)
  expect(await house.references.faults()).toHaveLength(1)
  await Bun.sleep(5)
  await put("b", "text")
  await scrubber().run(never)
  expect(await house.references.faults()).toEqual([])
  expect(await house.text(photos, "a")).toBe("text")
})

test("a fault ends when nothing refers to the bytes any more", async () => {
  const object = await put("a", "text")
  flipBit(object.hash)
  await scrubber().run(never)
  await house.objects.delete(photos, "a")
  await scrubber().run(never)
  expect(await house.references.faults()).toEqual([])
})

test("a small file counts as 64 KiB", async () => {
  for (let i = 0; i < 20; i++) await put(`k${i}`, `text ${i}`)
  rate = 40 * 64 * 1024
  const began = performance.now()
  await scrubber().run(never)
  expect(performance.now() - began).toBeGreaterThan(400)
})

test("it keeps its pace", async () => {
  await put("a", new Uint8Array(1024 * 1024))
  rate = 4 * 1024 * 1024
  const began = performance.now()
  await scrubber().run(never)
  const tookMs = performance.now() - began
  expect(tookMs).toBeGreaterThan(200)
  expect(tookMs).toBeLessThan(1000)
})

test("bytes that it reads stay while it reads them", async () => {
  const object = await put("a", new Uint8Array(1024 * 1024))
  rate = 8 * 1024 * 1024
  const reading = scrubber().run(never)
  await Bun.sleep(30)
  await house.objects.delete(photos, "a")
  await house.blobs.collect(Date.now(), -1)
  expect(house.onDisk()).toEqual([object.hash ?? ""])
  await reading
  expect(await house.references.faults()).toEqual([])
  await house.blobs.collect(Date.now(), -1)
  expect(house.onDisk()).toEqual([])
})
