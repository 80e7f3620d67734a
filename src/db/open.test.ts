import { Database } from "bun:sqlite"
import { afterEach, beforeEach, expect, test } from "bun:test"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Db, openDatabase } from "./open"

let folder = ""
let db: Db | undefined
const path = () => join(folder, "store.db")

beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "freehold-open-"))))
afterEach(async () => {
  await db?.destroy()
  rmSync(folder, { recursive: true })
})

const person = (id: string) => ({ id, username: id, displayName: id, passwordHash: "", isAdmin: 0, createdAt: 1, disabledAt: null })

test("a transaction that reads and then writes goes well although another process writes", async () => {
  db = await openDatabase(path())
  const other = new Database(path())
  other.run("CREATE TABLE of_another (n INTEGER)")
  other.run("PRAGMA busy_timeout = 0")
  const write = () => {
    try {
      other.run("INSERT INTO of_another VALUES (1)")
      return "wrote"
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  await db.transaction().execute(async (all) => {
    await all.selectFrom("people").selectAll().execute()
    expect(write()).toBe("SQLITE_BUSY")
    await all.insertInto("people").values(person("ada")).execute()
  })
  expect(write()).toBe("wrote")
  other.close()
})

test("without checkpoints the log keeps all that was written, until somebody else moves it into the store", async () => {
  const grown = async (checkpoints: boolean) => {
    db = await openDatabase(path(), { checkpoints })
    const before = statSync(path()).size
    for (let n = 0; n < 300; n++)
      await db
        .insertInto("people")
        .values({ ...person(`${checkpoints}${n}`), passwordHash: "x".repeat(20_000) })
        .execute()
    return statSync(path()).size - before
  }
  expect(await grown(false)).toBe(0)
  const other = new Database(path())
  expect(other.query<{ busy: number }, []>("PRAGMA wal_checkpoint(TRUNCATE)").get()?.busy).toBe(0)
  other.close()
  expect(statSync(`${path()}-wal`).size).toBe(0)
  await db?.destroy()
  expect(await grown(true)).toBeGreaterThan(1_000_000)
})
