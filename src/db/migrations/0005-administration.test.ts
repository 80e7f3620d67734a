import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { CamelCasePlugin, Kysely, SqliteDialect } from "kysely"
import { Migrator } from "kysely/migration"
import { openDatabase } from "../open"
import { migrations } from "./list"

/** A store as every migration before this one left it, with a person who is signed in. */
async function writeEarlierStore(path: string): Promise<void> {
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
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }), plugins: [new CamelCasePlugin()] })
  const earlier = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < "0005"))
  const migrator = new Migrator({ db, provider: { getMigrations: async () => earlier } })
  expect((await migrator.migrateToLatest()).error).toBeUndefined()
  sqlite.run("INSERT INTO people VALUES ('u1', 'ada', 'Ada', 'hash', 1, 7)")
  sqlite.run("INSERT INTO sessions VALUES ('s1', 'u1', '192.0.2.1', 7, 8)")
  await db.destroy()
}

test("people of an earlier store are enabled, and keep what they had", async () => {
  const folder = await mkdtemp(join(tmpdir(), "freehold-migration-"))
  try {
    const path = join(folder, "store.db")
    await writeEarlierStore(path)
    for (let opened = 0; opened < 2; opened++) {
      const db = await openDatabase(path)
      const person = { id: "u1", username: "ada", displayName: "Ada", passwordHash: "hash", isAdmin: 1, createdAt: 7, disabledAt: null }
      expect(await db.selectFrom("people").selectAll().execute()).toEqual([person])
      expect(await db.selectFrom("sessions").select(["id", "personId"]).execute()).toEqual([{ id: "s1", personId: "u1" }])
      expect(await db.selectFrom("auditEntries").selectAll().execute()).toEqual([])
      await db.destroy()
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

test("a reset link goes with its person, an audit entry stays, and its id is never given again", async () => {
  const db = await openDatabase(":memory:")
  const person = { id: "u1", username: "ada", displayName: "", passwordHash: "", isAdmin: 0, createdAt: 0 }
  await db.insertInto("people").values(person).execute()
  await db.insertInto("resetLinks").values({ hash: "h", personId: "u1", expiresAt: 1 }).execute()
  const entry = { at: 1, personId: "u1", username: "ada", address: "-", action: "POST /x", outcome: "allowed" as const }
  const append = () => db.insertInto("auditEntries").values(entry).returning("id").executeTakeFirstOrThrow()
  const first = await append()
  await db.deleteFrom("people").execute()
  expect(await db.selectFrom("resetLinks").selectAll().execute()).toEqual([])
  expect(await db.selectFrom("auditEntries").select("username").execute()).toEqual([{ username: "ada" }])
  await db.deleteFrom("auditEntries").execute()
  expect((await append()).id).toBeGreaterThan(first.id)
  await db.destroy()
})
