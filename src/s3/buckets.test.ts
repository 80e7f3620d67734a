import { afterEach, beforeEach, expect, test } from "bun:test"
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketAclCommand,
  GetBucketLocationCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketAclCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3"
import { DoorHouse, fault } from "./door.fixture"

let door: DoorHouse
let ann: S3Client
let bob: S3Client

beforeEach(async () => {
  door = await DoorHouse.open()
  ann = door.client("ann")
  bob = door.client("bob")
})
afterEach(() => door.close())

const create = (Bucket: string, client = ann, more = {}) => client.send(new CreateBucketCommand({ Bucket, ...more }))

test("a bucket is made, is there, is listed and is removed when it is empty", async () => {
  expect((await create("photos")).Location).toBe("/photos")
  expect(door.changes).toBe(1)
  expect(await ann.send(new HeadBucketCommand({ Bucket: "photos" }))).toMatchObject({ BucketRegion: "us-east-1" })
  expect((await ann.send(new GetBucketLocationCommand({ Bucket: "photos" }))).LocationConstraint).toBeUndefined()
  const { Buckets, Owner } = await ann.send(new ListBucketsCommand({}))
  expect(Owner?.ID).toBe("ann")
  expect(Buckets?.map(({ Name }) => Name)).toEqual(["photos"])
  expect(Buckets?.[0]?.CreationDate?.getTime()).toBe(door.house.time)
  await ann.send(new PutObjectCommand({ Bucket: "photos", Key: "a", Body: "a" }))
  expect(await fault(ann.send(new DeleteBucketCommand({ Bucket: "photos" })))).toEqual(["BucketNotEmpty", 409])
  await door.house.objects.delete((await door.house.store.find("photos"))!, "a")
  await ann.send(new DeleteBucketCommand({ Bucket: "photos" }))
  expect(door.changes).toBe(2)
  expect(await fault(ann.send(new DeleteBucketCommand({ Bucket: "photos" })))).toEqual(["NoSuchBucket", 404])
})

test("a name is one bucket's, whoever else wants it", async () => {
  await create("photos")
  expect(await fault(create("photos"))).toEqual(["BucketAlreadyOwnedByYou", 409])
  expect(await fault(create("photos", bob))).toEqual(["BucketAlreadyExists", 409])
})

test.each(["ab", "Photos", "a_b", "-ab", "ab-", "a..b", "192.168.1.1", "x".repeat(64), "uploads"])(
  "%p is no name of a bucket",
  async (name) => {
    expect(await fault(create(name))).toEqual(["InvalidBucketName", 400])
  },
)

test("any region may be asked for, and tags and visibility come with the making", async () => {
  await create("photos", ann, {
    ACL: "public-read",
    CreateBucketConfiguration: { LocationConstraint: "eu-central-1", Tags: [{ Key: "team", Value: "one" }] },
  })
  expect(await door.house.store.find("photos")).toMatchObject({ visibility: "public", tags: '{"team":"one"}' })
  expect(await fault(create("locked", ann, { ObjectLockEnabledForBucket: true }))).toEqual(["NotImplemented", 501])
  expect(await fault(create("open", ann, { ACL: "public-read-write" }))).toEqual(["NotImplemented", 501])
  expect(await door.house.store.find("open")).toBeUndefined()
})

test("buckets are listed in pages, by prefix, and only one's own", async () => {
  for (const name of ["b1", "b2", "b3", "c1"]) await door.house.namespaces.create("ann", `${name}-bucket`)
  await door.house.namespaces.create("bob", "b4-bucket")
  const first = await ann.send(new ListBucketsCommand({ MaxBuckets: 2, Prefix: "b" }))
  expect(first.Buckets?.map(({ Name }) => Name)).toEqual(["b1-bucket", "b2-bucket"])
  const second = await ann.send(new ListBucketsCommand({ MaxBuckets: 2, Prefix: "b", ContinuationToken: first.ContinuationToken }))
  expect(second.Buckets?.map(({ Name }) => Name)).toEqual(["b3-bucket"])
  expect(second.ContinuationToken).toBeUndefined()
  expect(await fault(ann.send(new ListBucketsCommand({ ContinuationToken: "x" })))).toEqual(["InvalidArgument", 400])
  expect(await fault(ann.send(new ListBucketsCommand({ MaxBuckets: 0 })))).toEqual(["InvalidArgument", 400])
  expect((await ann.send(new ListBucketsCommand({ BucketRegion: "eu-west-1" }))).Buckets ?? []).toEqual([])
})

test("a canned ACL is the bucket's visibility", async () => {
  await create("photos")
  const grants = async () => {
    const { Grants, Owner } = await ann.send(new GetBucketAclCommand({ Bucket: "photos" }))
    return [Owner?.ID, ...(Grants ?? []).map(({ Grantee, Permission }) => `${Grantee?.Type} ${Grantee?.ID ?? Grantee?.URI} ${Permission}`)]
  }
  expect(await grants()).toEqual(["ann", "CanonicalUser ann FULL_CONTROL"])
  await ann.send(new PutBucketAclCommand({ Bucket: "photos", ACL: "public-read" }))
  const everybody = "http://acs.amazonaws.com/groups/global/AllUsers"
  expect(await grants()).toEqual(["ann", "CanonicalUser ann FULL_CONTROL", `Group ${everybody} READ`])
  expect(door.changes).toBe(2)
  const AccessControlPolicy = await ann.send(new GetBucketAclCommand({ Bucket: "photos" }))
  await ann.send(new PutBucketAclCommand({ Bucket: "photos", ACL: "private" }))
  expect((await door.house.store.find("photos"))?.visibility).toBe("private")
  await ann.send(new PutBucketAclCommand({ Bucket: "photos", AccessControlPolicy }))
  expect((await door.house.store.find("photos"))?.visibility).toBe("public")
  expect(await fault(ann.send(new PutBucketAclCommand({ Bucket: "photos", ACL: "authenticated-read" })))).toEqual(["NotImplemented", 501])
  const Grants = [{ Grantee: { Type: "CanonicalUser" as const, ID: "bob" }, Permission: "READ" as const }]
  const policy = { Owner: { ID: "ann" }, Grants }
  expect(await fault(ann.send(new PutBucketAclCommand({ Bucket: "photos", AccessControlPolicy: policy })))).toEqual(["NotImplemented", 501])
})
