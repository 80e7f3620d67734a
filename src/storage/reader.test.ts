import { afterEach, beforeEach, expect, test } from "bun:test"
import { rmSync } from "node:fs"
import { AppError } from "../errors"
import type { Namespace, ObjectInfo } from "./model"
import { chunks, StorageHouse } from "./storage.fixture"

let house: StorageHouse
let photos: Namespace

beforeEach(async () => {
  house = await StorageHouse.open()
  photos = await house.namespace()
})
afterEach(() => house.close())

async function inParts(key: string, ...parts: (string | Uint8Array)[]): Promise<ObjectInfo> {
  const upload = await house.uploads.begin(photos, key, { personId: "ann", kind: "s3" })
  for (const [i, part] of parts.entries()) await house.uploads.part(photos, upload, i + 1, chunks(part))
  return house.uploads.complete(photos, upload)
}

const text = async (object: ObjectInfo, first: number, last: number) =>
  new Response(await house.reader.open(object, { first, last })).text()

test("of an object of several segments every range is those bytes", async () => {
  const whole = "abcdefghijkl"
  const object = await inParts("a", "abc", "", "d", "efghij", "kl")
  for (let first = 0; first < whole.length; first++) {
    for (let last = first; last < whole.length; last++) expect(await text(object, first, last)).toBe(whole.slice(first, last + 1))
  }
  expect(await house.text(photos, "a")).toBe(whole)
  expect(await text(object, 5, 4)).toBe("")
})

test("segments that are longer than what is read at once are whole, in the middle too", async () => {
  const parts = [1, 2].map((seed) => new Uint8Array(1_200_000).map((_, i) => (i * seed) >>> 5))
  const whole = Buffer.concat(parts)
  const object = await inParts("a", ...parts)
  for (const [first, last] of [
    [0, whole.length - 1],
    [524_287, 524_288],
    [524_288, 1_048_576],
    [1_199_999, 1_200_000],
    [100, 2_399_998],
  ] as const) {
    const read = await new Response(await house.reader.open(object, { first, last })).bytes()
    expect(Buffer.compare(Buffer.from(read), whole.subarray(first, last + 1))).toBe(0)
  }
})

test("an object of parts without a byte is empty", async () => {
  const object = await inParts("a", "")
  expect(object.size).toBe(0)
  expect(await house.text(photos, "a")).toBe("")
})

test("who has begun to read an object reads it to its end, though it is replaced and its bytes are collected", async () => {
  const parts = [1, 2, 3].map((fill) => new Uint8Array(700_000).fill(fill))
  const object = await inParts("a", ...parts)
  const body = await house.reader.open(object)
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  const read: Uint8Array[] = []
  const { value } = await reader.read()
  if (value !== undefined) read.push(value)
  await house.objects.put(photos, "a", chunks("new"))
  await house.blobs.collect(Date.now(), -1)
  for (;;) {
    const next = await reader.read()
    if (next.done) break
    read.push(next.value)
  }
  expect(Buffer.compare(Buffer.concat(read), Buffer.concat(parts))).toBe(0)
  await house.blobs.collect(Date.now(), -1)
  expect(house.onDisk()).toHaveLength(1)
})

test("who ends in the midst of it holds nothing any more", async () => {
  const object = await inParts("a", new Uint8Array(700_000), new Uint8Array(700_000).fill(1))
  const reader = ((await house.reader.open(object)) as ReadableStream<Uint8Array>).getReader()
  await reader.read()
  await reader.cancel()
  await house.objects.delete(photos, "a")
  await house.blobs.collect(Date.now(), -1)
  expect(house.onDisk()).toEqual([])
})

test("an object that was replaced between being found and being opened is not read as an empty one", async () => {
  const object = await inParts("a", "one", "two")
  await house.objects.put(photos, "a", chunks("new"))
  const error = await house.reader.open(object).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(AppError)
  expect((error as AppError).code).toBe("unavailable")
  expect(house.faults).toEqual([])
})

test("of several segments one that is missing is said before the first byte is sent", async () => {
  const object = await inParts("a", "one", "two")
  const [, second] = await house.objects.segments(object)
  rmSync(house.blobs.path(second?.hash ?? ""))
  await expect(house.reader.open(object)).rejects.toThrow("damaged")
  expect(house.faults).toEqual([second?.hash ?? ""])
})
