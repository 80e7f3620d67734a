import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { AppError } from "../errors"
import type { Namespace } from "./model"
import { chunks, StorageHouse } from "./storage.fixture"

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "done",
    (error) => (error instanceof AppError ? error.code : ((error as NodeJS.ErrnoException).code ?? String(error))),
  )

const incoming = (house: StorageHouse) =>
  readdirSync(join(house.folder, "storage/incoming"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())

const isRoot = process.getuid?.() === 0
const sh = (...command: string[]) => Bun.spawnSync(command, { stderr: "pipe" }).success

/** A file system in memory of this size, until the test ends; undefined where this may not be mounted. */
function mounted(options: string): { path: string; end(): void } | undefined {
  const path = mkdtempSync(join(tmpdir(), "freehold-mount-"))
  if (!isRoot || !sh("mount", "-t", "tmpfs", "-o", options, "none", path)) {
    rmSync(path, { recursive: true })
    return undefined
  }
  const end = () => {
    sh("umount", "-l", path)
    rmSync(path, { recursive: true, force: true })
  }
  return { path, end }
}

const probe = mounted("size=64k")
probe?.end()
const mayMount = probe !== undefined

describe.skipIf(!mayMount)("on a real file system that is full (needs root and mount)", () => {
  let disk: NonNullable<ReturnType<typeof mounted>>
  let house: StorageHouse
  let photos: Namespace

  const open = async (options: string) => {
    disk = mounted(options) as typeof disk
    house = await StorageHouse.open(disk.path)
    photos = await house.namespace()
  }
  afterEach(async () => {
    await house.close()
    disk.end()
  })
  const put = (key: string, bytes: number, fill = 0) => house.objects.put(photos, key, pieces(bytes, fill))
  async function* pieces(bytes: number, fill: number) {
    for (let at = 0; at < bytes; at += 65_536) yield new Uint8Array(Math.min(65_536, bytes - at)).fill(fill)
  }

  test("a write that does not fit is out_of_space and leaves nothing, and the next that fits is done", async () => {
    await open("size=8m")
    await put("a", 1_000_000, 1)
    // One that ends while it is received, one of which the last piece does not fit, and one in parts.
    expect(await code(put("b", 20_000_000))).toBe("out_of_space")
    const upload = await house.uploads.begin(photos, "c", { personId: "ann", kind: "s3" })
    expect(await code(house.uploads.part(photos, upload, 1, pieces(20_000_000, 2)))).toBe("out_of_space")
    expect(await code(house.uploads.part(photos, upload, 1, pieces(20_000_000, 2), { keepPart: true }))).toBe("out_of_space")
    expect(await house.uploads.parts(upload)).toEqual([])
    expect(incoming(house)).toEqual([])
    expect(house.onDisk()).toHaveLength(1)
    expect(await house.now(photos)).toMatchObject({ objects: 1, bytes: 1_000_000 })
    expect((await house.text(photos, "a")).length).toBe(1_000_000)
    expect(await code(put("b", 1_000_000, 3))).toBe("done")
  })

  test("a store that has no room for a row is out_of_space too, keeps what it had, and goes on when there is room", async () => {
    await open("size=8m")
    await put("a", 1000, 1)
    writeFileSync(join(disk.path, "others"), Buffer.alloc(8_000_000).subarray(0, freeBytes(disk.path)))
    const results = []
    for (let i = 0; i < 20; i++) results.push(await code(put("a", 0)))
    expect(new Set(results)).toEqual(new Set(["out_of_space"]))
    expect(await code(house.objects.delete(photos, "a"))).toBe("out_of_space")
    expect(incoming(house)).toEqual([])
    expect(await house.now(photos)).toMatchObject({ objects: 1, bytes: 1000 })
    expect((await house.text(photos, "a")).length).toBe(1000)
    rmSync(join(disk.path, "others"))
    expect(await code(put("a", 2000, 2))).toBe("done")
    await house.blobs.collect(Date.now(), -1)
    expect(house.onDisk()).toHaveLength(1)
  })

  test("no room for one more file is out_of_space", async () => {
    await open("size=8m,nr_inodes=40")
    const results: string[] = []
    for (let i = 0; i < 40; i++) results.push(await code(put(`k${i}`, 100, i)))
    expect(new Set(results)).toEqual(new Set(["done", "out_of_space"]))
    const done = results.filter((result) => result === "done").length
    expect(await house.now(photos)).toMatchObject({ objects: done })
    expect(incoming(house)).toEqual([])
  })
})

const freeBytes = (path: string) => Number(Bun.spawnSync(["stat", "-f", "-c", "%a", path]).stdout.toString()) * 4096

describe("bytes on disk", () => {
  let house: StorageHouse
  let photos: Namespace

  beforeEach(async () => {
    house = await StorageHouse.open()
    photos = await house.namespace()
  })
  afterEach(() => house.close())

  test.skipIf(!isRoot)("a folder that may not be written is told as it is, and nothing is recorded (needs root)", async () => {
    process.seteuid?.(65_534)
    try {
      expect(await code(house.objects.put(photos, "a", chunks("text")))).toBe("EACCES")
    } finally {
      process.seteuid?.(0)
    }
    expect(await house.objects.find(photos, "a")).toBeUndefined()
    expect(await code(house.objects.put(photos, "a", chunks("text")))).toBe("done")
  })

  test("a place that cannot be taken leaves the object that was there", async () => {
    const { hash = "" } = await house.objects.put(photos, "a", chunks("old"))
    const other = new Bun.CryptoHasher("sha256").update("new").digest("hex")
    writeFileSync(join(house.folder, "storage/objects", other.slice(0, 2)), "in the way")
    expect(await code(house.objects.put(photos, "a", chunks("new")))).not.toBe("done")
    expect(await house.text(photos, "a")).toBe("old")
    expect(incoming(house)).toEqual([])
    expect(house.blobs.file(hash, 3)).toBeDefined()
  })

  test("bytes are the same however they come", async () => {
    const whole = new Uint8Array(3_000_001)
    for (let i = 0; i < whole.length; i++) whole[i] = (i * 31) >>> 3
    const hash = new Bun.CryptoHasher("sha256").update(whole).digest("hex")
    const md5 = new Bun.CryptoHasher("md5").update(whole).digest("hex")
    for (const size of [65_536, 1_048_576, 1_048_577, 3_000_001]) {
      const parts = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) => whole.subarray(i * size, (i + 1) * size))
      const draft = await house.blobs.receive(chunks(...parts, new Uint8Array(0)))
      expect(draft).toMatchObject({ size: whole.length, hash, md5 })
      expect(Buffer.compare(Buffer.from(await Bun.file(draft.path).bytes()), Buffer.from(whole))).toBe(0)
      await house.blobs.discard(draft)
    }
    expect(incoming(house)).toEqual([])
  })

  test("what had come of a body that broke off is kept where that is wanted, and else not", async () => {
    const broken = async function* () {
      yield new TextEncoder().encode("half of ")
      throw new Error("the line went dead")
    }
    await expect(house.blobs.receive(broken())).rejects.toThrow("the line went dead")
    expect(await house.blobs.receive(broken(), () => {}, true)).toMatchObject({ size: 8 })
    const refused = house.blobs.receive(
      broken(),
      () => {
        throw new AppError("out_of_space", "quota")
      },
      true,
    )
    expect(await code(refused)).toBe("out_of_space")
    expect(incoming(house)).toHaveLength(1)
  })

  test("a large body that breaks off leaves nothing, or where that is wanted what had come of it", async () => {
    const half = new Uint8Array(700_000).fill(7)
    const broken = async function* () {
      yield half
      yield half
      throw new Error("the line went dead")
    }
    await expect(house.blobs.receive(broken())).rejects.toThrow("the line went dead")
    expect(incoming(house)).toEqual([])
    const draft = await house.blobs.receive(broken(), () => {}, true)
    const hash = new Bun.CryptoHasher("sha256").update(half).update(half).digest("hex")
    expect(draft).toMatchObject({ size: 1_400_000, hash })
    expect((await Bun.file(draft.path).bytes()).length).toBe(1_400_000)
  })

  test("equal bytes that are written and removed at the same time are never lost", async () => {
    const state = { isWriting: true }
    const collecting = (async () => {
      while (state.isWriting) {
        await house.blobs.collect(Date.now(), -1)
        await Bun.sleep(0)
      }
    })()
    const writer = async (number: number) => {
      for (let i = 0; i < 25; i++) {
        await house.objects.put(photos, `${number}`, chunks(`text ${(number + i) % 3}`))
        expect(await house.text(photos, `${number}`)).toBe(`text ${(number + i) % 3}`)
        if (i % 3 === 0) await house.objects.delete(photos, `${number}`)
      }
    }
    await Promise.all([1, 2, 3, 4].map(writer))
    state.isWriting = false
    await collecting
  })

  test("pinned bytes stay until the last reader has ended, who may end twice", async () => {
    const { hash = "" } = await house.objects.put(photos, "a", chunks("text"))
    const [one, two] = [house.blobs.pin([hash]), house.blobs.pin([hash])]
    await house.objects.delete(photos, "a")
    one()
    one()
    await house.blobs.collect(Date.now(), -1)
    expect(existsSync(house.blobs.path(hash))).toBe(true)
    two()
    await house.blobs.collect(Date.now(), -1)
    expect(existsSync(house.blobs.path(hash))).toBe(false)
  })
})
