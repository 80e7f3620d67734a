import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Kysely, SqliteDialect } from "kysely"
import { Migrator } from "kysely/migration"
import { openDatabase } from "../open"
import { migrations } from "./list"

/** A store as the version before left it, with one person. */
async function writeVersionBefore(path: string): Promise<void> {
  const sqlite = new Database(path, { create: true, strict: true })
  const database = {
    close: () => sqlite.close(),
    prepare(sql: string) {
      const statement = sqlite.query(sql)
      const all = (values: readonly unknown[]) => statement.all(...(values as never[]))
      return {
        reader: statement.columnNames.length > 0,
        all,
        run: (values: readonly unknown[]) => statement.run(...(values as never[])),
        iterate: (values: readonly unknown[]) => all(values).values() as IterableIterator<unknown>,
      }
    },
  }
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) })
  const before = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < "0007"))
  const migrator = new Migrator({ db, provider: { getMigrations: async () => before } })
  expect((await migrator.migrateToLatest()).error).toBeUndefined()
  sqlite.run("INSERT INTO people (id, username, display_name, password_hash, is_admin, created_at) VALUES ('u1', 'ada', '', '', 1, 1)")
  await db.destroy()
}

test("a store of the version before gets a table of SSH keys, which go with their person, and no id is given twice", async () => {
  const folder = await mkdtemp(join(tmpdir(), "freehold-migration-"))
  try {
    const path = join(folder, "store.db")
    await writeVersionBefore(path)
    // The second time finds everything done.
    await (await openDatabase(path)).destroy()
    const db = await openDatabase(path)
    const key = (fingerprint: string) => ({ personId: "u1", name: "k", publicKey: "ssh-ed25519 AAAA", fingerprint, createdAt: 1 })
    await db
      .insertInto("peopleSshKeys")
      .values([key("a"), key("b")])
      .execute()
    await expect(db.insertInto("peopleSshKeys").values(key("b")).execute()).rejects.toThrow("UNIQUE constraint failed")
    await db.deleteFrom("peopleSshKeys").where("fingerprint", "=", "b").execute()
    await db.insertInto("peopleSshKeys").values(key("c")).execute()
    expect(await db.selectFrom("peopleSshKeys").select(["id", "fingerprint"]).execute()).toEqual([
      { id: 1, fingerprint: "a" },
      { id: 3, fingerprint: "c" },
    ])
    await db.deleteFrom("people").execute()
    expect(await db.selectFrom("peopleSshKeys").selectAll().execute()).toEqual([])
    await db.destroy()
  } finally {
    await rm(folder, { recursive: true })
  }
})
