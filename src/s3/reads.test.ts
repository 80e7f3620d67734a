import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { CreateBucketCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3"
import { connect } from "node:net"
import { chunks } from "../storage/storage.fixture"
import { DoorHouse, fault } from "./door.fixture"

const Bucket = "photos"
let door: DoorHouse
let ann: S3Client

beforeAll(async () => {
  door = await DoorHouse.open()
  ann = door.client()
  await ann.send(new CreateBucketCommand({ Bucket, ACL: "public-read" }))
})
afterAll(() => door.close())

const put = (Key: string, Body: string | Uint8Array, more = {}) => ann.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
const get = (Key: string, more = {}) => ann.send(new GetObjectCommand({ Bucket, Key, ...more }))
const head = (Key: string, more = {}) => ann.send(new HeadObjectCommand({ Bucket, Key, ...more }))
const ten = "0123456789"

test("what was put is what is got, with all that was said of it", async () => {
  const facts = {
    ContentType: "text/x-special; charset=latin1",
    CacheControl: "max-age=60",
    ContentDisposition: 'attachment; filename="x.txt"',
    ContentEncoding: "identity",
    ContentLanguage: "de",
    Metadata: { colour: "blue", size: "12" },
  }
  const made = await put("a/b c+ü.txt", ten, { ...facts, Tagging: "k=v&l=w" })
  const got = await get("a/b c+ü.txt")
  expect(await got.Body?.transformToString()).toBe(ten)
  expect(got).toMatchObject({ ...facts, ETag: made.ETag, ContentLength: 10, AcceptRanges: "bytes", TagCount: 2 })
  expect(made.ETag).toBe('"781e5e245d69b566979b86e28d23f2c7"')
  expect(got.ChecksumCRC32).toBe(made.ChecksumCRC32 ?? "none")
  expect(got.VersionId).toBeUndefined()
  expect(await head("a/b c+ü.txt")).toMatchObject({ ...facts, ETag: made.ETag, ContentLength: 10 })
})

test("an object without a type is bytes", async () => {
  await put("a", ten)
  expect((await get("a")).ContentType).toBe("application/octet-stream")
})

test("an empty object is one", async () => {
  await put("empty", "")
  const got = await get("empty")
  expect([got.ContentLength, await got.Body?.transformToString()]).toEqual([0, ""])
  expect(await fault(get("empty", { Range: "bytes=0-" }))).toEqual(["InvalidRange", 416])
})

test("what is not there is not found", async () => {
  expect(await fault(get("none"))).toEqual(["NoSuchKey", 404])
  expect(await fault(head("none"))).toEqual(["NotFound", 404])
  expect(await fault(get("a", { Bucket: "nobodys" }))).toEqual(["NoSuchBucket", 404])
})

describe("ranges", () => {
  const ranges: [string, string, string][] = [
    ["bytes=2-4", "234", "bytes 2-4/10"],
    ["bytes=0-0", "0", "bytes 0-0/10"],
    ["bytes=0-", ten, "bytes 0-9/10"],
    ["bytes=7-", "789", "bytes 7-9/10"],
    ["bytes=7-99", "789", "bytes 7-9/10"],
    ["bytes=-3", "789", "bytes 7-9/10"],
    ["bytes=-99", ten, "bytes 0-9/10"],
  ]

  test.each(ranges)("%s is %p", async (range, text, contentRange) => {
    await put("a", ten)
    const response = await door.fetch(`/${Bucket}/a`, { headers: { range } })
    expect([response.status, response.headers.get("content-range"), response.headers.get("content-length")]).toEqual([
      206,
      contentRange,
      String(text.length),
    ])
    expect(await response.text()).toBe(text)
    const headed = await door.fetch(`/${Bucket}/a`, { headers: { range }, method: "HEAD" })
    expect([headed.status, headed.headers.get("content-range"), headed.headers.get("content-length")]).toEqual([
      206,
      contentRange,
      String(text.length),
    ])
  })

  test.each(["bytes=0-1,4-5", "bytes=5-2", "bytes=x", "items=0-1", "bytes=-"])("%s is the whole object", async (range) => {
    await put("a", ten)
    const response = await door.fetch(`/${Bucket}/a`, { headers: { range } })
    expect([response.status, response.headers.get("content-range"), await response.text()]).toEqual([200, null, ten])
  })

  test.each(["bytes=10-", "bytes=10-12", "bytes=-0"])("%s cannot be given", async (range) => {
    await put("a", ten)
    const response = await door.fetch(`/${Bucket}/a`, { headers: { range } })
    expect([response.status, response.headers.get("content-range")]).toEqual([416, "bytes */10"])
    expect(await response.text()).toContain("<Code>InvalidRange</Code>")
  })

  test("a range is given only of what the client has the rest of", async () => {
    const { ETag = "" } = await put("a", ten)
    const text = async (ifRange: string) => {
      const response = await door.fetch(`/${Bucket}/a`, { headers: { range: "bytes=2-4", "if-range": ifRange } })
      return [response.status, await response.text()]
    }
    expect(await text(ETag)).toEqual([206, "234"])
    expect(await text('"other"')).toEqual([200, ten])
    expect(await text(new Date(door.house.time).toUTCString())).toEqual([206, "234"])
    expect(await text(new Date(door.house.time - 5000).toUTCString())).toEqual([200, ten])
  })
})

describe("conditions", () => {
  const day = 86_400_000
  const at = (offset: number) => new Date(door.house.time + offset)

  test.each<[string, () => object, number]>([
    ["If-Match of it", () => ({ IfMatch: '"781e5e245d69b566979b86e28d23f2c7"' }), 200],
    ["If-Match without quotes", () => ({ IfMatch: "781e5e245d69b566979b86e28d23f2c7" }), 200],
    ["If-Match of anything", () => ({ IfMatch: "*" }), 200],
    ["If-Match of another", () => ({ IfMatch: '"x"' }), 412],
    ["If-None-Match of it", () => ({ IfNoneMatch: '"x", "781e5e245d69b566979b86e28d23f2c7"' }), 304],
    ["If-None-Match of another", () => ({ IfNoneMatch: '"x"' }), 200],
    ["If-Modified-Since before", () => ({ IfModifiedSince: at(-day) }), 200],
    ["If-Modified-Since after", () => ({ IfModifiedSince: at(day) }), 304],
    ["If-Unmodified-Since before", () => ({ IfUnmodifiedSince: at(-day) }), 412],
    ["If-Unmodified-Since after", () => ({ IfUnmodifiedSince: at(day) }), 200],
    ["If-Match over If-Unmodified-Since", () => ({ IfMatch: "*", IfUnmodifiedSince: at(-day) }), 200],
    ["If-None-Match over If-Modified-Since", () => ({ IfNoneMatch: '"x"', IfModifiedSince: at(day) }), 200],
  ])("%s", async (_, condition, status) => {
    await put("a", ten)
    const [, got] = await fault(get("a", condition()))
    expect(got).toBe(status)
    expect((await fault(head("a", condition())))[1]).toBe(status)
  })

  test("not modified says of what, and has no body", async () => {
    const { ETag = "" } = await put("a", ten)
    const response = await door.fetch(`/${Bucket}/a`, { headers: { "if-none-match": ETag } })
    expect([response.status, response.headers.get("etag"), await response.text()]).toEqual([304, ETag, ""])
  })
})

describe("the answer", () => {
  test("does not name the file that the bytes lie in, of whatever type they are", async () => {
    for (const ContentType of ["application/octet-stream", "image/png", "video/mp4", "text/plain"]) {
      await put("typed", ten, { ContentType })
      for (const range of ["bytes=0-", "bytes=1-2", "none"])
        expect((await door.fetch(`/${Bucket}/typed`, { headers: { range } })).headers.get("content-disposition") ?? "inline").toBe("inline")
    }
  })

  test.each(["Range: bytes=2-4\r\nRange: bytes=5-6", "Range: bytes = 2-4"])("is not cut by the server itself: %j", async (fields) => {
    await put("a", ten)
    const { hostname, port } = new URL(door.url)
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(`GET /${Bucket}/a HTTP/1.1\r\nHost: ${hostname}\r\n${fields}\r\nConnection: close\r\n\r\n`)
      })
      let text = ""
      socket.on("data", (data) => (text += data))
      socket.on("close", () => resolve(text))
    })
    expect([answer.split("\r\n")[0], answer.includes(ten), /content-range/i.test(answer)]).toEqual(["HTTP/1.1 200 OK", true, false])
  })

  test("never tells where bytes lie, and an uploaded page cannot act as anything", async () => {
    await put("page.html", "<script>alert(1)</script>", { ContentType: "text/html" })
    for (const init of [{}, { headers: { range: "bytes=0-3" } }, { headers: { range: "bytes=0-1,3-4" } }, { method: "HEAD" }]) {
      const { headers } = await door.fetch(`/${Bucket}/page.html`, init)
      expect(headers.get("content-disposition") ?? "inline").toBe("inline")
      expect(headers.get("content-security-policy")).toBe("sandbox")
      expect(headers.get("x-content-type-options")).toBe("nosniff")
      expect(headers.get("content-type")).toBe("text/html")
      expect(headers.get("x-amz-request-id")).toMatch(/^[0-9A-F]{16}$/)
    }
  })

  test("has its fields another way for a signed request that asks for it, and not for nobody", async () => {
    await put("a", ten, { CacheControl: "no-cache" })
    const got = await get("a", {
      ResponseCacheControl: "max-age=1",
      ResponseContentDisposition: 'attachment; filename="ü.txt"',
      ResponseContentType: "text/css",
      ResponseContentLanguage: "fr",
    })
    expect(got).toMatchObject({ CacheControl: "max-age=1", ContentType: "text/css", ContentLanguage: "fr" })
    expect(got.ContentDisposition).toStartWith("attachment")
    expect(await fault(get("a", { ResponseContentType: "a\r\nx: y" }))).toEqual(["InvalidArgument", 400])
    const response = await door.fetch(`/${Bucket}/a?response-content-type=text/html`)
    expect([response.status, (await response.text()).includes("InvalidRequest")]).toEqual([400, true])
  })

  test("can hold whatever another door has kept", async () => {
    const facts = { contentType: "text/plain\r\nx: y", headers: { "content-disposition": 'inline; filename="日.txt"' } }
    await door.house.objects.put((await door.house.store.find(Bucket))!, "other", chunks("x"), { facts })
    const { status, headers } = await door.fetch(`/${Bucket}/other`)
    const disposition = Buffer.from(headers.get("content-disposition") ?? "", "latin1").toString()
    expect([status, headers.get("content-type"), disposition]).toEqual([200, "text/plainx: y", facts.headers["content-disposition"]])
  })

  test("has the checksum where it is asked for, and not with a range", async () => {
    await put("a", ten, { ChecksumAlgorithm: "SHA256" })
    const field = "x-amz-checksum-sha256"
    const expected = new Bun.CryptoHasher("sha256").update(ten).digest("base64")
    const plain = await door.fetch(`/${Bucket}/a`)
    expect(plain.headers.get(field)).toBeNull()
    const headers = { "x-amz-checksum-mode": "ENABLED" }
    const asked = await door.fetch(`/${Bucket}/a`, { headers })
    expect([asked.headers.get(field), asked.headers.get("x-amz-checksum-type")]).toEqual([expected, "FULL_OBJECT"])
    expect((await door.fetch(`/${Bucket}/a`, { headers: { ...headers, range: "bytes=0-3" } })).headers.get(field)).toBeNull()
  })

  test("says that bytes are damaged where they are", async () => {
    await put("a", ten)
    const namespace = (await door.house.store.find(Bucket))!
    await Bun.write(door.house.blobs.path((await door.house.objects.get(namespace, "a")).hash ?? ""), "short")
    expect(await fault(get("a"))).toEqual(["ServiceUnavailable", 503])
  })
})

test("an object that was put whole is its own first part", async () => {
  await put("a", ten)
  const got = await get("a", { PartNumber: 1 })
  expect([got.ContentRange, got.PartsCount, await got.Body?.transformToString()]).toEqual(["bytes 0-9/10", undefined, ten])
  expect(await fault(get("a", { PartNumber: 2 }))).toEqual(["InvalidPartNumber", 416])
  expect(await fault(get("a", { PartNumber: 0 }))).toEqual(["InvalidArgument", 400])
})
