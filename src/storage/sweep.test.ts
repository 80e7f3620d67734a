import { afterEach, beforeEach, expect, test } from "bun:test"
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Namespace } from "./model"
import { chunks, StorageHouse } from "./storage.fixture"
import { sweep } from "./sweep"

let house: StorageHouse
let photos: Namespace

beforeEach(async () => {
  house = await StorageHouse.open()
  photos = await house.namespace()
})
afterEach(() => house.close())

const run = (signal?: AbortSignal) => sweep(house.blobs, house.references, house.log, () => house.time, signal)
const put = (key: string, text: string) => house.objects.put(photos, key, chunks(text))

function orphan(hash: string): string {
  const path = house.blobs.path(hash)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, "nobody's")
  return path
}

test("bytes that nothing refers to go, and everything else stays", async () => {
  const kept = await put("a", "text")
  const upload = await house.uploads.begin(photos, "b", { personId: "ann", kind: "s3" })
  const part = await house.uploads.part(photos, upload, 1, chunks("part"))
  const second = await house.uploads.begin(photos, "c", { personId: "ann", kind: "s3" })
  const segment = await house.uploads.part(photos, second, 1, chunks("segment"))
  await house.uploads.complete(photos, second)
  const paths = ["00", "ab", "ff"].map((shard) => orphan(shard + "0".repeat(62)))
  house.start()
  expect(await run()).toEqual({ blobs: 3, removed: 3, missing: 0 })
  expect(paths.filter((path) => existsSync(path))).toEqual([])
  expect(house.onDisk().sort()).toEqual([kept.hash ?? "", part.hash, segment.hash].sort())
  expect(await run()).toEqual({ blobs: 3, removed: 0, missing: 0 })
})

test("rows without bytes are reported with the objects that they are of, once, and stay", async () => {
  const object = await put("holiday.jpg", "text")
  rmSync(house.blobs.path(object.hash ?? ""))
  expect(await run()).toMatchObject({ missing: 1 })
  expect(await run()).toMatchObject({ missing: 1 })
  expect(await house.references.faults()).toMatchObject([{ hash: object.hash ?? "", kind: "missing" }])
  const told = house.logged.filter((line) => line.includes("not whole"))
  expect(told).toHaveLength(1)
  expect(told[0]).toContain("holiday.jpg")
  expect(await house.objects.find(photos, "holiday.jpg")).toBeDefined()
})

test("what another process left half received goes, and what this one receives does not", async () => {
  const left = join(house.folder, "storage/incoming/dead")
  mkdirSync(left)
  writeFileSync(join(left, "half"), "half of")
  let goOn = () => {}
  const halfway = new Promise<void>((resolve) => (goOn = resolve))
  const writing = house.objects.put(
    photos,
    "a",
    (async function* () {
      yield new TextEncoder().encode("one ")
      await halfway
      yield new TextEncoder().encode("two")
    })(),
  )
  await Bun.sleep(5)
  house.blobs.clearIncoming()
  expect(existsSync(left)).toBe(false)
  goOn()
  await writing
  expect(await house.text(photos, "a")).toBe("one two")
})

test("nothing that is written, copied or completed while it sweeps is taken for an orphan", async () => {
  const state = { isSweeping: true }
  const texts = Array.from({ length: 40 }, (_, i) => `text ${i}`)
  const expected = new Map<string, string>()
  const writer = async (number: number) => {
    for (let i = 0; state.isSweeping; i++) {
      const [key, text] = [`${number}/${i % 5}`, texts[(number * 7 + i * 3) % texts.length] ?? ""]
      if (i % 4 === 3) {
        await house.objects.delete(photos, key)
        expected.delete(key)
        continue
      }
      if (i % 4 === 2) {
        const upload = await house.uploads.begin(photos, key, { personId: "ann", kind: "s3" })
        await house.uploads.part(photos, upload, 1, chunks(text))
        await house.uploads.complete(photos, upload)
      } else await put(key, text)
      expected.set(key, text)
    }
  }
  const writing = [1, 2, 3, 4].map(writer)
  for (let i = 0; i < 4; i++) expect(await run()).toMatchObject({ missing: 0 })
  state.isSweeping = false
  await Promise.all(writing)
  for (const [key, text] of expected) expect(await house.text(photos, key)).toBe(text)
  expect(expected.size).toBeGreaterThan(0)
}, 30_000)

test("what was released a moment ago keeps its time, for those who are about to read it", async () => {
  const object = await put("a", "old")
  await put("a", "new")
  await run()
  expect(await new Response(await house.reader.open(object)).text()).toBe("old")
  await house.blobs.collect(Date.now(), -1)
  expect(house.onDisk()).toHaveLength(1)
})

test("it ends when it is told to", async () => {
  const path = orphan("ab".padEnd(64, "0"))
  expect(await run(AbortSignal.abort())).toEqual({ blobs: 0, removed: 0, missing: 0 })
  expect(existsSync(path)).toBe(true)
})
