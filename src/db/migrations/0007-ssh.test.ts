import type { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { openDatabase } from "../open"
import { withEarlierStore } from "./earlier-store.fixture"

/** A store as the version before left it, with one person. */
function fill(sqlite: Database): void {
  sqlite.run("INSERT INTO people (id, username, display_name, password_hash, is_admin, created_at) VALUES ('u1', 'ada', '', '', 1, 1)")
}

test("a store of the version before gets a table of SSH keys, which go with their person, and no id is given twice", async () => {
  await withEarlierStore("0007", fill, async (path) => {
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
  })
})
