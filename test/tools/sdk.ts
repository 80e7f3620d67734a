// A program that is bundled and run by Node: the AWS SDK for JavaScript as an application uses it. Prints what it saw as JSON.
import { createHash, createCipheriv } from "node:crypto"
import { Readable } from "node:stream"
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3"
import { Upload } from "@aws-sdk/lib-storage"
import { getSignedUrl } from "@aws-sdk/s3-request-presigner"

const [endpoint = "", bucket = "", style = "", size = ""] = process.argv.slice(2)
const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: style === "path" })

/** Bytes that look random, made as they are taken. */
async function* pieces(bytes: number, hash: ReturnType<typeof createHash>) {
  const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16, 7), Buffer.alloc(16))
  const zeros = Buffer.alloc(256 * 1024)
  for (let left = bytes; left > 0; left -= zeros.length) {
    const piece = cipher.update(zeros.subarray(0, Math.min(left, zeros.length)))
    hash.update(piece)
    yield piece
  }
}

const hosts = new Set<string>()
client.middlewareStack.add(
  (next) => (args) => {
    hosts.add((args.request as { hostname: string }).hostname)
    return next(args)
  },
  { step: "finalizeRequest" },
)

const { Buckets = [] } = await client.send(new ListBucketsCommand({}))
const Key = "für Ada/ä+b &c.txt"
await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: "Dear Ada,\n", ContentType: "text/plain", Metadata: { mood: "good" } }))
const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key }))
const got = await client.send(new GetObjectCommand({ Bucket: bucket, Key, ChecksumMode: "ENABLED" }))
const text = await got.Body?.transformToString()
const signed = await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key }), { expiresIn: 300 })

const sent = createHash("sha256")
const body = Readable.from(pieces(Number(size), sent))
const { ETag } = await new Upload({
  client,
  params: { Bucket: bucket, Key: "stream.bin", Body: body },
  partSize: 8 * 1024 * 1024,
  queueSize: 3,
}).done()
const came = createHash("sha256")
const stream = await client.send(new GetObjectCommand({ Bucket: bucket, Key: "stream.bin" }))
for await (const piece of stream.Body as Readable) came.update(piece as Buffer)

const keys = Array.from({ length: 7 }, (_, index) => `many/${index}`)
await Promise.all(keys.map((key) => client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: key }))))
const listed: (string | undefined)[] = []
for await (const page of paginateListObjectsV2({ client, pageSize: 3 }, { Bucket: bucket, Prefix: "many/" }))
  listed.push(...(page.Contents ?? []).map((one) => one.Key))
await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: keys.map((key) => ({ Key: key })) } }))
const gone = await client.send(new GetObjectCommand({ Bucket: bucket, Key: keys[0] })).catch((error: unknown) => error)

console.log(
  JSON.stringify({
    hosts: [...hosts],
    buckets: Buckets.map(({ Name }) => Name),
    head: { size: head.ContentLength, type: head.ContentType, metadata: head.Metadata },
    text,
    signed,
    parts: Number(/-(\d+)"$/.exec(ETag ?? "")?.[1]),
    length: stream.ContentLength,
    isSame: sent.digest("hex") === came.digest("hex"),
    listed,
    gone: gone instanceof S3ServiceException ? gone.name : "there",
  }),
)
