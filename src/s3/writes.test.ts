import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3"
import { Readable } from "node:stream"
import { DoorHouse, fault } from "./door.fixture"

const Bucket = "photos"
let door: DoorHouse
let ann: S3Client

beforeAll(async () => {
  door = await DoorHouse.open()
  ann = door.client()
  await ann.send(new CreateBucketCommand({ Bucket }))
})
afterAll(() => door.close())

const put = (Key: string, Body: string | Uint8Array | Readable, more = {}) => ann.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
const head = (Key: string, more = {}) => ann.send(new HeadObjectCommand({ Bucket, Key, ...more }))
const text = async (Key: string, more = {}) => (await ann.send(new GetObjectCommand({ Bucket, Key, ...more }))).Body?.transformToString()
const copy = (CopySource: string, Key: string, more = {}) => ann.send(new CopyObjectCommand({ Bucket, CopySource, Key, ...more }))

describe("PutObject", () => {
  test.each(["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const)(
    "with %s it is checked, kept and told",
    async (ChecksumAlgorithm) => {
      const made = await put("sum", "hello", { ChecksumAlgorithm })
      const told = made[`Checksum${ChecksumAlgorithm}`]
      expect(told).toBeString()
      expect((await head("sum", { ChecksumMode: "ENABLED" }))[`Checksum${ChecksumAlgorithm}`]).toBe(told as string)
    },
  )

  test("bytes that are not what was promised are not kept", async () => {
    const digest = new Bun.CryptoHasher("sha256").update("other").digest("base64")
    expect(await fault(put("wrong", "hello", { ChecksumSHA256: digest }))).toEqual(["BadDigest", 400])
    expect(await fault(put("wrong", "hello", { ContentMD5: new Bun.CryptoHasher("md5").update("x").digest("base64") }))).toEqual([
      "BadDigest",
      400,
    ])
    expect(await fault(head("wrong"))).toEqual(["NotFound", 404])
  })

  test("a body comes as a stream, of a length that is known", async () => {
    const bytes = new Uint8Array(3 * 1024 * 1024).fill(7)
    const made = await put("stream", Readable.from([bytes.slice(0, 1_000_000), bytes.slice(1_000_000)]), { ContentLength: bytes.length })
    expect(made.ETag).toBe(`"${new Bun.CryptoHasher("md5").update(bytes).digest("hex")}"`)
    expect((await head("stream")).ContentLength).toBe(bytes.length)
  })

  test("conditions decide by what stands there", async () => {
    const { ETag } = await put("once", "1", { IfNoneMatch: "*" })
    expect(await fault(put("once", "2", { IfNoneMatch: "*" }))).toEqual(["PreconditionFailed", 412])
    expect(await fault(put("once", "2", { IfMatch: '"x"' }))).toEqual(["PreconditionFailed", 412])
    expect(await fault(put("never", "2", { IfMatch: ETag }))).toEqual(["NoSuchKey", 404])
    expect(await fault(put("once", "2", { IfNoneMatch: '"x"' }))).toEqual(["NotImplemented", 501])
    expect(await text("once")).toBe("1")
    await put("once", "2", { IfMatch: ETag })
    expect(await text("once")).toBe("2")
  })

  test("of many who want to be the first one is", async () => {
    const tries = await Promise.all(Array.from({ length: 8 }, (_, i) => fault(put("race", String(i), { IfNoneMatch: "*" }))))
    expect(tries.filter(([code]) => code === "done")).toHaveLength(1)
    expect(tries.filter(([code]) => code === "PreconditionFailed")).toHaveLength(7)
  })

  test.each<[string, object, string, number]>([
    ["more metadata than 2 KiB", { Metadata: { a: "x".repeat(2048) } }, "MetadataTooLarge", 400],
    ["another storage class", { StorageClass: "GLACIER" }, "InvalidStorageClass", 400],
    ["encryption by AES256", { ServerSideEncryption: "AES256" }, "NotImplemented", 501],
    ["encryption by KMS", { ServerSideEncryption: "aws:kms" }, "NotImplemented", 501],
    ["a lock", { ObjectLockMode: "GOVERNANCE", ObjectLockRetainUntilDate: new Date(), ChecksumAlgorithm: "CRC32" }, "NotImplemented", 501],
    ["a redirection", { WebsiteRedirectLocation: "/b" }, "NotImplemented", 501],
    ["an ACL that its bucket has not", { ACL: "public-read" }, "NotImplemented", 501],
    ["eleven tags", { Tagging: Array.from({ length: 11 }, (_, i) => `t${i}=1`).join("&") }, "InvalidTag", 400],
    ["a tag twice", { Tagging: "a=1&a=2" }, "InvalidTag", 400],
    ["a key of more than 1024 bytes", { Key: "ü".repeat(513) }, "KeyTooLongError", 400],
  ])("%s is refused", async (_, more, code, status) => {
    expect(await fault(put("refused", "x", more))).toEqual([code, status])
    expect(await fault(head("refused"))).toEqual(["NotFound", 404])
  })

  test("what is the case anyway may be asked for", async () => {
    for (const more of [{ ACL: "private" }, { ACL: "bucket-owner-full-control" }, { StorageClass: "STANDARD" }])
      expect(await fault(put("asked", "x", more))).toEqual(["done", 200])
  })

  test("a full quota says so", async () => {
    door.house.quotaBytes = 10
    const [code] = await fault(put("big", new Uint8Array(4_000_000)))
    door.house.quotaBytes = 0
    expect(code).toBe("QuotaExceeded")
    expect(await fault(head("big"))).toEqual(["NotFound", 404])
  })
})

describe("CopyObject", () => {
  const facts = { ContentType: "text/css", Metadata: { colour: "blue" }, CacheControl: "max-age=1", Tagging: "k=v" }

  test("a copy has the bytes and what is said of them, or what the request says", async () => {
    const { ETag } = await put("from ü+", "copied", facts)
    const done = await copy(`${Bucket}/${encodeURIComponent("from ü+")}`, "to")
    expect(done.CopyObjectResult?.ETag).toBe(ETag)
    expect(done.CopyObjectResult?.ChecksumCRC32).toBeString()
    expect(await text("to")).toBe("copied")
    expect(await head("to")).toMatchObject({
      ContentType: "text/css",
      Metadata: { colour: "blue" },
      CacheControl: "max-age=1",
      TagCount: 1,
    })
    const source = `/${Bucket}/from%20%C3%BC%2B`
    await copy(source, "to", { MetadataDirective: "REPLACE", ContentType: "text/plain", Metadata: { size: "1" } })
    const replaced = await head("to")
    expect(replaced).toMatchObject({ ContentType: "text/plain", Metadata: { size: "1" }, TagCount: 1 })
    expect(replaced.CacheControl).toBeUndefined()
    await copy(source, "to", { TaggingDirective: "REPLACE", Tagging: "x=y&z=1" })
    const { TagSet } = await ann.send(new GetObjectTaggingCommand({ Bucket, Key: "to" }))
    expect(TagSet).toEqual([
      { Key: "x", Value: "y" },
      { Key: "z", Value: "1" },
    ])
  })

  test("to itself it changes something, or is refused", async () => {
    await put("self", "x", facts)
    expect(await fault(copy(`${Bucket}/self`, "self"))).toEqual(["InvalidRequest", 400])
    await copy(`${Bucket}/self`, "self", { MetadataDirective: "REPLACE", Metadata: { colour: "red" } })
    expect(await head("self")).toMatchObject({ Metadata: { colour: "red" } })
    expect(await text("self")).toBe("x")
  })

  test("another checksum is made of the bytes", async () => {
    await put("sum", "hello", { ChecksumAlgorithm: "CRC32" })
    const { CopyObjectResult } = await copy(`${Bucket}/sum`, "sum2", { ChecksumAlgorithm: "SHA256" })
    expect(CopyObjectResult?.ChecksumSHA256).toBe(new Bun.CryptoHasher("sha256").update("hello").digest("base64"))
  })

  test("conditions on the source and on the place", async () => {
    const { ETag } = await put("source", "x")
    const old = new Date(door.house.time - 86_400_000)
    const of = (more: object) => fault(copy(`${Bucket}/source`, "target", more))
    expect(await of({ CopySourceIfMatch: '"x"' })).toEqual(["PreconditionFailed", 412])
    expect(await of({ CopySourceIfNoneMatch: ETag })).toEqual(["PreconditionFailed", 412])
    expect(await of({ CopySourceIfUnmodifiedSince: old })).toEqual(["PreconditionFailed", 412])
    expect(await of({ CopySourceIfMatch: ETag, CopySourceIfUnmodifiedSince: old })).toEqual(["done", 200])
    expect(await of({ IfNoneMatch: "*" })).toEqual(["PreconditionFailed", 412])
    expect(await of({ MetadataDirective: "KEEP" })).toEqual(["InvalidArgument", 400])
  })

  test("of nothing there is none", async () => {
    expect(await fault(copy(`${Bucket}/none`, "target"))).toEqual(["NoSuchKey", 404])
    expect(await fault(copy("nowhere/none", "target"))).toEqual(["NoSuchBucket", 404])
    expect(await fault(copy(Bucket, "target"))).toEqual(["InvalidArgument", 400])
  })
})

describe("deletions", () => {
  test("an object goes, and one that is not there is no fault", async () => {
    await put("gone", "x")
    await ann.send(new DeleteObjectCommand({ Bucket, Key: "gone" }))
    expect(await fault(head("gone"))).toEqual(["NotFound", 404])
    expect(await fault(ann.send(new DeleteObjectCommand({ Bucket, Key: "gone" })))).toEqual(["done", 200])
  })

  test("one goes only as long as it is what the client knows", async () => {
    const { ETag } = await put("known", "x")
    expect(await fault(ann.send(new DeleteObjectCommand({ Bucket, Key: "known", IfMatch: '"x"' })))).toEqual(["PreconditionFailed", 412])
    expect(await fault(ann.send(new DeleteObjectCommand({ Bucket, Key: "known", IfMatch: ETag })))).toEqual(["done", 200])
    expect(await fault(ann.send(new DeleteObjectCommand({ Bucket, Key: "known", IfMatch: ETag })))).toEqual(["NoSuchKey", 404])
  })

  test("several go at once, each with its own outcome", async () => {
    const keys = ["s1", "s 2 & <ü>", "s3"]
    for (const key of keys) await put(key, key)
    const Objects = [...keys.slice(0, 2).map((Key) => ({ Key })), { Key: "s3", ETag: '"x"' }, { Key: "never" }]
    const done = await ann.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(done.Deleted?.map(({ Key }) => Key)).toEqual([...keys.slice(0, 2), "never"])
    expect(done.Errors).toEqual([{ Key: "s3", Code: "PreconditionFailed", Message: expect.any(String) }])
    expect(await text("s3")).toBe("s3")
    const quiet = await ann.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "s3" }], Quiet: true } }))
    expect([quiet.Deleted, quiet.Errors]).toEqual([undefined, undefined])
    expect(await fault(head("s3"))).toEqual(["NotFound", 404])
  })

  test("a thousand go at once, and no more", async () => {
    const Objects = Array.from({ length: 1000 }, (_, i) => ({ Key: `many/${i}` }))
    const of = (Delete: { Objects: { Key: string }[] }) => fault(ann.send(new DeleteObjectsCommand({ Bucket, Delete })))
    expect(await of({ Objects })).toEqual(["done", 200])
    expect(await of({ Objects: [...Objects, { Key: "one more" }] })).toEqual(["MalformedXML", 400])
    expect(await of({ Objects: [] })).toEqual(["MalformedXML", 400])
  })
})
