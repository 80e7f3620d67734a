import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketTaggingCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketCorsCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from "@aws-sdk/client-s3"
import { getSignedUrl } from "@aws-sdk/s3-request-presigner"
import { Vault } from "../vault"
import { DoorHouse, fault } from "./door.fixture"

let door: DoorHouse
let ann: S3Client
let bob: S3Client

beforeAll(async () => {
  door = await DoorHouse.open()
  ann = door.client("ann")
  bob = door.client("bob")
  await ann.send(new CreateBucketCommand({ Bucket: "secret" }))
  await ann.send(new CreateBucketCommand({ Bucket: "shown", ACL: "public-read" }))
  for (const Bucket of ["secret", "shown"]) await ann.send(new PutObjectCommand({ Bucket, Key: "a", Body: Bucket, Tagging: "k=v" }))
})
afterAll(() => door.close())

const TagSet = [{ Key: "k", Value: "v" }]
/** What can be asked of a bucket, by what it needs. */
const asked = {
  read: (Bucket: string) => new GetObjectCommand({ Bucket, Key: "a" }),
  head: (Bucket: string) => new HeadObjectCommand({ Bucket, Key: "a" }),
  list: (Bucket: string) => new ListObjectsV2Command({ Bucket }),
  "see the bucket": (Bucket: string) => new HeadBucketCommand({ Bucket }),
  "read tags": (Bucket: string) => new GetObjectTaggingCommand({ Bucket, Key: "a" }),
  "read by version": (Bucket: string) => new GetObjectCommand({ Bucket, Key: "a", VersionId: "null" }),
  "list versions": (Bucket: string) => new ListObjectVersionsCommand({ Bucket }),
  "read settings": (Bucket: string) => new GetBucketTaggingCommand({ Bucket }),
  put: (Bucket: string) => new PutObjectCommand({ Bucket, Key: "b", Body: "b" }),
  tag: (Bucket: string) => new PutObjectTaggingCommand({ Bucket, Key: "a", Tagging: { TagSet } }),
  begin: (Bucket: string) => new CreateMultipartUploadCommand({ Bucket, Key: "b" }),
  delete: (Bucket: string) => new DeleteObjectCommand({ Bucket, Key: "b" }),
  "delete several": (Bucket: string) => new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "b" }] } }),
  "change settings": (Bucket: string) => new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }),
  "delete the bucket": (Bucket: string) => new DeleteBucketCommand({ Bucket }),
}
const open = new Set(["read", "head", "list", "see the bucket"])

describe.each(Object.entries(asked))("%s", (name, command) => {
  const isHead = name === "head" || name === "see the bucket"
  const ask = (client: S3Client, bucket: string) => fault(client.send(command(bucket) as GetObjectCommand))
  const missing = isHead ? ["NotFound", 404] : ["NoSuchBucket", 404]

  test("as somebody else", async () => {
    expect(await ask(bob, "secret")).toEqual(missing as [string, number])
    expect(await ask(bob, "nowhere")).toEqual(missing as [string, number])
    const [code, status] = await ask(bob, "shown")
    if (open.has(name)) expect(code).toBe("done")
    else expect([code, status]).toEqual(["AccessDenied", 403])
  })

  test("as nobody", async () => {
    const nobody = door.client("ann", { signer: { sign: async (request) => request } })
    const status = async (bucket: string) => (await ask(nobody, bucket))[1]
    expect([await status("secret"), await status("nowhere"), await status("shown")]).toEqual([403, 403, open.has(name) ? 200 : 403])
  })

  test("with a key that may do something else only", async () => {
    await door.key(
      "ann",
      { "storage.ann.namespaces.other": ["create", "read", "update", "delete"], "storage.ann.files.other": ["read"] },
      "other",
    )
    expect((await ask(door.client("other"), "secret"))[1]).toBe(403)
  })
})

describe("scopes", () => {
  const grants: [Record<string, string[]>, string[]][] = [
    [{ "storage.ann.files.secret": ["read"] }, ["read", "head", "list", "see the bucket", "read tags", "read by version", "list versions"]],
    [{ "storage.ann.files": ["create"] }, ["put", "tag", "begin"]],
    [{ "storage.ann.files.secret": ["delete"] }, ["delete", "delete several"]],
    [{ "storage.ann.namespaces.secret": ["read"] }, ["see the bucket", "read settings"]],
    [{ "storage.ann.namespaces": ["update"] }, ["change settings"]],
    [{ "storage.ann.files.secre": ["read"], "storage.ann.files.secret.x": ["read"] }, []],
  ]

  test.each(grants)("%j lets do %j", async (scopes, may) => {
    const name = JSON.stringify(scopes).slice(0, 60)
    await door.key("ann", scopes, name)
    const client = door.client(name)
    const done: string[] = []
    for (const [what, command] of Object.entries(asked)) {
      const [, status] = await fault(client.send(command("secret") as GetObjectCommand))
      if (status !== 403) done.push(what)
    }
    expect(done).toEqual(may)
  })

  test("the one that is missing is named", async () => {
    await door.key("ann", { "storage.ann.files.secret": ["read"] }, "reader")
    const client = door.client("reader")
    const message = (promise: Promise<unknown>) => promise.then(String, (error: Error) => error.message)
    expect(await message(client.send(asked.put("secret")))).toBe("Access Denied: the access key lacks create on storage.ann.files.secret")
    expect(await message(client.send(new CreateBucketCommand({ Bucket: "more" })))).toContain("create on storage.ann.namespaces.more")
    expect(await message(client.send(new ListBucketsCommand({})))).toContain("read on storage.ann.namespaces")
  })

  test("a key sees the buckets that it may know of", async () => {
    await door.key("ann", { "storage.ann.namespaces.secret": ["read"] }, "one")
    const { Buckets } = await door.client("one").send(new ListBucketsCommand({}))
    expect(Buckets?.map(({ Name }) => Name)).toEqual(["secret"])
  })

  test("a copy needs to read its source too, which may be what everybody may", async () => {
    const copy = (client: S3Client, CopySource: string, Bucket: string) =>
      fault(client.send(new CopyObjectCommand({ Bucket, Key: "copied", CopySource })))
    await bob.send(new CreateBucketCommand({ Bucket: "bobs" }))
    expect(await copy(bob, "shown/a", "bobs")).toEqual(["done", 200])
    expect(await copy(bob, "secret/a", "bobs")).toEqual(["NoSuchBucket", 404])
    await door.key("ann", { "storage.ann.files": ["create"] }, "writer")
    expect(await copy(door.client("writer"), "secret/a", "secret")).toEqual(["AccessDenied", 403])
  })
})

describe("who asks", () => {
  test("must have a key, and the secret that belongs to it", async () => {
    const { accessKeyId, secretAccessKey } = door.credentials.ann!
    const as = (credentials: { accessKeyId: string; secretAccessKey: string }) =>
      fault(door.client("ann", { credentials }).send(new ListBucketsCommand({})))
    expect(await as({ accessKeyId: "FH00", secretAccessKey })).toEqual(["InvalidAccessKeyId", 403])
    expect(await as({ accessKeyId, secretAccessKey: "other" })).toEqual(["SignatureDoesNotMatch", 403])
    await door.house.db.updateTable("people").set({ disabledAt: 1 }).where("id", "=", "ann").execute()
    expect(await as({ accessKeyId, secretAccessKey })).toEqual(["InvalidAccessKeyId", 403])
    await door.house.db.updateTable("people").set({ disabledAt: null }).where("id", "=", "ann").execute()
    expect(await as({ accessKeyId, secretAccessKey })).toEqual(["done", 200])
    expect((await door.keys.list("ann")).find(({ id }) => id === accessKeyId)?.last_used_at).toBeGreaterThan(0)
  })

  test("is nobody with a key that was used a moment ago and is deleted, here or by another process", async () => {
    const list = (name: string) => fault(door.client(name).send(new ListBucketsCommand({})))
    for (const name of ["first", "second"]) {
      await door.key("ann", undefined, name)
      expect(await list(name)).toEqual(["done", 200])
    }
    await door.keys.delete("ann", door.credentials.first!.accessKeyId)
    await door.house.db.deleteFrom("storageKeys").where("id", "=", door.credentials.second!.accessKeyId).execute()
    for (const name of ["first", "second"]) expect(await list(name)).toEqual(["InvalidAccessKeyId", 403])
  })

  test("has the secret that is stored now, not the one before", async () => {
    const list = () => fault(door.client("changed").send(new ListBucketsCommand({})))
    const { accessKeyId } = await door.key("ann", undefined, "changed")
    expect(await list()).toEqual(["done", 200])
    const sealedSecret = new Vault("07".repeat(32)).seal("another", `storage_keys/${accessKeyId}`)
    await door.house.db.updateTable("storageKeys").set({ sealedSecret }).where("id", "=", accessKeyId).execute()
    expect(await list()).toEqual(["SignatureDoesNotMatch", 403])
    await door.house.db.updateTable("storageKeys").set({ sealedSecret: "00000000.broken" }).where("id", "=", accessKeyId).execute()
    expect(await list()).toEqual(["InternalError", 500])
  })

  test("may be told who must own the bucket", async () => {
    const head = (ExpectedBucketOwner: string) => fault(ann.send(new GetObjectCommand({ Bucket: "secret", Key: "a", ExpectedBucketOwner })))
    expect(await head("ann")).toEqual(["done", 200])
    expect(await head("bob")).toEqual(["AccessDenied", 403])
  })

  test("may have a link from somebody who may", async () => {
    const url = await getSignedUrl(ann, new GetObjectCommand({ Bucket: "secret", Key: "a" }), { expiresIn: 60 })
    expect(await (await fetch(url)).text()).toBe("secret")
    expect((await fetch(url.replace("/a?", "/b?"))).status).toBe(403)
    const put = await getSignedUrl(ann, new PutObjectCommand({ Bucket: "secret", Key: "linked" }), { expiresIn: 60 })
    expect((await fetch(put, { method: "PUT", body: "by link" })).status).toBe(200)
    expect(await (await ann.send(new GetObjectCommand({ Bucket: "secret", Key: "linked" }))).Body?.transformToString()).toBe("by link")
    expect((await fetch(put)).status).toBe(403)
    door.house.time += 120_000
    expect((await fetch(url)).status).toBe(403)
    door.house.time = Date.now()
  })
})

describe("what is asked", () => {
  test.each([
    ["GET", "/shown?notification", "NotImplemented"],
    ["GET", "/shown?somethingnew", "NotImplemented"],
    ["GET", "/shown/a?torrent", "NotImplemented"],
    ["GET", "/shown/a?acl&tagging", "InvalidArgument"],
    ["POST", "/shown", "MethodNotAllowed"],
    ["PATCH", "/shown/a", "MethodNotAllowed"],
    ["GET", "/shown/%ff", "InvalidURI"],
    ["GET", "/shown?list-type=3", "InvalidArgument"],
  ])("%s %s is %s", async (method, path, code) => {
    expect(await (await door.fetch(path, { method })).text()).toContain(`<Code>${code}</Code>`)
  })

  test("is not another thing in its place", async () => {
    // The signature covers the parameter: this is what a client of a newer day would send.
    const signed = door.client("ann")
    signed.middlewareStack.add(
      (next) => async (args) => {
        const request = args.request as { query: Record<string, string> }
        request.query.newday = "1"
        return next(args)
      },
      { step: "build" },
    )
    expect(await fault(signed.send(new DeleteObjectCommand({ Bucket: "secret", Key: "a" })))).toEqual(["NotImplemented", 501])
    expect(await fault(ann.send(asked.read("secret")))).toEqual(["done", 200])
  })

  test("a parameter that nobody knows changes nothing of a read", async () => {
    expect(await (await door.fetch("/shown/a?v=2")).text()).toBe("shown")
  })

  test("what fails inside is logged, and tells nothing", async () => {
    const { objects } = door.house
    const find = objects.find.bind(objects)
    objects.find = async () => {
      throw new Error("the inside of it")
    }
    const response = await door.fetch("/shown/a")
    objects.find = find
    const text = await response.text()
    expect([response.status, text.includes("<Code>InternalError</Code>"), text.includes("inside of it")]).toEqual([500, true, false])
    expect(door.house.logged.join("")).toContain("the inside of it")
    expect(text).toContain(`<RequestId>${response.headers.get("x-amz-request-id")}</RequestId>`)
  })
})

test("a bucket may be named by the host", async () => {
  const endpoint = `http://s3.test:${new URL(door.url).port}`
  const client = door.client("ann", { endpoint, forcePathStyle: false })
  const { requestHandler } = client.config
  const handle = requestHandler.handle.bind(requestHandler)
  // The name is in no DNS.
  requestHandler.handle = (request, options) => handle(Object.assign(request, { hostname: "127.0.0.1" }), options)
  await client.send(new PutObjectCommand({ Bucket: "secret", Key: "by/host", Body: "host" }))
  expect(await (await client.send(new GetObjectCommand({ Bucket: "secret", Key: "by/host" }))).Body?.transformToString()).toBe("host")
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: "secret", Prefix: "by/" }))
  expect(Contents?.map(({ Key }) => Key)).toEqual(["by/host"])
  expect(await (await door.fetch("/a", { headers: { host: "shown.s3.test" } })).text()).toBe("shown")
})

test("a page of another origin may what the bucket's rules say", async () => {
  const CORSRules = [
    { AllowedOrigins: ["https://app.test"], AllowedMethods: ["GET", "PUT"], AllowedHeaders: ["*"], ExposeHeaders: ["etag"] },
  ]
  await ann.send(new PutBucketCorsCommand({ Bucket: "shown", CORSConfiguration: { CORSRules } }))
  const preflight = (origin: string, path = "/shown/a") =>
    door.fetch(path, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "PUT", "access-control-request-headers": "x-a" },
    })
  const allowed = await preflight("https://app.test")
  expect([allowed.status, allowed.headers.get("access-control-allow-origin")]).toEqual([200, "https://app.test"])
  expect((await preflight("https://evil.test")).status).toBe(403)
  expect((await preflight("https://app.test", "/secret/a")).status).toBe(403)
  expect((await preflight("https://app.test", "/nowhere/a")).status).toBe(403)
  const origin = { headers: { origin: "https://app.test" } }
  expect((await door.fetch("/shown/a", origin)).headers.get("access-control-expose-headers")).toBe("etag")
  const missing = await door.fetch("/shown/none", origin)
  expect([missing.status, missing.headers.get("access-control-allow-origin")]).toEqual([404, "https://app.test"])
  const refused = await door.fetch("/shown/a", { ...origin, method: "PUT", body: "x" })
  expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([403, "https://app.test"])
  expect((await door.fetch("/shown/a")).headers.get("vary")).toContain("Origin")
})

test("a small body that breaks off is the client's fault, and nothing is written", async () => {
  await ann.send(new CreateBucketCommand({ Bucket: "cut" }))
  const url = new URL(await getSignedUrl(ann, new PutObjectCommand({ Bucket: "cut", Key: "half" }), { expiresIn: 60 }))
  const handled = new Promise<Response>((resolve) => {
    const { handle } = door.door
    door.door.handle = async (request) => {
      door.door.handle = handle
      const response = await handle.call(door.door, request)
      resolve(response.clone())
      return response
    }
  })
  const head = `PUT ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-length: 4096\r\n\r\n`
  const socket = await Bun.connect({ hostname: "127.0.0.1", port: Number(url.port), socket: { data() {} } })
  socket.write(`${head}half`)
  await Bun.sleep(50)
  socket.end()
  expect(await (await handled).text()).toContain("<Code>IncompleteBody</Code>")
  expect(await fault(ann.send(new HeadObjectCommand({ Bucket: "cut", Key: "half" })))).toEqual(["NotFound", 404])
})
