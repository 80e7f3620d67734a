import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3"
import { getSignedUrl } from "@aws-sdk/s3-request-presigner"
import { chunks } from "../storage/storage.fixture"
import { DoorHouse, fault } from "./door.fixture"

const Bucket = "photos"
let door: DoorHouse
let ann: S3Client

beforeAll(async () => {
  door = await DoorHouse.open()
  ann = door.client()
  await ann.send(new CreateBucketCommand({ Bucket, ACL: "public-read" }))
  const namespace = (await door.house.store.find(Bucket))!
  for (const key of ["a", "b/1", "b/2", "b/c/3", "d e&<ü>", "f/1", "z"]) await door.house.objects.put(namespace, key, chunks(key))
})
afterAll(() => door.close())

type V2 = Partial<ListObjectsV2CommandInput>
const list = (more: V2 = {}) => ann.send(new ListObjectsV2Command({ Bucket, ...more }))
const all = ["a", "b/1", "b/2", "b/c/3", "d e&<ü>", "f/1", "z"]

describe("ListObjectsV2", () => {
  const shown = async (more: V2) => {
    const { Contents = [], CommonPrefixes = [], KeyCount } = await list(more)
    expect(KeyCount).toBe(Contents.length + CommonPrefixes.length)
    return [...Contents.map(({ Key }) => Key), ...CommonPrefixes.map(({ Prefix }) => Prefix)]
  }

  test.each<[V2, string[]]>([
    [{}, all],
    [{ Prefix: "b/" }, ["b/1", "b/2", "b/c/3"]],
    [{ Prefix: "b/", Delimiter: "/" }, ["b/1", "b/2", "b/c/"]],
    [{ Delimiter: "/" }, ["a", "d e&<ü>", "z", "b/", "f/"]],
    [{ StartAfter: "b/1" }, all.slice(2)],
    [{ StartAfter: "f/1" }, ["z"]],
    [{ StartAfter: "zz" }, []],
    [{ Prefix: "none" }, []],
    [{ Prefix: "d e&" }, ["d e&<ü>"]],
    [{ EncodingType: "url", Prefix: "d" }, ["d%20e%26%3C%C3%BC%3E"]],
    [{ MaxKeys: 0 }, []],
  ])("%j shows %j", async (query, keys) => {
    expect(await shown(query)).toEqual(keys)
  })

  test.each([1, 2, 3, 7, 1000])("pages of %i are the whole", async (MaxKeys) => {
    for (const Delimiter of [undefined, "/"]) {
      const seen: (string | undefined)[] = []
      let ContinuationToken: string | undefined
      do {
        const page = await list({ MaxKeys, Delimiter, ContinuationToken })
        const names = [...(page.Contents ?? []).map(({ Key }) => Key), ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix)]
        expect(names.length).toBeLessThanOrEqual(MaxKeys)
        seen.push(...names)
        ContinuationToken = page.NextContinuationToken
        expect(page.IsTruncated).toBe(ContinuationToken !== undefined)
      } while (ContinuationToken !== undefined)
      expect(seen.sort()).toEqual(Delimiter === undefined ? all : ["a", "b/", "d e&<ü>", "f/", "z"])
    }
  })

  test("an entry says what the object is", async () => {
    await ann.send(new PutObjectCommand({ Bucket, Key: "z", Body: "z" }))
    const { Contents } = await list({ Prefix: "z", FetchOwner: true })
    expect(Contents?.[0]).toMatchObject({ Size: 1, StorageClass: "STANDARD", Owner: { ID: "ann" }, ChecksumType: "FULL_OBJECT" })
    expect(Contents?.[0]?.ChecksumAlgorithm).toEqual(["CRC32"])
    expect(Contents?.[0]?.ETag).toMatch(/^"[0-9a-f]{32}"$/)
    expect(Contents?.[0]?.LastModified?.getTime()).toBe(door.house.time)
    expect((await list({ Prefix: "z" })).Contents?.[0]?.Owner).toBeUndefined()
  })

  test("what cannot be is refused", async () => {
    expect(await fault(list({ ContinuationToken: "bm9uZQ" }))).toEqual(["InvalidArgument", 400])
    expect(await fault(list({ ContinuationToken: Buffer.from("[1,2]").toString("base64url") }))).toEqual(["InvalidArgument", 400])
    expect(await fault(list({ MaxKeys: -1 }))).toEqual(["InvalidArgument", 400])
    expect(await fault(list({ EncodingType: "gzip" as "url" }))).toEqual(["InvalidArgument", 400])
  })

  test("nobody may list a public bucket", async () => {
    expect(await (await door.fetch(`/${Bucket}?list-type=2&prefix=f/`)).text()).toContain("<Key>f/1</Key>")
  })
})

describe("ListObjects", () => {
  test.each([1, 2, 1000])("pages of %i are the whole", async (MaxKeys) => {
    for (const Delimiter of [undefined, "/"]) {
      const seen: (string | undefined)[] = []
      let Marker: string | undefined
      for (;;) {
        const page = await ann.send(new ListObjectsCommand({ Bucket, MaxKeys, Delimiter, Marker }))
        seen.push(...(page.Contents ?? []).map(({ Key }) => Key), ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix))
        if (!page.IsTruncated) break
        expect(page.NextMarker === undefined).toBe(Delimiter === undefined)
        Marker = page.NextMarker ?? page.Contents?.at(-1)?.Key
      }
      expect(seen.sort()).toEqual(Delimiter === undefined ? all : ["a", "b/", "d e&<ü>", "f/", "z"])
    }
  })
})

describe("ListObjectVersions", () => {
  const versioned = "versioned"

  beforeAll(async () => {
    await ann.send(new CreateBucketCommand({ Bucket: versioned }))
    await ann.send(new PutBucketVersioningCommand({ Bucket: versioned, VersioningConfiguration: { Status: "Enabled" } }))
    for (const Key of ["a", "b/1", "a", "c", "b/2", "a"]) await ann.send(new PutObjectCommand({ Bucket: versioned, Key, Body: Key }))
    await ann.send(new DeleteObjectCommand({ Bucket: versioned, Key: "a" }))
    await ann.send(new PutObjectCommand({ Bucket: versioned, Key: "a", Body: "again" }))
  })

  const versions = (more = {}) => ann.send(new ListObjectVersionsCommand({ Bucket: versioned, ...more }))

  test.each([1, 2, 3, 1000])("pages of %i are the whole, with delete markers in their places", async (MaxKeys) => {
    for (const Delimiter of [undefined, "/"]) {
      const seen: string[] = []
      let [KeyMarker, VersionIdMarker]: (string | undefined)[] = []
      for (;;) {
        const page = await versions({ MaxKeys, Delimiter, KeyMarker, VersionIdMarker })
        const entries = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]
        expect(entries.length + (page.CommonPrefixes ?? []).length).toBeLessThanOrEqual(MaxKeys)
        seen.push(
          ...entries.map(({ Key, IsLatest }) => `${Key} ${IsLatest}`),
          ...(page.CommonPrefixes ?? []).map(({ Prefix = "" }) => Prefix),
        )
        if (!page.IsTruncated) break
        ;[KeyMarker, VersionIdMarker] = [page.NextKeyMarker, page.NextVersionIdMarker]
      }
      const ofA = ["a false", "a false", "a false", "a false", "a true"]
      const ofB = Delimiter === undefined ? ["b/1 true", "b/2 true"] : ["b/"]
      expect(seen.sort()).toEqual([...ofA, ...ofB, "c true"])
    }
  })

  test("versions and delete markers stand in one order", async () => {
    const { Versions, DeleteMarkers } = await versions({ Prefix: "a" })
    expect([Versions?.length, DeleteMarkers?.length]).toEqual([4, 1])
    const url = await getSignedUrl(ann, new ListObjectVersionsCommand({ Bucket: versioned, Prefix: "a" }))
    const document = await (await fetch(url)).text()
    const order = [...document.matchAll(/<(Version|DeleteMarker|Entry)>/g)].map(([, name]) => name)
    expect(order).toEqual(["Version", "DeleteMarker", "Version", "Version", "Version"])
  })

  test("going on from a version by its id, and from one that is gone since", async () => {
    const { Versions = [] } = await versions({ Prefix: "a" })
    const ids = Versions.map(({ VersionId }) => VersionId)
    const rest = await versions({ Prefix: "a", KeyMarker: "a", VersionIdMarker: ids[1] })
    expect(rest.Versions?.map(({ VersionId }) => VersionId)).toEqual(ids.slice(2))
    expect(await fault(versions({ KeyMarker: "a", VersionIdMarker: "none" }))).toEqual(["InvalidArgument", 400])
    expect(await fault(versions({ VersionIdMarker: ids[1] }))).toEqual(["InvalidArgument", 400])
    const first = await versions({ MaxKeys: 3 })
    const Objects = [...(first.Versions ?? []), ...(first.DeleteMarkers ?? [])].map(({ Key = "", VersionId }) => ({ Key, VersionId }))
    await ann.send(new DeleteObjectsCommand({ Bucket: versioned, Delete: { Objects } }))
    const second = await versions({ KeyMarker: first.NextKeyMarker, VersionIdMarker: first.NextVersionIdMarker })
    expect(second.Versions?.map(({ Key }) => Key)).toEqual(["a", "a", "b/1", "b/2", "c"])
  })
})
