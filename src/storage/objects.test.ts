import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { AppError } from "../errors"
import type { Namespace } from "./model"
import { chunks, StorageHouse } from "./storage.fixture"

let house: StorageHouse
let photos: Namespace

beforeEach(async () => {
  house = await StorageHouse.open()
  photos = await house.namespace()
})
afterEach(() => house.close())

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")
const md5 = (text: string) => createHash("md5").update(text).digest("hex")
const incoming = () =>
  readdirSync(join(house.folder, "storage/incoming"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
const put = (key: string, text: string, namespace = photos) => house.objects.put(namespace, key, chunks(text))
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "done",
    (error) => (error instanceof AppError ? error.code : String(error)),
  )

test("an object is kept under the hash of its bytes, and read back", async () => {
  const info = await house.objects.put(photos, "a/b.txt", chunks("hello ", "world"), {
    facts: { contentType: "text/plain", headers: { "x-amz-meta-a": "1" } },
  })
  expect(info).toMatchObject({
    key: "a/b.txt",
    size: 11,
    etag: md5("hello world"),
    hash: sha256("hello world"),
    contentType: "text/plain",
    versionId: "null",
    headers: { "x-amz-meta-a": "1" },
  })
  expect(house.onDisk()).toEqual([sha256("hello world")])
  expect(await house.text(photos, "a/b.txt")).toBe("hello world")
  expect(await house.now(photos)).toMatchObject({ objects: 1, bytes: 11 })
  expect(incoming()).toEqual([])
})

test("an empty object is an object", async () => {
  expect(await put("empty", "")).toMatchObject({ size: 0, etag: md5("") })
  expect(await house.text(photos, "empty")).toBe("")
})

test("equal bytes lie on disk once, and go when the last object that has them does", async () => {
  await put("a", "same")
  await put("b", "same")
  expect(house.onDisk()).toEqual([sha256("same")])
  await house.objects.delete(photos, "a")
  await house.blobs.collect(Date.now(), -1)
  expect(await house.text(photos, "b")).toBe("same")
  await house.objects.delete(photos, "b")
  await house.blobs.collect(Date.now(), -1)
  expect(house.onDisk()).toEqual([])
  expect(await house.now(photos)).toMatchObject({ objects: 0, bytes: 0 })
})

test("what is replaced goes, after a while that lets readers finish", async () => {
  await put("a", "old")
  await put("a", "new")
  await house.blobs.collect()
  expect(house.onDisk()).toHaveLength(2)
  await house.blobs.collect(Date.now() + 61_000)
  expect(house.onDisk()).toEqual([sha256("new")])
})

test("a body that breaks off leaves the object that was there, and nothing else", async () => {
  await put("a", "old")
  const broken = (async function* () {
    yield new TextEncoder().encode("half of ")
    throw new Error("the line went dead")
  })()
  await expect(house.objects.put(photos, "a", broken)).rejects.toThrow("the line went dead")
  expect(await house.text(photos, "a")).toBe("old")
  expect(house.onDisk()).toEqual([sha256("old")])
  expect(incoming()).toEqual([])
})

test("what is found out at the end undoes a write too", async () => {
  const finish = () => {
    throw new AppError("invalid", "the checksum is another")
  }
  expect(await code(house.objects.put(photos, "a", chunks("x"), { finish }))).toBe("invalid")
  expect(house.onDisk()).toEqual([])
  expect(incoming()).toEqual([])
})

test("a condition is met by what stands there when it counts, not only when the bytes began to come", async () => {
  const isNew = (current: unknown) => {
    if (current !== undefined) throw new AppError("precondition_failed", "it is there")
  }
  const both = ["one", "two"].map((text) => code(house.objects.put(photos, "a", chunks(text), { condition: isNew })))
  expect((await Promise.all(both)).sort()).toEqual(["done", "precondition_failed"])
  expect(await code(house.objects.put(photos, "a", chunks("three"), { condition: isNew }))).toBe("precondition_failed")
  expect(await house.now(photos)).toMatchObject({ objects: 1, bytes: 3 })
})

describe("quotas", () => {
  test("a write that cannot fit ends as soon as that is known, and nothing of it stays", async () => {
    await house.store.update(photos.id, { quotaBytes: 10 })
    await put("a", "12345678")
    let sent = 0
    const endless = (async function* () {
      for (;;) {
        sent++
        yield new Uint8Array(1)
      }
    })()
    expect(await code(house.objects.put(photos, "b", endless))).toBe("out_of_space")
    expect(sent).toBe(3)
    expect(await code(house.objects.put(photos, "b", chunks("123"), { announcedBytes: 3 }))).toBe("out_of_space")
    // In the place of what is there, there is room for it.
    expect(await code(put("a", "1234567890"))).toBe("done")
    expect(await house.now(photos)).toMatchObject({ bytes: 10 })
  })

  test("two that fit one by one, and not together, are not both let in", async () => {
    house.quotaBytes = 10
    const results = await Promise.all(["a", "b", "c"].map((key) => code(put(key, "1234567"))))
    expect(results.sort()).toEqual(["done", "out_of_space", "out_of_space"])
    expect(await house.store.bytesOf("ann")).toBe(7)
    await house.blobs.collect(Date.now(), -1)
    expect(house.onDisk()).toHaveLength(1)
  })

  test("a person's quota counts all of their namespaces, and an administrator's word stands above the setting", async () => {
    house.quotaBytes = 10
    await put("a", "1234567", photos)
    const other = await house.namespace("music")
    expect(await code(put("b", "1234567", other))).toBe("out_of_space")
    await house.store.setQuota("ann", 20)
    expect(await code(put("b", "1234567", other))).toBe("done")
  })
})

test("the disk's floor ends writes, and reads go on", async () => {
  await put("a", "here")
  house.floorBytes = 1000
  house.freeBytes = 999
  expect(await code(put("b", "more"))).toBe("out_of_space")
  expect(await house.text(photos, "a")).toBe("here")
  expect(await code(house.objects.delete(photos, "a"))).toBe("done")
  house.freeBytes = 1500
  expect(await code(house.objects.put(photos, "b", chunks("x"), { announcedBytes: 600 }))).toBe("out_of_space")
  expect(await code(put("b", "more"))).toBe("done")
})

describe("versions", () => {
  beforeEach(async () => {
    photos = await house.namespaces.update(photos, { versioning: "enabled" })
  })

  test("each write is a version, a deletion a marker, and removing the marker brings the object back", async () => {
    const one = await put("a", "one")
    const two = await put("a", "two")
    expect(one.versionId).not.toBe(two.versionId)
    const marker = await house.objects.delete(photos, "a")
    expect(marker).toMatchObject({ isDeleteMarker: true })
    expect(await code(house.objects.get(photos, "a"))).toBe("not_found")
    expect(await house.now(photos)).toMatchObject({ objects: 0, bytes: 6 })
    expect(await house.objects.delete(photos, "a", marker?.versionId)).toEqual({ versionId: marker?.versionId ?? "", isDeleteMarker: true })
    expect(await house.text(photos, "a")).toBe("two")
    await house.objects.delete(photos, "a", two.versionId)
    expect(await house.text(photos, "a")).toBe("one")
    expect(await house.now(photos)).toMatchObject({ objects: 1, bytes: 3 })
  })

  test("when it is suspended, the version without an id is replaced and the others stay", async () => {
    const one = await put("a", "one")
    photos = await house.namespaces.update(photos, { versioning: "suspended" })
    expect((await put("a", "two!")).versionId).toBe("null")
    expect((await put("a", "three")).versionId).toBe("null")
    const from = { key: "", including: true }
    const all = await house.objects.versions(photos, { prefix: "", delimiter: "", from, limit: 10 })
    expect(all.objects.map(({ versionId, isLatest, size }) => [versionId, isLatest, size])).toEqual([
      ["null", true, 5],
      [one.versionId, false, 3],
    ])
    expect(await house.objects.delete(photos, "a")).toEqual({ versionId: "null", isDeleteMarker: true })
    expect(await house.now(photos)).toMatchObject({ objects: 0, bytes: 3 })
  })
})

test("several are removed in one go, and what a condition refuses does not hold up the others", async () => {
  for (const key of ["a", "b", "c"]) await put(key, key)
  const refused = new Error("not this one")
  const condition = () => {
    throw refused
  }
  const done = await house.objects.deleteSeveral(photos, [{ key: "a" }, { key: "b", condition }, { key: "none" }, { key: "c" }])
  const deleted = { versionId: "null", isDeleteMarker: false }
  expect(done).toEqual([{ deleted }, { refused }, {}, { deleted }])
  await house.blobs.collect(Date.now(), -1)
  expect(house.onDisk()).toEqual([sha256("b")])
  expect(await house.now(photos)).toMatchObject({ objects: 1, bytes: 1 })
})

describe("copies", () => {
  test("move no bytes, and hold them when the source goes", async () => {
    const source = await put("a", "text")
    const other = await house.namespace("music")
    expect(await house.objects.copy(source, other, "b", { contentType: "text/css" })).toMatchObject({
      contentType: "text/css",
      etag: source.etag,
    })
    await house.objects.delete(photos, "a")
    await house.blobs.collect(Date.now(), -1)
    expect(await house.text(other, "b")).toBe("text")
  })

  test("of what was replaced meanwhile are not made", async () => {
    const source = await put("a", "text")
    await put("a", "other")
    expect(await code(house.objects.copy(source, photos, "b", {}))).toBe("conflict")
  })
})

describe("reading", () => {
  test("a range is those bytes", async () => {
    const object = await put("a", "0123456789")
    expect(await new Response(await house.reader.open(object, { first: 2, last: 4 })).text()).toBe("234")
  })

  test("bytes that lie in one file are one, also where they are one part of several", async () => {
    const upload = await house.uploads.begin(photos, "a", { personId: "ann", kind: "s3" })
    await house.uploads.part(photos, upload, 1, chunks("01234"))
    await house.uploads.part(photos, upload, 2, chunks("56789"))
    const object = await house.uploads.complete(photos, upload)
    const read = async (first: number, last: number) => {
      const bytes = await house.reader.open(object, { first, last })
      return [bytes instanceof Blob, await new Response(bytes).text()]
    }
    expect(await read(5, 9)).toEqual([true, "56789"])
    expect(await read(1, 3)).toEqual([true, "123"])
    expect(await read(3, 6)).toEqual([false, "3456"])
    expect(await read(0, 9)).toEqual([false, "0123456789"])
  })

  test("bytes that are missing are said to be, and put on record", async () => {
    const object = await put("a", "text")
    const path = house.blobs.path(object.hash ?? "")
    expect(existsSync(path)).toBe(true)
    await Bun.write(path, "tex")
    expect(await code(house.reader.open(object))).toBe("unavailable")
    expect(house.faults).toEqual([object.hash ?? ""])
    // Written anew, it is whole again.
    await put("a", "text")
    expect(await house.text(photos, "a")).toBe("text")
  })
})

test("a namespace goes with all versions and uploads, and its name is free again", async () => {
  await house.namespaces.update(photos, { versioning: "enabled" })
  for (let i = 0; i < 30; i++) await put(`k${i % 10}`, `text ${i}`)
  const upload = await house.uploads.begin(photos, "big", { personId: "ann", kind: "s3" })
  await house.uploads.part(photos, upload, 1, chunks("part"))
  expect(await code(house.namespaces.deleteEmpty(photos))).toBe("conflict")
  expect(await house.namespaces.preview(await house.now(photos))).toMatchObject({
    objects: 10,
    first_names: expect.arrayContaining(["k0"]),
  })
  await house.namespaces.deleteWhole(photos)
  await house.blobs.collect(Date.now(), -1)
  expect(house.onDisk()).toEqual([])
  expect(await code(put("late", "x"))).toBe("not_found")
  expect(await code(house.uploads.begin(photos, "late", { personId: "ann", kind: "s3" }))).toBe("not_found")
  expect(await code(house.namespace("photos", "bob"))).toBe("done")
})

test.each(["", " ", "a/b", "..", "ümlaut", "files", "x".repeat(64)])("%p is no name for a namespace", async (name) => {
  expect(await code(house.namespaces.create("ann", name))).toBe("invalid")
})

test.each(["", "x".repeat(1025), "a\0b", "\ud800"])("%p is no key", async (key) => {
  expect(await code(put(key, "x"))).toBe("invalid")
})
