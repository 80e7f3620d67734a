import { afterAll, beforeAll, expect, test } from "bun:test"
import { SignatureV4 } from "@smithy/signature-v4"
import { targetOf } from "./address"
import { DoorHouse } from "./door.fixture"
import { operationOf, type OperationName, operations } from "./operations"

/*
 * Who × whose bucket × visibility × operation × with what key, against the tables below, which are written and computed from nothing else. `ann` is the
 * owner of `my` and `my.data`, private, and `anns-shown`, public; `bob` is another person, `dan` is disabled and has his own; `cyds-shown` is a third
 * one's, for copies to be made from.
 */

/** What becomes of a request: `ok` for an answer of the operation's own, or the code of the refusal. */
type Outcome = "ok" | "AccessDenied" | "NoSuchBucket" | "InvalidAccessKeyId" | "SignatureDoesNotMatch"
/** In the order of the columns: own private, own public, another's private, another's public, absent. */
type Row = [ownPrivate: Outcome, ownPublic: Outcome, othersPrivate: Outcome, othersPublic: Outcome, absent: Outcome]

const places = ["ownPrivate", "ownPublic", "othersPrivate", "othersPublic", "absent"] as const

/**
 * Operations on a bucket, by what they do with it: `$` is the bucket. Those that destroy are of a key that is not there, or of a bucket that is not empty.
 * What comes after are the faults that are the operation's own answers, beside success.
 */
type Kind = "open" | "look" | "peek" | "see" | "write" | "remove" | "change" | "deletion" | "make"
type Asked = { ask: string; headers?: Record<string, string>; body?: string; own?: string[] }

const tags = "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"
const copied = { "x-amz-copy-source": "cyds-shown/f" }
const own = (...codes: string[]) => ({ own: codes })

const table: Record<Kind, Partial<Record<OperationName, Asked>>> = {
  open: {
    ListObjects: { ask: "GET /$?list-type=2" },
    GetObject: { ask: "GET /$/f" },
    HeadObject: { ask: "HEAD /$/f" },
    GetObjectAttributes: { ask: "GET /$/f?attributes", headers: { "x-amz-object-attributes": "ETag" } },
  },
  look: {
    HeadBucket: { ask: "HEAD /$" },
    GetBucketLocation: { ask: "GET /$?location" },
  },
  peek: {
    ListObjectVersions: { ask: "GET /$?versions" },
    ListMultipartUploads: { ask: "GET /$?uploads" },
    GetObjectTagging: { ask: "GET /$/f?tagging" },
    GetObjectAcl: { ask: "GET /$/f?acl" },
    ListParts: { ask: "GET /$/f?uploadId=none", ...own("NoSuchUpload") },
  },
  see: {
    GetBucketVersioning: { ask: "GET /$?versioning" },
    GetBucketCors: { ask: "GET /$?cors", ...own("NoSuchCORSConfiguration") },
    GetBucketLifecycleConfiguration: { ask: "GET /$?lifecycle", ...own("NoSuchLifecycleConfiguration") },
    GetBucketTagging: { ask: "GET /$?tagging", ...own("NoSuchTagSet") },
    GetBucketAcl: { ask: "GET /$?acl" },
    GetBucketPolicyStatus: { ask: "GET /$?policyStatus" },
    GetBucketPolicy: { ask: "GET /$?policy", ...own("NoSuchBucketPolicy") },
    GetPublicAccessBlock: { ask: "GET /$?publicAccessBlock", ...own("NoSuchPublicAccessBlockConfiguration") },
    GetObjectLockConfiguration: { ask: "GET /$?object-lock", ...own("ObjectLockConfigurationNotFoundError") },
    GetBucketEncryption: { ask: "GET /$?encryption", ...own("ServerSideEncryptionConfigurationNotFoundError") },
    GetBucketReplication: { ask: "GET /$?replication", ...own("ReplicationConfigurationNotFoundError") },
    GetBucketWebsite: { ask: "GET /$?website", ...own("NoSuchWebsiteConfiguration") },
    GetBucketOwnershipControls: { ask: "GET /$?ownershipControls", ...own("OwnershipControlsNotFoundError") },
  },
  write: {
    PutObject: { ask: "PUT /$/new", body: "new" },
    CopyObject: { ask: "PUT /$/new", headers: copied },
    CreateMultipartUpload: { ask: "POST /$/new?uploads" },
    UploadPart: { ask: "PUT /$/new?uploadId=none&partNumber=1", body: "part", ...own("NoSuchUpload") },
    UploadPartCopy: { ask: "PUT /$/new?uploadId=none&partNumber=1", headers: copied, ...own("NoSuchUpload") },
    CompleteMultipartUpload: {
      ask: "POST /$/new?uploadId=none",
      body: "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>",
      ...own("NoSuchUpload"),
    },
    AbortMultipartUpload: { ask: "DELETE /$/new?uploadId=none", ...own("NoSuchUpload") },
    PutObjectTagging: { ask: "PUT /$/f?tagging", body: tags },
    DeleteObjectTagging: { ask: "DELETE /$/f?tagging" },
  },
  remove: {
    DeleteObject: { ask: "DELETE /$/none" },
    DeleteObjects: { ask: "POST /$?delete", body: "<Delete><Object><Key>none</Key></Object></Delete>" },
  },
  change: {
    PutBucketVersioning: {
      ask: "PUT /$?versioning",
      body: "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>",
    },
    PutBucketCors: {
      ask: "PUT /$?cors",
      body: "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>",
    },
    PutBucketLifecycleConfiguration: {
      ask: "PUT /$?lifecycle",
      body: "<LifecycleConfiguration><Rule><Filter/><Status>Enabled</Status><Expiration><Days>9</Days></Expiration></Rule></LifecycleConfiguration>",
    },
    PutBucketTagging: { ask: "PUT /$?tagging", body: tags },
    // As it is already.
    PutBucketAcl: { ask: "PUT /$?acl", headers: { "x-amz-acl": "$" } },
    DeleteBucketCors: { ask: "DELETE /$?cors" },
    DeleteBucketLifecycle: { ask: "DELETE /$?lifecycle" },
    DeleteBucketTagging: { ask: "DELETE /$?tagging" },
  },
  deletion: { DeleteBucket: { ask: "DELETE /$", ...own("BucketNotEmpty") } },
  // Names are shared by all, so that one is taken is no secret.
  make: { CreateBucket: { ask: "PUT /$", ...own("BucketAlreadyOwnedByYou", "BucketAlreadyExists", "InvalidBucketName") } },
}

const [denied, none, forged, unknown] = ["AccessDenied", "NoSuchBucket", "SignatureDoesNotMatch", "InvalidAccessKeyId"] as const

/** Of a key that may. */
const whole: Row = ["ok", "ok", none, denied, none]
const reads: Row = ["ok", "ok", none, "ok", none]
/** Of a key without the scope for it: what belongs to others is as for any other key. */
const without: Row = [denied, denied, none, denied, none]
const withoutReads: Row = [denied, denied, none, "ok", none]
/** Of a key for the private one, which is called `my`. */
const mine: Row = ["ok", denied, none, denied, none]
const mineReads: Row = ["ok", denied, none, "ok", none]
const any: Row = ["ok", "ok", "ok", "ok", "ok"]
const closed: Row = [denied, denied, denied, denied, denied]
const nobodyReads: Row = [denied, "ok", denied, "ok", denied]

type Table = Record<Kind, Row>

const everything: Table = {
  open: reads,
  look: reads,
  peek: whole,
  see: whole,
  write: whole,
  remove: whole,
  change: whole,
  deletion: whole,
  make: any,
}
const nothing: Table = {
  open: withoutReads,
  look: withoutReads,
  peek: without,
  see: without,
  write: without,
  remove: without,
  change: without,
  deletion: without,
  make: closed,
}
const anonymous: Table = {
  open: nobodyReads,
  look: nobodyReads,
  peek: closed,
  see: closed,
  write: closed,
  remove: closed,
  change: closed,
  deletion: closed,
  make: closed,
}
const always = (outcome: Outcome): Table => {
  const row: Row = [outcome, outcome, outcome, outcome, outcome]
  return { open: row, look: row, peek: row, see: row, write: row, remove: row, change: row, deletion: row, make: row }
}

const all = ["create", "read", "update", "delete"]
const inFiles = ["create", "read", "delete"]
const annsBuckets = ["anns-shown", "my", "my.data"]

/** Keys of `ann` by their scopes, what each is let do, and which buckets it is shown; undefined where it may not ask. */
const scoped: [name: string, scopes: Record<string, string[]> | undefined, table: Table, shown: string[] | undefined][] = [
  ["no scopes", undefined, everything, annsBuckets],
  ["the root", { "storage.ann": all }, everything, annsBuckets],
  ["the root, to read", { "storage.ann": ["read"] }, { ...nothing, open: reads, look: reads, peek: whole, see: whole }, annsBuckets],
  ["the root, to create", { "storage.ann": ["create"] }, { ...nothing, write: whole, make: any }, undefined],
  ["the root, to update", { "storage.ann": ["update"] }, { ...nothing, change: whole }, undefined],
  ["the root, to delete", { "storage.ann": ["delete"] }, { ...nothing, remove: whole, deletion: whole }, undefined],
  ["namespaces, to read", { "storage.ann.namespaces": ["read"] }, { ...nothing, look: reads, see: whole }, annsBuckets],
  ["namespaces, to create", { "storage.ann.namespaces": ["create"] }, { ...nothing, make: any }, undefined],
  ["namespaces, to update", { "storage.ann.namespaces": ["update"] }, { ...nothing, change: whole }, undefined],
  ["namespaces, to delete", { "storage.ann.namespaces": ["delete"] }, { ...nothing, deletion: whole }, undefined],
  ["files, to read", { "storage.ann.files": ["read"] }, { ...nothing, open: reads, look: reads, peek: whole }, undefined],
  ["files, to create", { "storage.ann.files": ["create"] }, { ...nothing, write: whole }, undefined],
  ["files, to delete", { "storage.ann.files": ["delete"] }, { ...nothing, remove: whole }, undefined],
  [
    "this bucket",
    { "storage.ann.namespaces.my": all },
    { ...nothing, look: mineReads, see: mine, change: mine, deletion: mine, make: ["ok", denied, denied, denied, denied] },
    ["my"],
  ],
  [
    "files of this bucket",
    { "storage.ann.files.my": inFiles },
    { ...nothing, open: mineReads, look: mineReads, peek: mine, write: mine, remove: mine },
    undefined,
  ],
  [
    "one that this one's name begins",
    { "storage.ann.namespaces.my.data": all, "storage.ann.files.my.data": inFiles },
    nothing,
    ["my.data"],
  ],
  ["one that begins this one's name", { "storage.ann.namespaces.m": all, "storage.ann.files.m": inFiles }, nothing, undefined],
  ["another bucket", { "storage.ann.namespaces.other": all, "storage.ann.files.other": inFiles }, nothing, undefined],
  [
    "buckets of others",
    { "storage.ann.namespaces.bobs": all, "storage.ann.files.bobs": inFiles },
    // May make it, were the name not taken.
    { ...nothing, make: [denied, denied, "ok", denied, denied] },
    undefined,
  ],
  ["the registry", { "storage.ann.registry": ["push", "pull", "delete"] }, nothing, undefined],
  // No door gives such keys out.
  ["other roots", { "compute.ann": all, "networking.ann": all, "ann.storage": all }, nothing, undefined],
  ["the bare root", { storage: all }, nothing, undefined],
  ["another person", { "storage.bob": all, "storage.bob.files.my": inFiles }, nothing, undefined],
]

/** The buckets that stand for the columns, as this person sees them. */
const columns: Record<string, string[]> = {
  ann: ["my", "anns-shown", "bobs", "bobs-shown", "absent"],
  bob: ["bobs", "bobs-shown", "my", "anns-shown", "absent"],
  dan: ["dans", "dans-shown", "my", "anns-shown", "absent"],
}

/** The official signer's own, in JavaScript, takes most of the time. */
class Hasher {
  private hasher: Bun.CryptoHasher

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hasher = new Bun.CryptoHasher("sha256", secret as string | NodeJS.TypedArray | undefined)
  }

  update(chunk: Uint8Array): void {
    this.hasher.update(chunk)
  }

  digest = async (): Promise<Uint8Array> => this.hasher.digest()
}

type Credentials = { accessKeyId: string; secretAccessKey: string }
/** How a signature comes along. */
type Carrier = "header" | "link"
/** `signedFor` is a bucket that the signature is made for in place of the one asked. */
type With = { credentials?: Credentials; carrier?: Carrier; signedFor?: string }

let door: DoorHouse

beforeAll(async () => {
  door = await DoorHouse.open()
  const { db, namespaces, objects } = door.house
  const more = ["cyd", "dan"].map((id) => ({ id, username: id, displayName: id, passwordHash: "", isAdmin: 0, createdAt: 0 }))
  await db.insertInto("people").values(more).execute()
  const buckets = [...Object.entries(columns), ["cyd", ["cyds", "cyds-shown"]] as const]
  for (const [owner, names] of buckets)
    for (const [i, name] of names.slice(0, 2).entries()) {
      const made = await namespaces.create(owner, name, i === 0 ? "private" : "public")
      await objects.put(
        made,
        "f",
        (async function* () {
          yield new TextEncoder().encode(`of ${owner}`)
        })(),
      )
    }
  await namespaces.create("ann", "my.data")
  await door.key("dan")
  await db.updateTable("people").set({ disabledAt: 1 }).where("id", "=", "dan").execute()
})
afterAll(() => door.close())

/** A key with scopes that the store has, whatever would be let into it. */
async function keyOf(person: string, name: string, scopes: Record<string, string[]> | undefined): Promise<Credentials> {
  const key = await door.key(person, undefined, name)
  const text = scopes === undefined ? null : JSON.stringify(scopes)
  await door.house.db.updateTable("storageKeys").set({ scopes: text }).where("id", "=", key.accessKeyId).execute()
  return key
}

async function send(
  { ask, headers = {}, body }: Asked,
  bucket: string,
  { credentials, carrier = "header", signedFor = bucket }: With = {},
): Promise<Response> {
  const [method = "", target = ""] = ask.split(" ")
  const at = (name: string) => target.replace("$", name)
  const acl = bucket.endsWith("-shown") ? "public-read" : "private"
  const fields: Record<string, string> = { host: "s3.test" }
  for (const [name, value] of Object.entries(headers)) fields[name] = value.replace("$", acl)
  const init = { method, body }
  if (credentials === undefined) return door.door.handle(new Request(`http://s3.test${at(bucket)}`, { ...init, headers: fields }))
  const signer = new SignatureV4({ service: "s3", region: "us-east-1", credentials, sha256: Hasher, uriEscapePath: false })
  const { path, query } = targetOf(`http://s3.test${at(signedFor)}`)
  const address = { method, protocol: "http:", hostname: "s3.test", path, query: Object.fromEntries(new URLSearchParams(query)) }
  const plain = { ...address, headers: { ...fields, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } }
  const signingDate = new Date(door.house.time)
  const signed = await (carrier === "link" ? signer.presign(plain, { signingDate, expiresIn: 600 }) : signer.sign(plain, { signingDate }))
  const search = new URLSearchParams(signed.query as Record<string, string>).toString().replaceAll("+", "%20")
  const [asked] = at(bucket).split("?")
  return door.door.handle(new Request(`http://s3.test${asked}?${search}`, { ...init, headers: signed.headers }))
}

const refusals: Record<string, Outcome> = { [denied]: denied, [none]: none, [forged]: forged, [unknown]: unknown }

/** What became of it, in words where that is none of the outcomes. */
function outcomeOf({ ask, own = [] }: Asked, { status }: Response, text: string, expected: Outcome): string {
  if (status < 300) return "ok"
  // Of HEAD there is no more than the status to see.
  if (ask.startsWith("HEAD ")) return (expected === none ? 404 : expected === "ok" ? 200 : 403) === status ? expected : String(status)
  const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? ""
  return own.includes(code) ? "ok" : (refusals[code] ?? `${status} ${text}`)
}

/** Compares every operation of a table in every column; `words` name the row in what a failure shows. Answers how many requests that took. */
async function compare(words: string, person: string, expectations: Table, how: With = {}, names = columns[person] ?? []): Promise<number> {
  const wrong: string[] = []
  let count = 0
  for (const [kind, row] of Object.entries(expectations) as [Kind, Row][])
    for (const [operation, asked] of Object.entries(table[kind]))
      for (const [i, name] of names.entries()) {
        const expected = row[i] as Outcome
        const response = await send(asked, name, how)
        const text = await response.text()
        const outcome = outcomeOf(asked, response, text, expected)
        count++
        if (outcome !== expected) wrong.push(`${words}: ${operation} of ${places[i]} is ${outcome}, not ${expected}`)
        if (/of (ann|bob|cyd|dan)$/.test(text) && expected !== "ok")
          wrong.push(`${words}: ${operation} of ${places[i]} shows what is another's`)
        if (operation === "CreateBucket" && name === "absent" && response.ok) await unmake(name)
      }
  expect(wrong).toEqual([])
  return count
}

async function unmake(name: string): Promise<void> {
  const made = await door.house.namespaces.find(name)
  if (made !== undefined) await door.house.namespaces.deleteEmpty(made)
}

test.each(scoped)("a key of the owner with %s", async (name, scopes, expectations, shown) => {
  const credentials = await keyOf("ann", name, scopes)
  expect(await compare(name, "ann", expectations, { credentials })).toBeGreaterThan(200)
  const listing = await send({ ask: "GET /" }, "", { credentials })
  const text = await listing.text()
  const buckets = Array.from(text.matchAll(/<Name>([^<]+)<\/Name>/g), ([, bucket]) => bucket ?? "")
  expect(listing.status === 403 ? undefined : buckets).toEqual(shown)
  if (shown === undefined) expect(text).toContain(denied)
})

test("another person does all with their own, reads what is public, and no more, by a signed link too", async () => {
  const credentials = door.credentials.bob
  await compare("bob", "bob", everything, { credentials })
  await compare("bob, by a link", "bob", everything, { credentials, carrier: "link" })
  const foreign = await keyOf("bob", "foreign", { "storage.ann": all, "storage.ann.files.my": inFiles })
  await compare("bob, with scopes over ann's", "bob", nothing, { credentials: foreign })
})

test("a signed link may what its key may", async () => {
  await compare("ann, by a link", "ann", everything, { credentials: door.credentials.ann, carrier: "link" })
  const credentials = await keyOf("ann", "linked", { "storage.ann.files.my": ["read"] })
  const expectations = { ...nothing, open: mineReads, look: mineReads, peek: mine }
  await compare("a reader, by a link", "ann", expectations, { credentials, carrier: "link" })
})

test.each(["header", "link"] as const)("a signature in the %s is good for its bucket alone", async (carrier) => {
  const elsewhere = ["anns-shown", "bobs", "bobs-shown", "absent", "my.data"]
  await compare(
    `signed for my, ${carrier}`,
    "ann",
    always(forged),
    { credentials: door.credentials.ann, carrier, signedFor: "my" },
    elsewhere,
  )
})

test("nobody reads what is public, and no more", async () => {
  for (const person of Object.keys(columns)) await compare(`nobody, as ${person}`, person, anonymous)
  expect((await send({ ask: "GET /" }, "")).status).toBe(403)
})

test.each(["header", "link"] as const)("who has not the secret, and who is disabled, may nothing at all: by %s", async (carrier) => {
  const { accessKeyId } = door.credentials.ann as Credentials
  const cases: [words: string, person: string, credentials: Credentials | undefined, outcome: Outcome][] = [
    ["another secret", "ann", { accessKeyId, secretAccessKey: (door.credentials.bob as Credentials).secretAccessKey }, forged],
    ["an unknown key", "ann", { accessKeyId: "FH00", secretAccessKey: "x" }, unknown],
    ["disabled", "dan", door.credentials.dan, unknown],
  ]
  for (const [words, person, credentials, outcome] of cases) {
    await compare(words, person, always(outcome), { credentials, carrier })
    expect(await (await send({ ask: "GET /" }, "", { credentials, carrier })).text()).toContain(`<Code>${outcome}</Code>`)
  }
})

test("a copy reads its source with the same key", async () => {
  const rows: [scopes: Record<string, string[]> | undefined, row: Row][] = [
    [undefined, ["ok", "ok", none, "ok", none]],
    [{ "storage.ann.files": ["create", "read"] }, ["ok", "ok", none, "ok", none]],
    [{ "storage.ann.files": ["create"] }, [denied, denied, none, "ok", none]],
    [{ "storage.ann.files": ["create"], "storage.ann.files.my": ["read"] }, ["ok", denied, none, "ok", none]],
  ]
  for (const [i, [scopes, row]] of rows.entries()) {
    const credentials = await keyOf("ann", `copier ${i}`, scopes)
    const outcomes: string[] = []
    for (const source of columns.ann ?? []) {
      const asked = { ask: "PUT /$/copied", headers: { "x-amz-copy-source": `${source}/f` } }
      const response = await send(asked, "my.data", { credentials })
      outcomes.push(outcomeOf(asked, response, await response.text(), "ok"))
    }
    expect([scopes, outcomes]).toEqual([scopes, row])
  }
})

test("what stood in the buckets stands there still", async () => {
  for (const [owner, names] of Object.entries(columns))
    for (const [i, name] of names.slice(0, 2).entries()) {
      const found = await door.house.namespaces.find(name)
      if (found === undefined) throw new Error(`${name} is gone`)
      expect([found.personId, found.visibility, await door.house.text(found, "f")]).toEqual([
        owner,
        i === 0 ? "private" : "public",
        `of ${owner}`,
      ])
    }
})

test("every operation is in a table here, and what is asked is that operation", () => {
  const asked = Object.values(table).flatMap((kind) => Object.entries(kind))
  // Of no bucket; it is asked with every key.
  const named = [...asked.map(([name]) => name), "ListBuckets"]
  const real = Object.values(operations).flatMap((methods) =>
    Object.values(methods as Record<string, Record<string, { name: string }>>).flatMap((named) =>
      Object.values(named).map(({ name }) => name),
    ),
  )
  expect(named.sort()).toEqual(real.sort())
  for (const [name, { ask, headers }] of asked) {
    const [method = "", target = ""] = ask.split(" ")
    const { path, query } = targetOf(`http://s3.test${target}`)
    const key = path.slice("/$/".length) || undefined
    expect(operationOf({ method, bucket: "$", key, query: new URLSearchParams(query), headers: new Headers(headers) }).name as string).toBe(
      name,
    )
  }
})
