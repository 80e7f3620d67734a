import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Kysely, SqliteDialect } from "kysely"
import { Migrator } from "kysely/migration"
import { openDatabase } from "../open"
import { first } from "./0001-first"
import { mappingOptions } from "./0002-mapping-options"
import { traffic } from "./0003-traffic"

/** A store as the version before left it, with one person who is signed in. */
async function writeThirdVersion(path: string): Promise<void> {
  const sqlite = new Database(path, { create: true, strict: true })
  const database = {
    close: () => sqlite.close(),
    prepare(sql: string) {
      const statement = sqlite.query(sql)
      const reader = statement.columnNames.length > 0
      const all = (values: readonly unknown[]) => statement.all(...(values as never[]))
      return {
        reader,
        all,
        run: (values: readonly unknown[]) => statement.run(...(values as never[])),
        iterate: (values: readonly unknown[]) => all(values).values() as IterableIterator<unknown>,
      }
    },
  }
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) })
  const earlier = { "0001-first": first, "0002-mapping-options": mappingOptions, "0003-traffic": traffic }
  const migrator = new Migrator({ db, provider: { getMigrations: async () => earlier } })
  expect((await migrator.migrateToLatest()).error).toBeUndefined()
  sqlite.run("INSERT INTO people VALUES ('u1', 'ada', 'Ada', 'hash', 1, 1)")
  sqlite.run("INSERT INTO sessions VALUES ('s1', 'u1', '192.0.2.1', 2, 3)")
  await db.destroy()
}

test("people of an earlier store stay signed in, have no second factor, and take theirs along when they go", async () => {
  const folder = await mkdtemp(join(tmpdir(), "freehold-migration-"))
  try {
    const path = join(folder, "store.db")
    await writeThirdVersion(path)
    const db = await openDatabase(path)
    expect(await db.selectFrom("people").selectAll().execute()).toEqual([
      expect.objectContaining({ id: "u1", username: "ada", displayName: "Ada", passwordHash: "hash", isAdmin: 1, createdAt: 1 }),
    ])
    expect(await db.selectFrom("sessions").selectAll().execute()).toEqual([
      { id: "s1", personId: "u1", address: "192.0.2.1", createdAt: 2, expiresAt: 3 },
    ])
    const key = { id: "k", personId: "u1", name: "Blue", publicKey: new Uint8Array([1]), counter: 0, transports: "[]" }
    await db
      .insertInto("securityKeys")
      .values({ ...key, createdAt: 4, lastUsedAt: 0 })
      .execute()
    await db
      .insertInto("totpSecrets")
      .values({ personId: "u1", sealedSecret: "sealed", lastStep: 0, createdAt: 4, confirmedAt: null })
      .execute()
    await db.insertInto("recoveryCodes").values({ hash: "h", personId: "u1" }).execute()
    const change = (value: unknown) => db.updateTable("securityKeys").set({ counter: value as number })
    await expect(change("many").execute()).rejects.toThrow("cannot store TEXT value in INTEGER column")
    await db.deleteFrom("people").where("id", "=", "u1").execute()
    for (const table of ["securityKeys", "totpSecrets", "recoveryCodes"] as const) {
      expect(await db.selectFrom(table).selectAll().execute()).toEqual([])
    }
    await db.destroy()
  } finally {
    await rm(folder, { recursive: true })
  }
})
