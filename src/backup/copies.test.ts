import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { generateX25519Identity, identityToRecipient } from "age-encryption"
import { migrations } from "../db/migrations/list"
import { chunks, StorageHouse } from "../storage/storage.fixture"
import { type BackupOptions, writeBackup } from "./backup"
import { plainBackup } from "./data-folder.fixture"
import { restoreBackup } from "./restore"

const day = 86_400_000
const start = Date.UTC(2026, 0, 1)

let parent = ""
let house: StorageHouse
let identity = ""
let key: BackupOptions["key"]
let place = ""

beforeEach(async () => {
  parent = mkdtempSync(join(tmpdir(), "freehold-copies-"))
  house = await StorageHouse.open(parent)
  writeFileSync(join(house.folder, "store-key"), "1".repeat(64))
  identity = await generateX25519Identity()
  key = { recipients: [await identityToRecipient(identity)] }
  place = join(parent, "kept")
  mkdirSync(place)
})
afterEach(async () => {
  await house.close()
  rmSync(parent, { recursive: true, force: true })
})

const pathOf = (hash: string, data = house.folder) => join(data, "storage/objects", hash.slice(0, 2), hash)

/** A stored file as the store and the disk have it. */
async function keep(text: string): Promise<string> {
  const namespace = (await house.store.find("photos")) ?? (await house.namespace("photos"))
  await house.objects.put(namespace, text, chunks(text))
  return new Bun.CryptoHasher("sha256").update(text).digest("hex")
}

/** As if its time had come: neither the store nor the disk has it any more. */
async function forget(text: string, hash: string): Promise<void> {
  const namespace = await house.store.find("photos")
  if (namespace === undefined) throw new Error("nothing was kept")
  await house.objects.delete(namespace, text)
  unlinkSync(pathOf(hash))
}

const backup = (days: number, more: Partial<BackupOptions> = {}) =>
  writeBackup({
    dataDir: house.folder,
    target: place,
    key,
    ...plainBackup,
    now: start + days * day,
    ...more,
  })

const restore = (more: Partial<Parameters<typeof restoreBackup>[0]> = {}) =>
  restoreBackup({
    file: place,
    key: { identities: [identity] },
    dataDir: join(parent, "back"),
    migrations: Object.keys(migrations),
    isCheck: false,
    ...more,
  })

const copies = () =>
  (readdirSync(join(place, "freehold-objects"), { recursive: true }) as string[]).filter((name) => name.endsWith(".age")).sort()
const message = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "it went well",
    (error: Error) => error.message,
  )

describe("stored files beside backups", () => {
  test("go there once, are listed by each backup, and come back as they were", async () => {
    const [a, b] = [await keep("the first"), await keep("the second")]
    expect((await backup(0)).copies).toEqual({ count: 2, bytes: 19, added: 2, addedBytes: 19, missing: [] })
    const c = await keep("the third")
    expect((await backup(1)).copies).toMatchObject({ count: 3, added: 1, addedBytes: 9 })
    expect(copies()).toHaveLength(3)
    const { objects, file } = await restore()
    expect(file).toEndWith("freehold-20260102T000000Z.age")
    expect(objects).toEqual({ referred: 3, present: 3, compared: 3, missing: [] })
    for (const [hash, text] of [
      [a, "the first"],
      [b, "the second"],
      [c, "the third"],
    ] as const)
      expect(readFileSync(pathOf(hash, join(parent, "back")), "utf8")).toBe(text)
    expect(readdirSync(join(parent, "back")).sort()).toEqual(["freehold.db", "storage", "store-key"])
  })

  test("tell by their names and bytes nothing of what they hold", async () => {
    const hash = await keep("a file that everybody knows")
    await backup(0)
    for (const name of readdirSync(place, { recursive: true }) as string[]) {
      expect(name).not.toContain(hash.slice(0, 16))
      if (!statSync(join(place, name)).isDirectory()) expect(readFileSync(join(place, name)).includes("everybody knows")).toBe(false)
    }
    const [name] = copies()
    // The same file of another appliance has another name.
    writeFileSync(join(house.folder, "store-key"), "2".repeat(64))
    await backup(1)
    expect(copies()).toHaveLength(2)
    expect(copies()).toContain(name ?? "")
  })

  test("are copied anew for another recipient, so that its key opens all of them", async () => {
    await keep("the first")
    await backup(0)
    const other = await generateX25519Identity()
    expect((await backup(1, { key: { recipients: [await identityToRecipient(other)] } })).copies).toMatchObject({ added: 1 })
    await restore({ key: { identities: [other] } })
  })

  test("open with the passphrase of the backup, without trying it for each", async () => {
    const hash = await keep("the first")
    const passphrase = "correct horse battery"
    await backup(0, { key: { passphrase } })
    await restore({ key: { passphrase } })
    expect(readFileSync(pathOf(hash, join(parent, "back")), "utf8")).toBe("the first")
    expect(statSync(join(house.folder, "backup-object-key")).mode & 0o777).toBe(0o600)
  }, 120_000)

  test("go when no kept backup needs them, and no sooner", async () => {
    const [a, b] = [await keep("the first"), await keep("the second")]
    await backup(0, { keep: 2 })
    await forget("the first", a)
    writeFileSync(join(place, "freehold-objects/of-mine.age"), "no copy")
    expect((await backup(1, { keep: 2 })).removedCopies).toBe(0)
    expect(copies()).toHaveLength(3)
    const { removed, removedCopies } = await backup(2, { keep: 2 })
    expect([removed, removedCopies]).toEqual([["freehold-20260101T000000Z.age"], 1])
    expect(copies()).toHaveLength(2)
    expect(copies()).toContain("of-mine.age")
    expect((await restore()).objects.present).toBe(1)
    expect(readFileSync(pathOf(b, join(parent, "back")), "utf8")).toBe("the second")
  })

  test("stay for a backup that somebody is making, for a week", async () => {
    const a = await keep("the first")
    await backup(0, { keep: 1 })
    renameSync(join(place, "freehold-20260101T000000Z.copies"), join(place, "freehold-20251231T000000Z.copies"))
    await forget("the first", a)
    expect((await backup(1, { keep: 1, now: Date.now() })).removedCopies).toBe(0)
    expect((await backup(2, { keep: 1, now: Date.now() + 8 * day })).removedCopies).toBe(1)
    expect(copies()).toEqual([])
  })

  test("all stay where the list of a kept backup is lost", async () => {
    const a = await keep("the first")
    await backup(0, { keep: 2 })
    await backup(1, { keep: 2 })
    unlinkSync(join(place, "freehold-20260102T000000Z.copies"))
    await forget("the first", a)
    expect((await backup(2, { keep: 2 })).removedCopies).toBe(0)
    expect(copies()).toHaveLength(1)
  })

  test("that are damaged or missing on this disk are told, and never put there", async () => {
    const [a, b] = [await keep("the first"), await keep("the second")]
    await keep("the third")
    writeFileSync(pathOf(a), "the worst")
    unlinkSync(pathOf(b))
    const { copies: told } = await backup(0)
    expect(told).toMatchObject({ count: 1, added: 1 })
    expect(told?.missing.sort()).toEqual([a, b].sort())
    expect(copies()).toHaveLength(1)
    expect(await message(restore())).toContain("2 stored files are missing or damaged")
    expect((await restore({ skipsMissing: true })).objects).toMatchObject({ referred: 3, present: 1 })
  })

  test("that are missing, cut off or another's are found by a check, the content of some by chance, of all when it is thorough", async () => {
    await keep("the first")
    await keep("the second")
    await backup(0)
    expect((await restore({ isCheck: true })).objects).toEqual({ referred: 2, present: 2, compared: 2, missing: [] })
    const [first = "", second = ""] = copies().map((name) => join(place, "freehold-objects", name))
    const whole = readFileSync(first)
    for (const spoil of [
      () => unlinkSync(first),
      () => truncateSync(first, 5),
      () => truncateSync(first, whole.length - 1),
      () => writeFileSync(first, readFileSync(second)),
    ]) {
      spoil()
      expect(await message(restore({ isCheck: true, isThorough: true }))).toContain("1 stored file is missing or damaged")
      writeFileSync(first, whole)
    }
    expect(readdirSync(parent).filter((name) => name.startsWith("."))).toEqual([])
  })

  test("of many a check reads twenty", async () => {
    for (let n = 0; n < 23; n++) await keep(`file number ${n}`)
    await backup(0)
    expect((await restore({ isCheck: true })).objects).toMatchObject({ present: 23, compared: 20 })
    expect((await restore({ isCheck: true, isThorough: true })).objects).toMatchObject({ present: 23, compared: 23 })
  })

  test("that had come when a restore broke off are used by the next one", async () => {
    for (const text of ["the first", "the second"]) await keep(text)
    await backup(0)
    const [first = "", second = ""] = copies().map((name) => join(place, "freehold-objects", name))
    renameSync(first, `${first}.away`)
    const said = await message(restore())
    expect(said).toContain("what has come stays in")
    expect(readdirSync(parent)).not.toContain("back")
    const left = readdirSync(parent).find((name) => name.startsWith(".restore-")) ?? ""
    // Neither the store nor a secret stays around meanwhile.
    expect(readdirSync(join(parent, left))).toEqual(["storage"])
    renameSync(`${first}.away`, first)
    unlinkSync(second)
    expect((await restore()).objects).toMatchObject({ present: 2, missing: [] })
    expect(readdirSync(parent).filter((name) => name.startsWith("."))).toEqual([])
  })

  test("need a place for many", async () => {
    expect(await message(backup(0, { target: join(parent, "one.age"), objects: "beside" }))).toContain("need a place for many")
  })
})

test("a second backup of the same folder waits for nobody: it is refused while the first one runs", async () => {
  await keep("the first")
  const both = await Promise.all([message(backup(0)), Bun.sleep(1).then(() => message(backup(1)))])
  expect(both).toContain("it went well")
  expect(both).toContain("a backup of this data folder is under way: wait until it has ended")
  expect(await message(backup(2))).toBe("it went well")
})
