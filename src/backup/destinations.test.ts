import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DoorHouse } from "../s3/door.fixture"
import { CuttingProxy } from "./cutting-proxy.fixture"
import { type Destination, listed } from "./destination"
import { FolderDestination } from "./folder-destination"
import { eachOf } from "./lanes"
import { S3Destination } from "./s3-destination"

const mib = 1024 ** 2
const backup = "freehold-20261130T010203Z.age"
const copy = `freehold-objects/ab/${"ab".repeat(16)}.age`

let folder = ""
let door: DoorHouse
let proxy: CuttingProxy
let prefixes = 0

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "freehold-destinations-"))
  door = await DoorHouse.open()
  proxy = await CuttingProxy.open(Number(new URL(door.url).port))
  await door.client().send(new (await import("@aws-sdk/client-s3")).CreateBucketCommand({ Bucket: "backups" }))
  door.credentials.stranger = { accessKeyId: "FHAKUNKNOWNUNKNOWN00", secretAccessKey: "x".repeat(40) }
  await door.key("ann", { "storage.ann.files": ["read"], "storage.ann.namespaces": ["read"] }, "reader")
})
afterAll(async () => {
  await proxy.close()
  await door.close()
  rmSync(folder, { recursive: true, force: true })
})

const bucket = (endpoint = door.url, name = "ann", prefix = `house ${++prefixes}`) => {
  const { accessKeyId: accessKey = "", secretAccessKey: secretKey = "" } = door.credentials[name] ?? {}
  // Parts of S3's least size, and pauses that a test can wait for.
  return new S3Destination(
    { endpoint, region: "us-east-1", accessKey, secretKey, style: "path", ca: undefined },
    "backups",
    prefix,
    5 * mib,
    1,
  )
}

const directory = () => {
  const path = join(folder, `at ${++prefixes}`)
  mkdirSync(path)
  return new FolderDestination(path)
}

const random = (size: number) => {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65_536, size)))
  return bytes
}

const stream = (bytes: Uint8Array) => new Blob([bytes as BlobPart]).stream() as ReadableStream<Uint8Array>
const put = (to: Destination, name: string, bytes: Uint8Array) => to.put(name, stream(bytes), bytes.byteLength)
const read = async (from: Destination, name: string) => new Response(await from.get(name)).bytes()
const names = async (at: Destination, below?: string) => [...(await listed(at.list(below))).keys()].sort()
const message = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "it went well",
    (error: Error) => error.message,
  )

test("a folder that is gone, or not mounted, is not taken for an empty one", async () => {
  expect(await message(names(new FolderDestination(join(folder, "gone"))))).toEndWith(
    "gone is no folder that is there: make it, or mount it",
  )
})

describe.each<[string, () => Destination]>([
  ["a folder", directory],
  ["a bucket", bucket],
])("%s", (_, open) => {
  test("gives back what it was given, in one piece and in several", async () => {
    const at = open()
    for (const [name, size] of [
      ["freehold-20260101T000000Z.age", 0],
      ["freehold-20260102T000000Z.age", 1000],
      ["freehold-20260103T000000Z.age", 12 * mib + 7],
    ] as const) {
      const bytes = random(size)
      expect(await put(at, name, bytes)).toBe(size)
      expect(Buffer.compare(await read(at, name), bytes)).toBe(0)
    }
    expect((await listed(at.list())).get("freehold-20260103T000000Z.age")?.bytes).toBe(12 * mib + 7)
  })

  test("lists what lies in it, and apart from that what lies below", async () => {
    const at = open()
    expect(await names(at)).toEqual([])
    expect(await names(at, "freehold-objects")).toEqual([])
    await put(at, backup, random(10))
    await put(at, copy, random(10))
    expect(await names(at)).toEqual([backup])
    expect(await names(at, "freehold-objects")).toEqual([copy])
    const { modifiedAt = 0 } = (await listed(at.list())).get(backup) ?? {}
    expect(Math.abs(Date.now() - modifiedAt)).toBeLessThan(60_000)
  })

  test("writes over nothing, removes what is there, and says what is not", async () => {
    const at = open()
    await put(at, backup, random(10))
    expect(await message(put(at, backup, random(20)))).toContain("is there already")
    expect((await read(at, backup)).byteLength).toBe(10)
    await at.remove(backup)
    await at.remove(backup)
    expect(await message(at.get(backup))).toContain("there is no file")
  })

  test("has nothing of a file whose source broke off", async () => {
    const at = open()
    let pulled = 0
    const breaking = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (++pulled < 9) controller.enqueue(random(mib))
        else controller.error(new Error("the source broke"))
      },
    })
    expect(await message(at.put(backup, breaking, 20 * mib))).toContain("the source broke")
    expect(await names(at)).toEqual([])
    await at.prepare()
  })
})

describe("a bucket", () => {
  test("lists more than one page", async () => {
    const at = bucket()
    const all = Array.from({ length: 1003 }, (_, index) => `freehold-objects/${index.toString(16).padStart(4, "0").slice(0, 2)}/${index}`)
    await eachOf(all, async (name) => void (await put(at, name, new Uint8Array(1))))
    expect(await names(at, "freehold-objects")).toEqual(all.sort())
  }, 60_000)

  test("goes on where the connection broke off, upwards and downwards", async () => {
    const at = bucket(proxy.url)
    const bytes = random(17 * mib)
    proxy.cuts = 0
    proxy.cutsUp = [2 * mib, 3 * mib]
    expect(await put(at, backup, bytes)).toBe(bytes.byteLength)
    proxy.cutsDown = [mib, 4 * mib, 2 * mib]
    expect(Buffer.compare(await read(at, backup), bytes)).toBe(0)
    expect([proxy.cuts, proxy.cutsUp, proxy.cutsDown]).toEqual([5, [], []])
  }, 60_000)

  test("that is cut off again and again is given up, with words, and has nothing of it", async () => {
    const at = bucket(proxy.url)
    proxy.cutsUp = Array.from({ length: 50 }, () => 2 * mib)
    expect(await message(put(at, backup, random(6 * mib)))).toContain(`${proxy.url} cannot be reached`)
    proxy.cutsUp = []
    expect(await names(at)).toEqual([])
  }, 60_000)

  test("of a server that is not there says so", async () => {
    const gone = await CuttingProxy.open(1)
    const at = bucket(gone.url)
    await gone.close()
    expect(await message(names(at))).toContain(`${gone.url} cannot be reached`)
  })

  test.each<[string, string, string]>([
    ["a key that may only read", "reader", "AccessDenied"],
    ["a key that is unknown", "stranger", "refused (403 its keys are unknown there"],
  ])("refuses %s", async (_, name, words) => {
    expect(await message(put(bucket(door.url, name), backup, random(10)))).toContain(words)
  })

  test("that is full says so at once, and keeps nothing", async () => {
    const at = bucket()
    door.house.freeBytes = 0
    door.house.floorBytes = 1
    expect(await message(put(at, backup, random(6 * mib)))).toContain("InsufficientStorage")
    door.house.freeBytes = Number.MAX_SAFE_INTEGER
    expect(await names(at)).toEqual([])
  })

  test("loses the uploads that a run of ours did not end, and no other", async () => {
    const prefix = `house ${++prefixes}`
    const { CreateMultipartUploadCommand, ListMultipartUploadsCommand } = await import("@aws-sdk/client-s3")
    for (const key of [backup, copy, "of-mine.bin", "freehold-x.age"])
      await door.client().send(new CreateMultipartUploadCommand({ Bucket: "backups", Key: `${prefix}/${key}` }))
    await bucket(door.url, "ann", prefix).prepare()
    const left = await door.client().send(new ListMultipartUploadsCommand({ Bucket: "backups", Prefix: prefix }))
    expect(left.Uploads?.map(({ Key }) => Key).sort()).toEqual([`${prefix}/freehold-x.age`, `${prefix}/of-mine.bin`])
  })

  test.each<[string, (controller: ReadableStreamDefaultController<Uint8Array>) => void, string]>([
    [
      "stops in the middle of an answer",
      (controller) => controller.enqueue(new TextEncoder().encode("<ListBucketResult>")),
      "nothing came for",
    ],
    [
      "answers without an end",
      (controller) => {
        for (let sent = 0; sent < 9; sent++) controller.enqueue(new Uint8Array(mib))
      },
      "has more than",
    ],
  ])("whose server %s is given up", async (_, begin, words) => {
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      idleTimeout: 30,
      fetch: () => new Response(new ReadableStream({ start: begin })),
    })
    const endpoint = `http://127.0.0.1:${server.port}`
    const access = { endpoint, region: "us-east-1", accessKey: "a", secretKey: "b", style: "path", ca: undefined } as const
    expect(await message(names(new S3Destination(access, "backups", "", 5 * mib, 1, 200)))).toContain(words)
    await server.stop(true)
  })

  test("refuses what was changed on the way", async () => {
    // A server between that turns one bit of each body.
    const liar = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        const body = new Uint8Array(await request.arrayBuffer())
        if (body.byteLength > 0) body[0] = (body[0] ?? 0) ^ 1
        const url = new URL(request.url)
        return fetch(`${door.url}${url.pathname}${url.search}`, { method: request.method, headers: request.headers, body })
      },
    })
    const at = bucket(`http://127.0.0.1:${liar.port}`)
    expect(await message(put(at, backup, random(1000)))).toMatch(/BadDigest|XAmzContentSHA256Mismatch|InvalidDigest/)
    await liar.stop(true)
  })
})

describe("a folder", () => {
  test("keeps everything to its owner, and loses drafts of ours alone", async () => {
    const at = directory()
    await put(at, copy, random(10))
    expect(statSync(join(at.shown, copy)).mode & 0o777).toBe(0o600)
    expect(statSync(join(at.shown, "freehold-objects/ab")).mode & 0o777).toBe(0o700)
    for (const name of [`.${backup}.part`, ".of-mine.part", `freehold-objects/ab/.${"cd".repeat(16)}.age.part`])
      writeFileSync(join(at.shown, name), "half")
    expect(await names(at)).toEqual([".of-mine.part"])
    await at.prepare()
    expect(readdirSync(at.shown).sort()).toEqual([".of-mine.part", "freehold-objects"])
    expect(readdirSync(join(at.shown, "freehold-objects/ab"))).toEqual([`${"ab".repeat(16)}.age`])
  })

  test("that is not there is not made", async () => {
    expect(await message(new FolderDestination(join(folder, "none")).prepare())).toContain("is no folder that is there")
  })
})
