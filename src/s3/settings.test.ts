import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import {
  CreateBucketCommand,
  DeleteBucketCorsCommand,
  DeleteBucketLifecycleCommand,
  DeleteBucketTaggingCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetBucketReplicationCommand,
  GetBucketTaggingCommand,
  GetBucketWebsiteCommand,
  GetObjectAclCommand,
  GetObjectAttributesCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  type LifecycleRule,
  PutBucketCorsCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3"
import { DoorHouse, fault } from "./door.fixture"

const Bucket = "photos"
let door: DoorHouse
let ann: S3Client

beforeAll(async () => {
  door = await DoorHouse.open()
  ann = door.client()
  await ann.send(new CreateBucketCommand({ Bucket }))
  await ann.send(new PutObjectCommand({ Bucket, Key: "a", Body: "a" }))
})
afterAll(() => door.close())

test("tags of a bucket are kept until they are taken away", async () => {
  expect(await fault(ann.send(new GetBucketTaggingCommand({ Bucket })))).toEqual(["NoSuchTagSet", 404])
  const TagSet = Array.from({ length: 50 }, (_, i) => ({ Key: `k${i}`, Value: String(i) }))
  await ann.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }))
  expect((await ann.send(new GetBucketTaggingCommand({ Bucket }))).TagSet).toEqual(TagSet)
  const many = [...TagSet, { Key: "one", Value: "more" }]
  expect(await fault(ann.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: many } })))).toEqual(["InvalidTag", 400])
  await ann.send(new DeleteBucketTaggingCommand({ Bucket }))
  expect(await fault(ann.send(new GetBucketTaggingCommand({ Bucket })))).toEqual(["NoSuchTagSet", 404])
})

test("cross-origin rules are kept until they are taken away", async () => {
  expect(await fault(ann.send(new GetBucketCorsCommand({ Bucket })))).toEqual(["NoSuchCORSConfiguration", 404])
  const CORSRules = [
    { ID: "one", AllowedOrigins: ["*"], AllowedMethods: ["GET"], AllowedHeaders: ["x-*"], ExposeHeaders: ["etag"], MaxAgeSeconds: 5 },
  ]
  await ann.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }))
  expect((await ann.send(new GetBucketCorsCommand({ Bucket }))).CORSRules).toEqual(CORSRules)
  await ann.send(new DeleteBucketCorsCommand({ Bucket }))
  expect(await fault(ann.send(new GetBucketCorsCommand({ Bucket })))).toEqual(["NoSuchCORSConfiguration", 404])
})

describe("lifecycle rules", () => {
  const rules: LifecycleRule[] = [
    { ID: "days", Status: "Enabled", Filter: { Prefix: "logs/" }, Expiration: { Days: 30 } },
    { ID: "date", Status: "Disabled", Filter: {}, Expiration: { Date: new Date("2030-01-01T00:00:00.000Z") } },
    { ID: "tag", Status: "Enabled", Filter: { Tag: { Key: "k", Value: "v" } }, Expiration: { Days: 1 } },
    {
      ID: "and",
      Status: "Enabled",
      Filter: {
        And: {
          Prefix: "a",
          Tags: [
            { Key: "k", Value: "v" },
            { Key: "l", Value: "w" },
          ],
          ObjectSizeGreaterThan: 10,
          ObjectSizeLessThan: 100,
        },
      },
      NoncurrentVersionExpiration: { NoncurrentDays: 3, NewerNoncurrentVersions: 2 },
    },
    { ID: "size", Status: "Enabled", Filter: { ObjectSizeGreaterThan: 500 }, Expiration: { Days: 9 } },
    { ID: "old form", Status: "Enabled", Prefix: "x/", AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } },
    { ID: "markers", Status: "Enabled", Filter: { Prefix: "" }, Expiration: { ExpiredObjectDeleteMarker: true } },
  ]
  const put = (Rules: LifecycleRule[]) =>
    ann.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }))

  test("are kept as they came until they are taken away", async () => {
    const get = () => ann.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))
    expect(await fault(get())).toEqual(["NoSuchLifecycleConfiguration", 404])
    await put(rules)
    const kept = (await get()).Rules
    expect(kept).toEqual(rules.map((rule) => (rule.ID === "date" ? { ...rule, Filter: { Prefix: "" } } : rule)))
    await put(kept ?? [])
    expect((await get()).Rules).toEqual(kept)
    await ann.send(new DeleteBucketLifecycleCommand({ Bucket }))
    expect(await fault(get())).toEqual(["NoSuchLifecycleConfiguration", 404])
  })

  const Tag = { Key: "k", Value: "v" }
  test.each<[string, object, string]>([
    ["without an action", { Expiration: undefined }, "InvalidRequest"],
    ["without a scope", { Filter: undefined }, "MalformedXML"],
    ["with two scopes", { Prefix: "a" }, "MalformedXML"],
    ["with an unknown status", { Status: "On" }, "MalformedXML"],
    ["with no days", { Expiration: { Days: 0 } }, "InvalidArgument"],
    ["with days and a date", { Expiration: { Days: 1, Date: new Date(0) } }, "MalformedXML"],
    ["at noon", { Expiration: { Date: new Date("2030-01-01T12:00:00Z") } }, "InvalidArgument"],
    ["with a transition", { Transitions: [{ Days: 1, StorageClass: "GLACIER" }] }, "InvalidArgument"],
    [
      "with a transition of old versions",
      { NoncurrentVersionTransitions: [{ NoncurrentDays: 1, StorageClass: "GLACIER" }] },
      "InvalidArgument",
    ],
    ["that ends uploads by tag", { Filter: { Tag }, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }, "InvalidRequest"],
    ["for markers by tag", { Filter: { Tag }, Expiration: { ExpiredObjectDeleteMarker: true } }, "InvalidRequest"],
    ["for sizes that are none", { Filter: { And: { ObjectSizeGreaterThan: 9, ObjectSizeLessThan: 9 } } }, "InvalidRequest"],
    ["with a long name", { ID: "x".repeat(256) }, "InvalidArgument"],
  ])("%s are refused", async (_, change, code) => {
    const rule = { ID: "one", Status: "Enabled", Filter: { Prefix: "a" }, Expiration: { Days: 1 }, ...change }
    expect(await fault(put([rule as LifecycleRule]))).toEqual([code, 400])
  })

  test("of one name are refused, and of none", async () => {
    expect(await fault(put([rules[0]!, rules[0]!]))).toEqual(["InvalidArgument", 400])
    expect(await fault(put([]))).toEqual(["MalformedXML", 400])
  })
})

test.each<[string, object, string, number]>([
  ["policy", new GetBucketPolicyCommand({ Bucket }), "NoSuchBucketPolicy", 404],
  ["public access block", new GetPublicAccessBlockCommand({ Bucket }), "NoSuchPublicAccessBlockConfiguration", 404],
  ["object lock", new GetObjectLockConfigurationCommand({ Bucket }), "ObjectLockConfigurationNotFoundError", 404],
  ["encryption", new GetBucketEncryptionCommand({ Bucket }), "ServerSideEncryptionConfigurationNotFoundError", 404],
  ["replication", new GetBucketReplicationCommand({ Bucket }), "ReplicationConfigurationNotFoundError", 404],
  ["website", new GetBucketWebsiteCommand({ Bucket }), "NoSuchWebsiteConfiguration", 404],
  ["ownership", new GetBucketOwnershipControlsCommand({ Bucket }), "OwnershipControlsNotFoundError", 404],
  ["setting a policy", new PutBucketPolicyCommand({ Bucket, Policy: "{}" }), "NotImplemented", 501],
  [
    "setting encryption",
    new PutBucketEncryptionCommand({
      Bucket,
      ServerSideEncryptionConfiguration: { Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }] },
    }),
    "NotImplemented",
    501,
  ],
  ["setting an object's ACL", new PutObjectAclCommand({ Bucket, Key: "a", ACL: "public-read" }), "NotImplemented", 501],
])("what is not there says so: %s", async (_, command, code, status) => {
  expect(await fault(ann.send(command as GetBucketPolicyCommand))).toEqual([code, status])
})

test("an object's ACL is its bucket's, and what may be public is told", async () => {
  const { Grants } = await ann.send(new GetObjectAclCommand({ Bucket, Key: "a" }))
  expect(Grants).toHaveLength(1)
  expect(await fault(ann.send(new GetObjectAclCommand({ Bucket, Key: "none" })))).toEqual(["NoSuchKey", 404])
  expect((await ann.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus).toEqual({ IsPublic: false })
})

test("attributes are those that are asked for", async () => {
  const of = (...ObjectAttributes: string[]) =>
    ann.send(new GetObjectAttributesCommand({ Bucket, Key: "a", ObjectAttributes: ObjectAttributes as "ETag"[] }))
  const { $metadata, LastModified, ...got } = await of("ObjectSize", "StorageClass")
  expect([$metadata.httpStatusCode, LastModified instanceof Date, got]).toEqual([200, true, { ObjectSize: 1, StorageClass: "STANDARD" }])
  expect((await of("Checksum", "ETag", "ObjectParts")).Checksum?.ChecksumType).toBe("FULL_OBJECT")
  expect(await fault(of("Colour"))).toEqual(["InvalidArgument", 400])
})
