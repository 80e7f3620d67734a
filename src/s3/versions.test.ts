import { afterAll, beforeAll, expect, test } from "bun:test"
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from "@aws-sdk/client-s3"
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

const put = (Key: string, Body: string, more = {}) => ann.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
const get = (Key: string, VersionId?: string) => ann.send(new GetObjectCommand({ Bucket, Key, VersionId }))
const text = async (Key: string, VersionId?: string) => (await get(Key, VersionId)).Body?.transformToString()
const remove = (Key: string, VersionId?: string) => ann.send(new DeleteObjectCommand({ Bucket, Key, VersionId }))
const versioning = (Status: "Enabled" | "Suspended") =>
  ann.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }))

test("without versioning nothing speaks of versions", async () => {
  expect((await ann.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBeUndefined()
  expect((await put("before", "old")).VersionId).toBeUndefined()
  expect((await get("before")).VersionId).toBeUndefined()
  expect(await text("before", "null")).toBe("old")
  expect(await fault(get("before", "0".repeat(32)))).toEqual(["NoSuchVersion", 404])
})

test("with it each write is a version, and what stood there before has none", async () => {
  await versioning("Enabled")
  expect((await ann.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe("Enabled")
  expect((await get("before")).VersionId).toBe("null")
  const two = await put("before", "new")
  expect(two.VersionId).toMatch(/^[0-9a-f]{32}$/)
  expect([await text("before"), await text("before", "null"), await text("before", two.VersionId)]).toEqual(["new", "old", "new"])
  // What was written over in a public bucket is its owner's.
  expect((await door.fetch(`/${Bucket}/before`)).status).toBe(200)
  expect((await door.fetch(`/${Bucket}/before?versionId=null`)).status).toBe(403)
})

test("a deletion is a marker, and the object is back when that goes", async () => {
  const { VersionId } = await put("a", "1")
  const marker = await remove("a")
  expect(marker.DeleteMarker).toBe(true)
  const answer = await door.fetch(`/${Bucket}/a`)
  expect([answer.status, answer.headers.get("x-amz-delete-marker"), answer.headers.get("x-amz-version-id")]).toEqual([
    404,
    "true",
    marker.VersionId ?? "",
  ])
  expect(await fault(get("a", marker.VersionId))).toEqual(["MethodNotAllowed", 405])
  expect((await fault(ann.send(new HeadObjectCommand({ Bucket, Key: "a", VersionId: marker.VersionId }))))[1]).toBe(405)
  expect(await text("a", VersionId)).toBe("1")
  expect(await remove("a", marker.VersionId)).toMatchObject({ DeleteMarker: true, VersionId: marker.VersionId })
  expect(await text("a")).toBe("1")
  expect(await remove("a", VersionId)).toMatchObject({ VersionId })
  expect(await fault(get("a"))).toEqual(["NoSuchKey", 404])
  expect(await fault(remove("a", VersionId))).toEqual(["done", 200])
})

test("several versions go at once, and markers are told", async () => {
  const [one, two] = [await put("m", "1"), await put("m", "2")]
  const of = (...Objects: { Key: string; VersionId?: string }[]) => ann.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
  const { Deleted = [] } = await of({ Key: "m", VersionId: one.VersionId }, { Key: "m" })
  expect(Deleted[0]).toEqual({ Key: "m", VersionId: one.VersionId })
  const marker = Deleted[1]?.DeleteMarkerVersionId
  expect(marker).toMatch(/^[0-9a-f]{32}$/)
  expect(Deleted[1]).toEqual({ Key: "m", DeleteMarker: true, DeleteMarkerVersionId: marker })
  const again = await of({ Key: "m", VersionId: marker })
  expect(again.Deleted).toEqual([{ Key: "m", VersionId: marker, DeleteMarker: true, DeleteMarkerVersionId: marker }])
  expect(await text("m", two.VersionId)).toBe("2")
})

test("an old version becomes the newest by a copy", async () => {
  const one = await put("r", "1")
  await put("r", "2")
  const done = await ann.send(new CopyObjectCommand({ Bucket, Key: "r", CopySource: `${Bucket}/r?versionId=${one.VersionId}` }))
  expect([done.CopySourceVersionId, await text("r")]).toEqual([one.VersionId, "1"])
  expect(done.VersionId).not.toBe(one.VersionId)
  const marker = await remove("r")
  const of = (CopySource: string) => fault(ann.send(new CopyObjectCommand({ Bucket, Key: "s", CopySource })))
  expect(await of(`${Bucket}/r`)).toEqual(["NoSuchKey", 404])
  expect(await of(`${Bucket}/r?versionId=${marker.VersionId}`)).toEqual(["InvalidRequest", 400])
})

test("tags are those of a version", async () => {
  const TagSet = [{ Key: "k", Value: "ü & <v>" }]
  const one = await put("t", "1", { Tagging: "a=b" })
  const two = await put("t", "2")
  await ann.send(new PutObjectTaggingCommand({ Bucket, Key: "t", Tagging: { TagSet } }))
  const tags = async (VersionId?: string) => (await ann.send(new GetObjectTaggingCommand({ Bucket, Key: "t", VersionId }))).TagSet
  expect([await tags(), await tags(two.VersionId), await tags(one.VersionId)]).toEqual([TagSet, TagSet, [{ Key: "a", Value: "b" }]])
  expect((await ann.send(new DeleteObjectTaggingCommand({ Bucket, Key: "t", VersionId: one.VersionId }))).VersionId).toBe(one.VersionId)
  expect(await tags(one.VersionId)).toEqual([])
  const wrong = [...TagSet, ...TagSet]
  expect(await fault(ann.send(new PutObjectTaggingCommand({ Bucket, Key: "t", Tagging: { TagSet: wrong } })))).toEqual(["InvalidTag", 400])
  expect(await fault(ann.send(new GetObjectTaggingCommand({ Bucket, Key: "none" })))).toEqual(["NoSuchKey", 404])
})

test("suspended, what is written has no id and takes the place of what had none", async () => {
  const kept = await put("s", "kept")
  await versioning("Suspended")
  expect((await put("s", "1")).VersionId).toBe("null")
  await put("s", "2")
  expect([await text("s"), await text("s", "null"), await text("s", kept.VersionId)]).toEqual(["2", "2", "kept"])
  expect(await remove("s")).toMatchObject({ DeleteMarker: true, VersionId: "null" })
  expect(await fault(get("s"))).toEqual(["NoSuchKey", 404])
  expect(await text("s", kept.VersionId)).toBe("kept")
})

test("versioning that cannot be is refused", async () => {
  const of = (more: object) => fault(ann.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: more })))
  expect(await of({ Status: "Enabled", MFADelete: "Enabled" })).toEqual(["NotImplemented", 501])
  expect(await of({ Status: "On" })).toEqual(["IllegalVersioningConfigurationException", 400])
  expect(await of({})).toEqual(["IllegalVersioningConfigurationException", 400])
})
