import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { AppError } from "../errors"
import type { UploadRow } from "../db/storage-schema"
import type { Namespace } from "./model"
import { chunks, StorageHouse } from "./storage.fixture"
import type { NamedPart } from "./uploads"

let house: StorageHouse
let photos: Namespace
let upload: UploadRow

beforeEach(async () => {
  house = await StorageHouse.open()
  photos = await house.namespace()
  upload = await house.uploads.begin(photos, "big", { personId: "ann", kind: "s3", facts: { contentType: "text/plain" } })
})
afterEach(() => house.close())

const md5 = (text: string) => createHash("md5").update(text).digest("hex")
const part = (number: number, text: string, to = upload) => house.uploads.part(photos, to, number, chunks(text))
const complete = (named?: NamedPart[], leastBytes?: number) => house.uploads.complete(photos, upload, { named, leastBytes })
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => "done",
    (error) => (error instanceof AppError ? (error.reason ?? error.code) : String(error)),
  )

test("parts that come in any order make the object in the order of their numbers", async () => {
  await part(7, "ghi")
  await part(1, "abc")
  await part(3, "def")
  const object = await complete()
  const sums = ["abc", "def", "ghi"].map((text) => Buffer.from(md5(text), "hex"))
  const etag = `${createHash("md5").update(Buffer.concat(sums)).digest("hex")}-3`
  expect(object).toMatchObject({ key: "big", size: 9, etag, contentType: "text/plain" })
  expect(await house.text(photos, "big")).toBe("abcdefghi")
  expect((await house.objects.segments(object)).map(({ partNumber }) => partNumber)).toEqual([1, 3, 7])
  expect(await house.now(photos)).toMatchObject({ objects: 1, bytes: 9 })
})

test("a part of the same number takes the place of the other, whose bytes go", async () => {
  await part(1, "first")
  await part(1, "second")
  await part(1, "second")
  expect((await house.uploads.parts(upload)).map(({ size }) => size)).toEqual([6])
  expect(await house.now(photos)).toMatchObject({ bytes: 6 })
  await house.blobs.collect(Date.now(), -1)
  expect(house.onDisk()).toHaveLength(1)
  await complete()
  expect(await house.text(photos, "big")).toBe("second")
})

test("of the parts those that are named make the object, and the others go", async () => {
  for (const [i, text] of ["one", "two", "three"].entries()) await part(i + 1, text)
  await complete([{ number: 1, etag: md5("one") }, { number: 3 }])
  expect(await house.text(photos, "big")).toBe("onethree")
  expect(await house.now(photos)).toMatchObject({ objects: 1, bytes: 8 })
  await house.blobs.collect(Date.now(), -1)
  expect(house.onDisk()).toHaveLength(2)
})

describe("what cannot be completed stays as it was", () => {
  test.each<[string, NamedPart[] | undefined, number, string]>([
    ["a part that was not sent", [{ number: 1 }, { number: 9 }], 0, "InvalidPart"],
    ["a part of another sum", [{ number: 1, etag: md5("other") }], 0, "InvalidPart"],
    ["a part of another checksum", [{ number: 1, checksum: "abc" }], 0, "InvalidPart"],
    ["the wrong order", [{ number: 2 }, { number: 1 }], 0, "InvalidPartOrder"],
    ["one part twice", [{ number: 1 }, { number: 1 }], 0, "InvalidPartOrder"],
    ["a small part in the middle", undefined, 4, "EntityTooSmall"],
    ["no part", [], 0, "InvalidRequest"],
  ])("%s", async (_, named, leastBytes, reason) => {
    await house.objects.put(photos, "big", chunks("old"))
    await part(1, "one")
    await part(2, "two")
    expect(await outcome(complete(named, leastBytes))).toBe(reason)
    expect(await house.uploads.parts(upload)).toHaveLength(2)
    expect(await house.text(photos, "big")).toBe("old")
    expect(await house.now(photos)).toMatchObject({ objects: 1, bytes: 9 })
    await complete()
    expect(await house.text(photos, "big")).toBe("onetwo")
  })

  test("an upload without a part", async () => expect(await outcome(complete())).toBe("InvalidRequest"))

  test("what a condition refuses", async () => {
    await part(1, "one")
    const condition = () => {
      throw new AppError("precondition_failed", "no")
    }
    expect(await outcome(house.uploads.complete(photos, upload, { condition }))).toBe("precondition_failed")
    expect(await house.uploads.parts(upload)).toHaveLength(1)
  })
})

test("the last part may be small", async () => {
  await part(1, "12345")
  await part(2, "6")
  expect(await outcome(complete(undefined, 5))).toBe("done")
})

test("of two who complete at the same time one does", async () => {
  await part(1, "one")
  expect((await Promise.all([outcome(complete()), outcome(complete())])).sort()).toEqual(["NoSuchUpload", "done"])
  expect(await house.now(photos)).toMatchObject({ objects: 1, bytes: 3 })
})

test("an aborted upload is gone with its parts, and so is what was still being sent", async () => {
  await part(1, "one")
  let goOn = () => {}
  const halfway = new Promise<void>((resolve) => (goOn = resolve))
  const late = outcome(
    house.uploads.part(
      photos,
      upload,
      2,
      (async function* () {
        yield new TextEncoder().encode("late")
        await halfway
      })(),
    ),
  )
  expect(await house.uploads.abort(upload)).toBe(true)
  expect(await house.uploads.abort(upload)).toBe(false)
  goOn()
  expect(await late).toBe("NoSuchUpload")
  expect(await outcome(complete())).toBe("NoSuchUpload")
  expect(await outcome(house.uploads.get(photos, "s3", upload.id))).toBe("NoSuchUpload")
  await house.blobs.collect(Date.now(), -1)
  expect(house.onDisk()).toEqual([])
  expect(await house.now(photos)).toMatchObject({ objects: 0, bytes: 0 })
})

test("an upload is found in its namespace, by whoever began it", async () => {
  const other = await house.namespace("music")
  expect(await outcome(house.uploads.get(photos, "s3", upload.id))).toBe("done")
  expect(await outcome(house.uploads.get(photos, "tus", upload.id))).toBe("NoSuchUpload")
  expect(await outcome(house.uploads.get(other, "s3", upload.id))).toBe("NoSuchUpload")
  expect(await outcome(house.uploads.get(photos, "s3", "f".repeat(32)))).toBe("NoSuchUpload")
})

test.each([0, -1, 1.5, 10_001, Number.NaN])("%p is no number of a part", async (number) => {
  expect(await outcome(part(number, "x"))).toBe("InvalidArgument")
})

describe("quotas", () => {
  test("count parts under way, and a part that takes another's place only once", async () => {
    await house.store.update(photos.id, { quotaBytes: 10 })
    await part(1, "12345678")
    expect(await outcome(part(2, "123"))).toBe("QuotaExceeded")
    expect(await outcome(house.uploads.part(photos, upload, 2, chunks("123"), { announcedBytes: 3 }))).toBe("QuotaExceeded")
    expect(await outcome(part(1, "1234567890"))).toBe("done")
    expect(await outcome(house.uploads.begin(photos, "other", { personId: "ann", kind: "tus", announcedBytes: 1 }))).toBe("QuotaExceeded")
    await complete()
    expect(await house.now(photos)).toMatchObject({ objects: 1, bytes: 10 })
  })

  test("let two parts that fit one by one, and not together, not both in", async () => {
    house.quotaBytes = 10
    expect((await Promise.all([1, 2, 3].map((number) => outcome(part(number, `1234567${number}`))))).sort()).toEqual([
      "QuotaExceeded",
      "QuotaExceeded",
      "done",
    ])
    await house.blobs.collect(Date.now(), -1)
    expect(house.onDisk()).toHaveLength(1)
  })

  test("are met by what completing leaves, not by what it takes away", async () => {
    await house.objects.put(photos, "big", chunks("12345"))
    await house.store.update(photos.id, { quotaBytes: 10 })
    await part(1, "12345")
    expect(await outcome(complete())).toBe("done")
    expect(await house.now(photos)).toMatchObject({ bytes: 5 })
  })
})

test("more than the bytes that were announced end a part, and nothing of it stays", async () => {
  expect(await outcome(house.uploads.part(photos, upload, 1, chunks("123", "456"), { limit: 5 }))).toBe("too_large")
  expect(await house.uploads.parts(upload)).toEqual([])
  expect(house.onDisk()).toEqual([])
})

test("what had come of a part that broke off is a part where that is wanted", async () => {
  const broken = (async function* () {
    yield new TextEncoder().encode("half")
    throw new Error("the line went dead")
  })()
  expect(await house.uploads.part(photos, upload, 1, broken, { keepPart: true })).toMatchObject({ size: 4 })
})

describe("uploads that nobody goes on with", () => {
  test("end, and the others do not", async () => {
    await part(1, "one")
    house.time += 1000
    const other = await house.uploads.begin(photos, "other", { personId: "ann", kind: "tus" })
    expect(await house.uploads.abortIdle(house.time)).toBe(1)
    expect(await outcome(house.uploads.get(photos, "s3", upload.id))).toBe("NoSuchUpload")
    expect(await outcome(house.uploads.get(photos, "tus", other.id))).toBe("done")
    expect(await house.now(photos)).toMatchObject({ bytes: 0 })
  })

  test("are those without a part since then", async () => {
    house.time += 1000
    await part(1, "one")
    expect(await house.uploads.abortIdle(house.time)).toBe(0)
  })

  test("are not ended where somebody goes on with them after they were looked for", async () => {
    house.time += 1000
    const store = house.uploads["store"]
    const idle = store.idle
    store.idle = async (...args) => {
      const found = await idle(...args)
      expect(found).toHaveLength(1)
      await part(1, "one")
      return found
    }
    expect(await house.uploads.abortIdle(house.time)).toBe(0)
    expect(await outcome(complete())).toBe("done")
  })
})

test("an object that was sent in parts is copied, versioned and removed like any other", async () => {
  photos = await house.namespaces.update(photos, { versioning: "enabled" })
  await part(1, "one")
  await part(2, "two")
  const object = await complete()
  await house.objects.copy(object, photos, "copy", {})
  await house.objects.put(photos, "big", chunks("new"))
  await house.objects.delete(photos, "big", object.versionId)
  await house.blobs.collect(Date.now(), -1)
  expect(await house.text(photos, "copy")).toBe("onetwo")
  expect(house.onDisk()).toHaveLength(3)
  expect(await house.now(photos)).toMatchObject({ objects: 2, bytes: 9 })
})
