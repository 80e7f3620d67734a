import type { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { openDatabase } from "../open"
import { withEarlierStore } from "./earlier-store.fixture"

/** A store as the version before left it, with one person who is signed in. */
function fill(sqlite: Database): void {
  sqlite.run("INSERT INTO people VALUES ('u1', 'ada', 'Ada', 'hash', 1, 1)")
  sqlite.run("INSERT INTO sessions VALUES ('s1', 'u1', '192.0.2.1', 2, 3)")
}

test("people of an earlier store stay signed in, have no second factor, and take theirs along when they go", async () => {
  await withEarlierStore("0004", fill, async (path) => {
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
  })
})
