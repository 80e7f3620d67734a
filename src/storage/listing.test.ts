import { afterEach, beforeEach, expect, test } from "bun:test"
import type { Place, UploadPlace, VersionPlace } from "./listing"
import type { Namespace } from "./model"
import { chunks, StorageHouse } from "./storage.fixture"

let house: StorageHouse
let photos: Namespace

beforeEach(async () => {
  house = await StorageHouse.open()
  photos = await house.namespace()
})
afterEach(() => house.close())

const put = (key: string, text = key) => house.objects.put(photos, key, chunks(text))
const start: Place = { key: "", including: true }

/** All pages of one entry each. */
async function walk<P extends Place>(
  read: (from: P | Place) => Promise<{ objects: unknown[]; prefixes: string[]; next: P | Place | undefined }>,
): Promise<unknown[]> {
  const seen: unknown[] = []
  for (let from: P | Place | undefined = start; from !== undefined;) {
    const { objects, prefixes, next } = await read(from)
    expect(objects.length + prefixes.length).toBe(1)
    seen.push(...objects, ...prefixes)
    from = next
  }
  return seen
}

test("objects are listed one by one, and what has a delimiter once by its beginning", async () => {
  for (const key of ["a", "b/1", "b/2", "b/c/3", "ä", "\u{1f600}", "\uffee"]) await put(key)
  const read = (prefix: string, delimiter: string) =>
    walk(async (from) => {
      const { objects, prefixes, next } = await house.objects.list(photos, { prefix, delimiter, from, limit: 1 })
      return { objects: objects.map(({ key }) => key), prefixes, next }
    })
  expect(await read("", "")).toEqual(["a", "b/1", "b/2", "b/c/3", "ä", "\uffee", "\u{1f600}"])
  expect(await read("", "/")).toEqual(["a", "b/", "ä", "\uffee", "\u{1f600}"])
  expect(await read("b/", "/")).toEqual(["b/1", "b/2", "b/c/"])
})

test("versions are listed by key and age, also where a page ends within a key", async () => {
  photos = await house.namespaces.update(photos, { versioning: "enabled" })
  for (const [key, text] of [
    ["a", "1"],
    ["d/x", "2"],
    ["a", "3"],
    ["e", "4"],
    ["d/y", "5"],
  ] as const)
    await put(key, text)
  await house.objects.delete(photos, "a")
  const read = (delimiter: string) =>
    walk<VersionPlace>(async (from) => {
      const { objects, prefixes, next } = await house.objects.versions(photos, { prefix: "", delimiter, from, limit: 1 })
      return { objects: objects.map(({ key, isLatest, isDeleteMarker }) => [key, isLatest, isDeleteMarker]), prefixes, next }
    })
  const ofA = [
    ["a", true, true],
    ["a", false, false],
    ["a", false, false],
  ]
  expect(await read("")).toEqual([...ofA, ["d/x", true, false], ["d/y", true, false], ["e", true, false]])
  expect(await read("/")).toEqual([...ofA, "d/", ["e", true, false]])
})

test("uploads are listed by key and id, also where a page ends within a key", async () => {
  for (const key of ["b", "a", "d/x", "d/y", "a"]) await house.uploads.begin(photos, key, { personId: "ann", kind: "s3" })
  await house.uploads.begin(photos, "a", { personId: "ann", kind: "tus" })
  const seen = await walk<UploadPlace>(async (from) => {
    const { objects, prefixes, next } = await house.uploads.list(photos, { prefix: "", delimiter: "/", from, limit: 1 })
    return { objects: objects.map(({ key }) => key), prefixes, next }
  })
  expect(seen).toEqual(["a", "a", "b", "d/"])
})
