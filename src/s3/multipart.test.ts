import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3"
import { Upload } from "@aws-sdk/lib-storage"
import { Readable } from "node:stream"
import { hasherOf } from "./checksums"
import { DoorHouse, fault } from "./door.fixture"

const Bucket = "photos"
const mebi = 1024 * 1024
const five = new Uint8Array(5 * mebi).fill(1)
const six = new Uint8Array(6 * mebi).fill(2)
const small = new Uint8Array(1000).fill(3)
let door: DoorHouse
let ann: S3Client

// Parts have at least 5 MiB, which go to disk and back.
setDefaultTimeout(30_000)

beforeAll(async () => {
  door = await DoorHouse.open()
  ann = door.client()
  await ann.send(new CreateBucketCommand({ Bucket, ACL: "public-read" }))
})
afterAll(() => door.close())

const begin = async (Key: string, more = {}) => (await ann.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))).UploadId ?? ""
const part = (Key: string, UploadId: string, PartNumber: number, Body: Uint8Array, more = {}) =>
  ann.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...more }))
const complete = (Key: string, UploadId: string, Parts: CompletedPart[], more = {}) =>
  ann.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }))
const head = (Key: string, more = {}) => ann.send(new HeadObjectCommand({ Bucket, Key, ...more }))
const md5 = (...all: Uint8Array[]) => {
  const hasher = new Bun.CryptoHasher("md5")
  for (const bytes of all) hasher.update(bytes)
  return hasher.digest()
}
const etagOf = (...parts: Uint8Array[]) => `"${md5(...parts.map((bytes) => md5(bytes))).toString("hex")}-${parts.length}"`

/** An upload of these parts, and its parts as they are named at its end. */
async function sent(key: string, parts: Uint8Array[], more = {}, ofPart = {}): Promise<[string, CompletedPart[]]> {
  const id = await begin(key, more)
  const named: CompletedPart[] = []
  for (const [i, bytes] of parts.entries()) {
    const { $metadata, ...rest } = await part(key, id, i + 1, bytes, ofPart)
    expect($metadata.httpStatusCode).toBe(200)
    named.push({ PartNumber: i + 1, ...rest })
  }
  return [id, named]
}

test("an object of parts is its parts one after the other, with what was said when it was begun", async () => {
  const facts = { ContentType: "text/css", Metadata: { colour: "blue" }, Tagging: "k=v", CacheControl: "no-cache" }
  const [id, parts] = await sent("whole", [five, six, small], facts)
  const done = await complete("whole", id, parts)
  expect(done).toMatchObject({ ETag: etagOf(five, six, small), Bucket, Key: "whole" })
  const got = await ann.send(new GetObjectCommand({ Bucket, Key: "whole" }))
  expect(got).toMatchObject({ ContentType: "text/css", Metadata: { colour: "blue" }, CacheControl: "no-cache", TagCount: 1 })
  const bytes = (await got.Body?.transformToByteArray()) ?? new Uint8Array()
  expect(Buffer.compare(bytes, Buffer.concat([five, six, small]))).toBe(0)
})

test("parts and ranges of it are read alone, and streams say how long they are", async () => {
  const [id, parts] = await sent("ranges", [five, six, small])
  await complete("ranges", id, parts)
  const total = five.length + six.length + small.length
  const ask = async (range?: string, query = "") => {
    const response = await door.fetch(`/${Bucket}/ranges${query}`, { headers: range === undefined ? {} : { range } })
    const { status, headers } = response
    const bytes = new Uint8Array(await response.arrayBuffer())
    return { status, headers, size: bytes.length, kinds: [...new Set(bytes)] }
  }
  const whole = await ask()
  expect([whole.status, whole.size, whole.kinds, whole.headers.get("x-freehold-length")]).toEqual([200, total, [1, 2, 3], String(total)])
  const across = await ask(`bytes=${five.length - 10}-${five.length + 9}`)
  expect([across.status, across.size, across.kinds, across.headers.get("x-freehold-length")]).toEqual([206, 20, [1, 2], "20"])
  // Within one part it is a file, which the kernel sends.
  const within = await ask(`bytes=${five.length}-${five.length + 99}`)
  expect([within.status, within.size, within.kinds, within.headers.get("content-length")]).toEqual([206, 100, [2], "100"])
  expect(within.headers.get("content-disposition")).toBe("inline")
  const second = await ask(undefined, "?partNumber=2")
  expect([second.status, second.size, second.kinds]).toEqual([206, six.length, [2]])
  expect(second.headers.get("content-range")).toBe(`bytes ${five.length}-${five.length + six.length - 1}/${total}`)
  expect(second.headers.get("x-amz-mp-parts-count")).toBe("3")
  expect((await ask(undefined, "?partNumber=4")).status).toBe(416)
  expect(await head("ranges", { PartNumber: 3 })).toMatchObject({ ContentLength: 1000, PartsCount: 3 })
})

describe("checksums", () => {
  const sum = (algorithm: Parameters<typeof hasherOf>[0], ...all: Uint8Array[]) => {
    const hasher = hasherOf(algorithm)
    for (const bytes of all) hasher.update(bytes)
    return hasher.digest()
  }
  const composite = (algorithm: Parameters<typeof hasherOf>[0], ...parts: Uint8Array[]) =>
    `${sum(algorithm, ...parts.map((bytes) => Buffer.from(sum(algorithm, bytes), "base64")))}-${parts.length}`

  test.each([
    ["CRC32", undefined],
    ["CRC32", "FULL_OBJECT"],
    ["CRC32C", "FULL_OBJECT"],
    ["CRC64NVME", undefined],
    ["SHA1", undefined],
    ["SHA256", "COMPOSITE"],
  ] as const)("%s %s is made of those of the parts", async (ChecksumAlgorithm, ChecksumType) => {
    const key = `${ChecksumAlgorithm}-${ChecksumType}`
    const [id, parts] = await sent(key, [five, small], { ChecksumAlgorithm, ChecksumType }, { ChecksumAlgorithm })
    const isFull = ChecksumType === "FULL_OBJECT" || ChecksumAlgorithm === "CRC64NVME"
    const expected = isFull ? sum(ChecksumAlgorithm, five, small) : composite(ChecksumAlgorithm, five, small)
    const field = `Checksum${ChecksumAlgorithm}` as const
    const wrong = isFull ? sum(ChecksumAlgorithm, small) : composite(ChecksumAlgorithm, small, five)
    expect(await fault(complete(key, id, parts, { [field]: wrong }))).toEqual(["BadDigest", 400])
    const done = await complete(key, id, parts, { [field]: expected, MpuObjectSize: five.length + small.length })
    expect([done[field], done.ChecksumType]).toEqual([expected, isFull ? "FULL_OBJECT" : "COMPOSITE"])
    expect((await head(key, { ChecksumMode: "ENABLED" }))[field]).toBe(expected)
    expect((await head(key, { ChecksumMode: "ENABLED", PartNumber: 2 }))[field]).toBe(sum(ChecksumAlgorithm, small))
    const attributes = await ann.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key: key,
        ObjectAttributes: ["Checksum", "ObjectParts", "ETag", "ObjectSize", "StorageClass"],
      }),
    )
    expect(attributes).toMatchObject({
      ETag: etagOf(five, small).slice(1, -1),
      ObjectSize: five.length + small.length,
      StorageClass: "STANDARD",
      Checksum: { [field]: expected },
      ObjectParts: { TotalPartsCount: 2, IsTruncated: false },
    })
    expect(attributes.ObjectParts?.Parts).toEqual([
      { PartNumber: 1, Size: five.length, [field]: sum(ChecksumAlgorithm, five) },
      { PartNumber: 2, Size: 1000, [field]: sum(ChecksumAlgorithm, small) },
    ])
  })

  test("what a part does not say is counted here", async () => {
    const plain = door.client("ann", { requestChecksumCalculation: "WHEN_REQUIRED" })
    const id = await begin("counted", { ChecksumAlgorithm: "CRC32C", ChecksumType: "FULL_OBJECT" })
    const { ETag } = await plain.send(new UploadPartCommand({ Bucket, Key: "counted", UploadId: id, PartNumber: 1, Body: small }))
    const done = await complete("counted", id, [{ PartNumber: 1, ETag }])
    expect(done.ChecksumCRC32C).toBe(sum("CRC32C", small))
  })

  test("those that cannot be are refused", async () => {
    const of = (more: object) => fault(begin("refused", more))
    expect(await of({ ChecksumAlgorithm: "SHA256", ChecksumType: "FULL_OBJECT" })).toEqual(["InvalidRequest", 400])
    expect(await of({ ChecksumAlgorithm: "CRC64NVME", ChecksumType: "COMPOSITE" })).toEqual(["InvalidRequest", 400])
    const id = await begin("other", { ChecksumAlgorithm: "SHA256" })
    expect(await fault(part("other", id, 1, small, { ChecksumAlgorithm: "CRC32" }))).toEqual(["InvalidRequest", 400])
  })
})

describe("the end of an upload", () => {
  test("names its parts in their order, each as it was sent and large enough", async () => {
    const [id, parts] = await sent("ladder", [five, small, small])
    const [one, two, three] = parts as [CompletedPart, CompletedPart, CompletedPart]
    const of = (named: CompletedPart[], more = {}) => fault(complete("ladder", id, named, more))
    expect(await of([two, one])).toEqual(["InvalidPartOrder", 400])
    expect(await of([one, one])).toEqual(["InvalidPartOrder", 400])
    expect(await of([one, { ...two, ETag: '"x"' }])).toEqual(["InvalidPart", 400])
    expect(await of([one, { ...two, PartNumber: 9 }])).toEqual(["InvalidPart", 400])
    expect(await of([one, two, three])).toEqual(["EntityTooSmall", 400])
    expect(await of([])).toEqual(["MalformedXML", 400])
    expect(await of([one, three], { MpuObjectSize: 7 })).toEqual(["InvalidRequest", 400])
    expect(await of([one, three], { IfMatch: '"x"' })).toEqual(["NoSuchKey", 404])
    // ETags come without quotes too.
    expect(await of([{ ...one, ETag: one.ETag?.replaceAll('"', "") }, three])).toEqual(["done", 200])
    expect(await head("ladder")).toMatchObject({ ContentLength: five.length + small.length, ETag: etagOf(five, small) })
  })

  test("asked for again is answered again, as long as its object stands there", async () => {
    const [id, parts] = await sent("again", [small])
    const first = await complete("again", id, parts)
    expect((await complete("again", id, parts)).ETag).toBe(first.ETag)
    await ann.send(new PutObjectCommand({ Bucket, Key: "again", Body: "other" }))
    expect(await fault(complete("again", id, parts))).toEqual(["NoSuchUpload", 404])
  })

  test("may be only where nothing stands", async () => {
    const [id, parts] = await sent("first", [small])
    await ann.send(new PutObjectCommand({ Bucket, Key: "first", Body: "x" }))
    expect(await fault(complete("first", id, parts, { IfNoneMatch: "*" }))).toEqual(["PreconditionFailed", 412])
    expect(await fault(complete("first", id, parts))).toEqual(["done", 200])
  })

  test("a part sent again takes the place of the one before", async () => {
    const [id] = await sent("twice", [five, five])
    const { ETag } = await part("twice", id, 2, small)
    const { Parts = [] } = await ann.send(new ListPartsCommand({ Bucket, Key: "twice", UploadId: id }))
    expect(Parts.map(({ Size }) => Size)).toEqual([five.length, small.length])
    await complete("twice", id, [
      { PartNumber: 1, ETag: Parts[0]?.ETag },
      { PartNumber: 2, ETag },
    ])
    expect((await head("twice")).ContentLength).toBe(five.length + small.length)
  })

  test("an upload that was aborted is no more, nor one under another key or of a bucket that is not its own", async () => {
    const id = await begin("aborted")
    await part("aborted", id, 1, small)
    expect(await fault(part("other", id, 2, small))).toEqual(["NoSuchUpload", 404])
    expect(await fault(part("aborted", id, 0, small))).toEqual(["InvalidArgument", 400])
    expect(await fault(part("aborted", id, 10_001, small))).toEqual(["InvalidArgument", 400])
    const abort = () => ann.send(new AbortMultipartUploadCommand({ Bucket, Key: "aborted", UploadId: id }))
    await abort()
    expect(await fault(abort())).toEqual(["NoSuchUpload", 404])
    expect(await fault(part("aborted", id, 1, small))).toEqual(["NoSuchUpload", 404])
    expect(await fault(complete("aborted", id, [{ PartNumber: 1, ETag: '"x"' }]))).toEqual(["NoSuchUpload", 404])
  })
})

describe("UploadPartCopy", () => {
  test("takes an object, or a range of one, as a part", async () => {
    await ann.send(new PutObjectCommand({ Bucket, Key: "source", Body: six }))
    const id = await begin("copied", { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" })
    const of = (PartNumber: number, more = {}) =>
      ann.send(new UploadPartCopyCommand({ Bucket, Key: "copied", UploadId: id, PartNumber, CopySource: `${Bucket}/source`, ...more }))
    const one = await of(1)
    const two = await of(2, { CopySourceRange: "bytes=10-19" })
    expect(two.CopyPartResult?.ETag).toBe(`"${md5(six.slice(10, 20)).toString("hex")}"`)
    for (const range of ["bytes=0-99999999", "bytes=5-", "bytes=9-3", "0-3"])
      expect(await fault(of(3, { CopySourceRange: range }))).toEqual(["InvalidArgument", 400])
    expect(await fault(of(3, { CopySourceIfMatch: '"x"' }))).toEqual(["PreconditionFailed", 412])
    expect(await fault(of(3, { CopySource: `${Bucket}/none` }))).toEqual(["NoSuchKey", 404])
    const Parts = [one, two].map(({ CopyPartResult }, i) => ({ PartNumber: i + 1, ETag: CopyPartResult?.ETag }))
    const done = await complete("copied", id, Parts)
    expect(done.ChecksumCRC32).toBeString()
    expect((await head("copied")).ContentLength).toBe(six.length + 10)
  })
})

test("uploads under way and their parts are listed in pages", async () => {
  const other = "uploads-of-mine"
  await ann.send(new CreateBucketCommand({ Bucket: other }))
  for (const Key of ["b", "a", "d/x", "d/y", "a"]) await ann.send(new CreateMultipartUploadCommand({ Bucket: other, Key }))
  const seen: (string | undefined)[] = []
  let [KeyMarker, UploadIdMarker]: (string | undefined)[] = []
  for (;;) {
    const page: ListMultipartUploadsCommandOutput = await ann.send(
      new ListMultipartUploadsCommand({ Bucket: other, MaxUploads: 1, Delimiter: "/", KeyMarker, UploadIdMarker }),
    )
    seen.push(...(page.Uploads ?? []).map(({ Key }) => Key), ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix))
    if (!page.IsTruncated) break
    ;[KeyMarker, UploadIdMarker] = [page.NextKeyMarker, page.NextUploadIdMarker]
  }
  expect(seen).toEqual(["a", "a", "b", "d/"])
  const { Uploads = [] } = await ann.send(new ListMultipartUploadsCommand({ Bucket: other, Prefix: "d/" }))
  expect(Uploads.map(({ Key }) => Key)).toEqual(["d/x", "d/y"])
  expect(Uploads[0]).toMatchObject({ Initiator: { ID: "ann" }, Owner: { ID: "ann" }, StorageClass: "STANDARD" })
  const [id] = await sent("listed", [small, small, small])
  const first = await ann.send(new ListPartsCommand({ Bucket, Key: "listed", UploadId: id, MaxParts: 2 }))
  expect([first.Parts?.length, first.IsTruncated, first.NextPartNumberMarker]).toEqual([2, true, "2"])
  const second = await ann.send(
    new ListPartsCommand({ Bucket, Key: "listed", UploadId: id, MaxParts: 2, PartNumberMarker: first.NextPartNumberMarker }),
  )
  expect([second.Parts?.map(({ PartNumber }) => PartNumber), second.IsTruncated]).toEqual([[3], false])
})

test("the client's own uploader sends a stream of unknown length in parts, several at a time", async () => {
  const pieces = Array.from({ length: 17 }, (_, i) => new Uint8Array(mebi).fill(i))
  const upload = new Upload({
    client: ann,
    params: { Bucket, Key: "streamed", Body: Readable.from(pieces) },
    queueSize: 3,
    partSize: 5 * mebi,
  })
  await upload.done()
  const got = await ann.send(new GetObjectCommand({ Bucket, Key: "streamed" }))
  expect(Buffer.compare((await got.Body?.transformToByteArray()) ?? new Uint8Array(), Buffer.concat(pieces))).toBe(0)
})
