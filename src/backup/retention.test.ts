import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { generateX25519Identity, identityToRecipient } from "age-encryption"
import { migrations } from "../db/migrations/list"
import { type BackupOptions, writeBackup } from "./backup"
import { makeDataFolder, plainBackup } from "./data-folder.fixture"
import { restoreBackup } from "./restore"
import { readRuns } from "./run-record"

const day = 86_400_000
let place = ""
let identity = ""
let key: BackupOptions["key"]

beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), "freehold-retention-"))
  identity = await generateX25519Identity()
  key = { recipients: [await identityToRecipient(identity)] }
  await makeDataFolder(at("data"))
  mkdirSync(at("kept"))
})
afterEach(() => rmSync(place, { recursive: true, force: true }))

const at = (...parts: string[]) => join(place, ...parts)

const backup = (now: number, keep: number, more: Partial<BackupOptions> = {}) =>
  writeBackup({
    dataDir: at("data"),
    target: at("kept"),
    key,
    ...plainBackup,
    objects: "none",
    keep,
    now,
    ...more,
  })

const kept = () => readdirSync(at("kept")).sort()
const backupsKept = () => kept().filter((name) => name.endsWith(".age"))

describe("of the backups in a folder", () => {
  test("as many stay as are to be kept, and the oldest go", async () => {
    writeFileSync(at("kept/of-mine.txt"), "no backup")
    for (const days of [0, 1, 2]) await backup(Date.UTC(2026, 0, 1) + days * day, 2)
    expect(kept()).toEqual([
      "freehold-20260102T000000Z.age",
      "freehold-20260102T000000Z.copies",
      "freehold-20260103T000000Z.age",
      "freehold-20260103T000000Z.copies",
      "of-mine.txt",
    ])
  })

  test("the one just made stays, also where the clock was wrong before", async () => {
    await backup(Date.UTC(2036, 0, 1), 1)
    const { removed } = await backup(Date.UTC(2026, 0, 1), 1)
    expect(removed).toEqual(["freehold-20360101T000000Z.age"])
    expect(kept()).toEqual(["freehold-20260101T000000Z.age", "freehold-20260101T000000Z.copies"])
    await backup(Date.UTC(1970, 0, 2), 2)
    expect((await backup(Date.UTC(1970, 0, 3), 2)).removed).toEqual(["freehold-19700102T000000Z.age"])
  })

  test("the one just made is good, and says so, where what is too old cannot be removed", async () => {
    await backup(Date.UTC(2026, 0, 1), 1)
    rmSync(at("kept/freehold-20260101T000000Z.copies"))
    // What is no file is not removed as one.
    mkdirSync(at("kept/freehold-20260101T000000Z.copies"))
    const { keepProblem, file } = await backup(Date.UTC(2026, 0, 2), 1)
    expect(keepProblem).toContain("freehold-20260101T000000Z.copies")
    expect(statSync(file).size).toBeGreaterThan(0)
    expect(readRuns(at("data"))[0]).toMatchObject({ error: null, file })
  })

  test.each(["none", "beside"] as const)(
    "an appliance that begins anew pushes out none of the one before it: objects %s",
    async (objects) => {
      for (const days of [0, 1]) await backup(Date.UTC(2026, 0, 1) + days * day, 2, { objects })
      await makeDataFolder(at("anew"), "5".repeat(64))
      for (const days of [2, 3, 4]) await backup(Date.UTC(2026, 0, 1) + days * day, 2, { objects, dataDir: at("anew") })
      expect(backupsKept()).toEqual([1, 2, 4, 5].map((date) => `freehold-2026010${date}T000000Z.age`))
      // What is restored goes on as the one that it was, and counts its own alone.
      const restored = { file: at("kept/freehold-20260102T000000Z.age"), key: { identities: [identity] }, dataDir: at("back") }
      await restoreBackup({ ...restored, migrations: Object.keys(migrations), isCheck: false })
      const { removed } = await backup(Date.UTC(2026, 0, 6), 2, { objects, dataDir: at("back") })
      expect(removed).toEqual(["freehold-20260101T000000Z.age"])
      expect(backupsKept()).toEqual([2, 4, 5, 6].map((date) => `freehold-2026010${date}T000000Z.age`))
    },
  )

  test("two of one second are two", async () => {
    const moment = Date.UTC(2026, 0, 1)
    for (const more of [100, 200, 900]) await backup(moment + more, 2)
    expect(backupsKept()).toEqual(["freehold-20260101T000001Z.age", "freehold-20260101T000002Z.age"])
  })

  test("those that do not say whose they are count as everybody's", async () => {
    for (const days of [0, 1]) await backup(Date.UTC(2026, 0, 1) + days * day, 2)
    writeFileSync(at("kept/freehold-20260101T000000Z.copies"), "")
    expect((await backup(Date.UTC(2026, 0, 3), 2)).removed).toEqual(["freehold-20260101T000000Z.age"])
  })
})
