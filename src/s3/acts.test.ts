import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketCorsCommand,
  DeleteBucketLifecycleCommand,
  DeleteBucketTaggingCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketTaggingCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketAclCommand,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3"
import { getSignedUrl } from "@aws-sdk/s3-request-presigner"
import { DoorHouse, fault } from "./door.fixture"

const Bucket = "photos"
let door: DoorHouse
let ann: S3Client
let bob: S3Client

beforeAll(async () => {
  door = await DoorHouse.open()
  ann = door.client("ann")
  bob = door.client("bob")
  await ann.send(new CreateBucketCommand({ Bucket }))
  await ann.send(new CreateBucketCommand({ Bucket: "shown", ACL: "public-read" }))
  await ann.send(new PutObjectCommand({ Bucket, Key: "a", Body: "a" }))
})
afterAll(() => door.close())
beforeEach(() => void door.acts.splice(0))

const keyOf = (name: string) => door.credentials[name]?.accessKeyId ?? ""
const told = () => door.acts.map(({ operation, bucket, outcome, status }) => [operation, bucket ?? "", outcome, status])

test("every change of a bucket is told, with whose key it was", async () => {
  const TagSet = [{ Key: "k", Value: "v" }]
  const CORSRules = [{ AllowedOrigins: ["*"], AllowedMethods: ["GET"] }]
  const Rules = [{ Status: "Enabled" as const, Filter: {}, Expiration: { Days: 1 } }]
  const place = { Bucket: "changed" }
  await ann.send(new CreateBucketCommand(place))
  await ann.send(new PutBucketVersioningCommand({ ...place, VersioningConfiguration: { Status: "Enabled" } }))
  await ann.send(new PutBucketTaggingCommand({ ...place, Tagging: { TagSet } }))
  await ann.send(new PutBucketCorsCommand({ ...place, CORSConfiguration: { CORSRules } }))
  await ann.send(new PutBucketLifecycleConfigurationCommand({ ...place, LifecycleConfiguration: { Rules } }))
  await ann.send(new PutBucketAclCommand({ ...place, ACL: "public-read" }))
  await ann.send(new DeleteBucketTaggingCommand(place))
  await ann.send(new DeleteBucketCorsCommand(place))
  await ann.send(new DeleteBucketLifecycleCommand(place))
  await ann.send(new DeleteBucketCommand(place))
  expect(told()).toEqual([
    ["CreateBucket", "changed", "allowed", 200],
    ["PutBucketVersioning", "changed", "allowed", 200],
    ["PutBucketTagging", "changed", "allowed", 204],
    ["PutBucketCors", "changed", "allowed", 200],
    ["PutBucketLifecycleConfiguration", "changed", "allowed", 200],
    ["PutBucketAcl", "changed", "allowed", 200],
    ["DeleteBucketTagging", "changed", "allowed", 204],
    ["DeleteBucketCors", "changed", "allowed", 204],
    ["DeleteBucketLifecycle", "changed", "allowed", 204],
    ["DeleteBucket", "changed", "allowed", 204],
  ])
  expect(new Set(door.acts.map(({ personId, keyId }) => `${personId} ${keyId}`))).toEqual(new Set([`ann ${keyOf("ann")}`]))
})

test("a change that came to nothing is told too", async () => {
  await fault(ann.send(new DeleteBucketCommand({ Bucket })))
  await fault(bob.send(new CreateBucketCommand({ Bucket })))
  await fault(bob.send(new DeleteBucketCommand({ Bucket })))
  expect(told()).toEqual([
    ["DeleteBucket", Bucket, "failed", 409],
    ["CreateBucket", Bucket, "failed", 409],
    ["DeleteBucket", Bucket, "failed", 404],
  ])
})

test("nothing of single objects is told, nor of what is only looked at", async () => {
  await ann.send(new PutObjectCommand({ Bucket, Key: "b", Body: "b" }))
  await ann.send(new GetObjectCommand({ Bucket, Key: "b" }))
  await ann.send(new DeleteObjectCommand({ Bucket, Key: "b" }))
  await ann.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "b" }] } }))
  await ann.send(new ListBucketsCommand({}))
  await ann.send(new HeadBucketCommand({ Bucket }))
  await fault(ann.send(new GetBucketTaggingCommand({ Bucket })))
  await fault(ann.send(new GetObjectCommand({ Bucket, Key: "none" })))
  door.house.quotaBytes = 2
  expect(await fault(ann.send(new PutObjectCommand({ Bucket, Key: "b", Body: "too much" })))).toEqual(["QuotaExceeded", 403])
  door.house.quotaBytes = 0
  expect(told()).toEqual([])
})

test("what is denied to a key is told of its person", async () => {
  await door.key("ann", { "storage.ann.files": ["read"] }, "reader")
  const reader = door.client("reader")
  await fault(reader.send(new PutObjectCommand({ Bucket, Key: "b", Body: "b" })))
  await fault(reader.send(new ListBucketsCommand({})))
  await fault(reader.send(new CreateBucketCommand({ Bucket: "more" })))
  expect(door.acts).toEqual([
    { operation: "PutObject", bucket: Bucket, keyId: keyOf("reader"), personId: "ann", outcome: "denied", status: 403 },
    { operation: "ListBuckets", bucket: undefined, keyId: keyOf("reader"), personId: "ann", outcome: "denied", status: 403 },
    { operation: "CreateBucket", bucket: "more", keyId: keyOf("reader"), personId: "ann", outcome: "denied", status: 403 },
  ])
  door.acts.splice(0)
  await fault(bob.send(new PutObjectCommand({ Bucket: "shown", Key: "b", Body: "b" })))
  await fault(bob.send(new GetObjectCommand({ Bucket: "shown", Key: "b", VersionId: "null" })))
  expect(told()).toEqual([
    ["PutObject", "shown", "denied", 403],
    ["GetObject", "shown", "denied", 403],
  ])
})

test("who has not the secret of a key is nobody with that key", async () => {
  const credentials = { accessKeyId: keyOf("ann"), secretAccessKey: "guessed" }
  await fault(door.client("ann", { credentials }).send(new DeleteBucketCommand({ Bucket })))
  const link = await getSignedUrl(ann, new GetObjectCommand({ Bucket, Key: "a" }), { expiresIn: 60 })
  await fetch(link.replace("/a?", "/b?"))
  door.house.time += 120_000
  await fetch(link)
  door.house.time += 3_600_000
  await fault(ann.send(new ListObjectsV2Command({ Bucket })))
  door.house.time = Date.now()
  await door.house.db.updateTable("people").set({ disabledAt: 1 }).where("id", "=", "ann").execute()
  await fault(ann.send(new ListObjectsV2Command({ Bucket })))
  await door.house.db.updateTable("people").set({ disabledAt: null }).where("id", "=", "ann").execute()
  const nobody = { keyId: keyOf("ann"), personId: undefined, bucket: Bucket, outcome: "denied" as const, status: 403 }
  expect(door.acts).toEqual([
    { operation: "DeleteBucket", ...nobody },
    { operation: "GetObject", ...nobody },
    { operation: "GetObject", ...nobody },
    { operation: "ListObjects", ...nobody },
    { operation: "ListObjects", ...nobody },
  ])
})

test("of who names no key that there is nothing is told: scanners ask every host", async () => {
  const unknown = door.client("ann", { credentials: { accessKeyId: "FH00", secretAccessKey: "x" } })
  await fault(unknown.send(new DeleteBucketCommand({ Bucket })))
  for (const [method, path] of [
    ["GET", "/"],
    ["GET", "/photos/a"],
    ["PUT", "/shown"],
    ["DELETE", "/shown"],
    ["PUT", "/shown/.env"],
    ["POST", "/wp-login.php"],
  ])
    expect((await door.fetch(path!, { method })).status).toBeGreaterThanOrEqual(403)
  expect((await door.fetch("/photos", { headers: { authorization: "AWS4-HMAC-SHA256 Credential=x" } })).status).toBe(400)
  expect(told()).toEqual([])
})

test("a record that fails is logged, and changes nothing of the answer", async () => {
  const push = door.acts.push.bind(door.acts)
  door.acts.push = () => {
    throw new Error("no record today")
  }
  await ann.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [] } }))
  door.acts.push = push
  expect(door.house.logged.join("")).toContain("no record today")
})
