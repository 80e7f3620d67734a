import type { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { openDatabase } from "../open"
import { withEarlierStore } from "./earlier-store.fixture"

/** A store as every migration before this one left it, with a person who is signed in. */
function fill(sqlite: Database): void {
  sqlite.run("INSERT INTO people VALUES ('u1', 'ada', 'Ada', 'hash', 1, 7)")
  sqlite.run("INSERT INTO sessions VALUES ('s1', 'u1', '192.0.2.1', 7, 8)")
}

test("people of an earlier store are enabled, and keep what they had", async () => {
  await withEarlierStore("0005", fill, async (path) => {
    for (let opened = 0; opened < 2; opened++) {
      const db = await openDatabase(path)
      const person = { id: "u1", username: "ada", displayName: "Ada", passwordHash: "hash", isAdmin: 1, createdAt: 7, disabledAt: null }
      expect(await db.selectFrom("people").selectAll().execute()).toEqual([person])
      expect(await db.selectFrom("sessions").select(["id", "personId"]).execute()).toEqual([{ id: "s1", personId: "u1" }])
      expect(await db.selectFrom("auditEntries").selectAll().execute()).toEqual([])
      await db.destroy()
    }
  })
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
