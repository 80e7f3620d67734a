import { expect, test } from "bun:test"
import { openDatabase } from "../open"
import { withEarlierStore } from "./earlier-store.fixture"

test("certificates from before belong to who holds their names, and those of names that nobody holds to nobody", async () => {
  await withEarlierStore(
    "0015",
    (sqlite) => {
      sqlite.run(
        "INSERT INTO people (id, username, display_name, password_hash, is_admin, created_at) VALUES ('p1', 'ada', 'Ada', '', 1, 1)",
      )
      const columns = (
        sqlite.query("PRAGMA table_info(domain_mappings)").all() as { name: string; type: string; notnull: number }[]
      ).filter(({ notnull }) => notnull === 1)
      const given: Record<string, string> = { id: "'m1'", person_id: "'p1'", domain: "'held.test'", status: "'verified'" }
      const values = columns.map(({ name, type }) => given[name] ?? (type === "INTEGER" ? "1" : "''"))
      sqlite.run("PRAGMA foreign_keys = OFF")
      sqlite.run(`INSERT INTO domain_mappings (${columns.map(({ name }) => name).join(", ")}) VALUES (${values.join(", ")})`)
      for (const name of ["held.test", "gone.test"])
        sqlite.run(
          `INSERT INTO certificates (hostname, issuer, chain, sealed_key, not_before, not_after, renew_at, created_at) VALUES ('${name}', 'ca', '', '', 1, 2, 2, 1)`,
        )
    },
    async (path) => {
      const db = await openDatabase(path)
      const rows = await db.selectFrom("certificates").select(["hostname", "holder"]).orderBy("hostname").execute()
      expect(rows).toEqual([
        { hostname: "gone.test", holder: "" },
        { hostname: "held.test", holder: "p1" },
      ])
      await db.destroy()
    },
  )
})
