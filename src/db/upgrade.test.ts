import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { sql } from "kysely"
import type { Migration } from "kysely/migration"
import { withEarlierStore } from "./migrations/earlier-store.fixture"
import { migrations } from "./migrations/list"
import { openDatabase } from "./open"
import { copiesFolder, migrationsOf, storeCopies } from "./upgrade"

const names = Object.keys(migrations).sort()
const newest = names.at(-1) ?? ""

/** What every schema since the first has, as an operator would have filled it. */
function fill(sqlite: Database): void {
  sqlite.run(
    "INSERT INTO people (id, username, display_name, password_hash, is_admin, created_at) VALUES ('u1', 'ada', 'Ada', 'hash', 1, 1)",
  )
  sqlite.run("INSERT INTO sessions (id, person_id, address, created_at, expires_at) VALUES ('s1', 'u1', '192.0.2.1', 2, 3)")
  const columns = new Set(
    sqlite
      .query<{ name: string }, []>("SELECT name FROM pragma_table_info('containers')")
      .all()
      .map(({ name }) => name),
  )
  const container: Record<string, string | number> = {
    id: "c1",
    person_id: "u1",
    name: "web",
    kind: "external",
    address: "192.0.2.7",
    memory_mb: 0,
    storage_gb: 0,
    instance_type: "",
    pull_policy: "",
    desired: "running",
    status: "running",
    ports: "{}",
    created_at: 1,
  }
  insert(sqlite, "containers", Object.fromEntries(Object.entries(container).filter(([name]) => columns.has(name))))
  const mapping = { person_id: "u1", container_id: "c1", target_port: 80, verify_token: "s", window_started_at: 1, next_check_at: 1 }
  for (const status of ["pending", "verified", "failed"])
    insert(sqlite, "domain_mappings", { ...mapping, id: status, domain: `${status}.example.com`, status, checks: 0, created_at: 1 })
}

function insert(sqlite: Database, table: string, row: Record<string, string | number>): void {
  const marks = Object.keys(row).map(() => "?")
  sqlite.run(`INSERT INTO ${table} (${Object.keys(row).join(", ")}) VALUES (${marks.join(", ")})`, Object.values(row))
}

const schemaOf = (path: string) => {
  const sqlite = new Database(path, { readonly: true })
  const rows = sqlite.query("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").all()
  const done = migrationsOf(sqlite)
  sqlite.close()
  return { rows, done }
}

test.each(names.slice(1))("a store from before %s is copied, upgraded with what is in it, and ends like a new one", async (name) => {
  await withEarlierStore(name, fill, async (path) => {
    const before = schemaOf(path)
    const db = await openDatabase(path)
    expect(await db.selectFrom("people").select(["username", "passwordHash"]).execute()).toEqual([
      { username: "ada", passwordHash: "hash" },
    ])
    expect(await db.selectFrom("sessions").select("id").execute()).toEqual([{ id: "s1" }])
    expect(await db.selectFrom("containers").select(["id", "address"]).execute()).toEqual([{ id: "c1", address: "192.0.2.7" }])
    const mapped = await db.selectFrom("domainMappings").select(["domain", "status"]).orderBy("domain").execute()
    expect(mapped.map(({ status }) => status)).toEqual(["failed", "pending", "verified"])
    expect(await db.selectFrom("heldNames").select("hostname").execute()).toEqual([{ hostname: "verified.example.com" }])
    expect((await sql`PRAGMA foreign_key_check`.execute(db)).rows).toEqual([])
    expect((await sql`PRAGMA integrity_check`.execute(db)).rows).toEqual([{ integrityCheck: "ok" }])
    await db.destroy()

    const fresh = join(dirname(path), "fresh.db")
    await (await openDatabase(fresh)).destroy()
    expect(schemaOf(path)).toEqual(schemaOf(fresh))
    const [copy] = storeCopies(path)
    expect(copy?.before).toBe(name)
    expect(schemaOf(copy?.file ?? "")).toEqual(before)
    expect(statSync(copy?.file ?? "").mode & 0o777).toBe(0o600)
  })
})

const withMore = (name: string, up: Migration["up"]) => ({ ...migrations, [name]: { up } })

test("a migration that fails takes back all that ran with it, and the version before opens the store", async () => {
  await withEarlierStore(newest, fill, async (path) => {
    const before = schemaOf(path)
    const failing = withMore("9999-failing", async (db) => {
      await sql`DELETE FROM sessions`.execute(db)
      await sql`ALTER TABLE people ADD COLUMN half INTEGER`.execute(db)
      await sql`INSERT INTO nowhere VALUES (1)`.execute(db)
    })
    await expect(openDatabase(path, { migrations: failing })).rejects.toThrow(
      "the store could not be upgraded (9999-failing) and is as it was before: no such table: nowhere",
    )
    // The migration before it went well, in the same transaction.
    expect(schemaOf(path).done).toEqual(before.done)
    expect(schemaOf(path).rows).toEqual(before.rows)
    const earlier = Object.fromEntries(Object.entries(migrations).filter(([one]) => one < newest))
    const db = await openDatabase(path, { migrations: earlier })
    expect(await db.selectFrom("sessions").select("id").execute()).toEqual([{ id: "s1" }])
    await db.destroy()
  })
})

test("a store that a newer version migrated is refused by name, untouched, and the way back is named", async () => {
  await withEarlierStore("9999", fill, async (path) => {
    await (
      await openDatabase(path, {
        migrations: withMore("9999-later", (db) => sql`CREATE TABLE later (id INTEGER)`.execute(db).then(() => {})),
      })
    ).destroy()
    const bytes = readFileSync(path)
    const refusal = await openDatabase(path).catch((error: Error) => error.message)
    expect(refusal).toContain("was migrated by a newer Freehold (9999-later is not known to this one), and was not touched")
    expect(refusal).toContain(storeCopies(path)[0]?.file ?? "no copy")
    expect(readFileSync(path).equals(bytes)).toBe(true)
    // What the message advises.
    const db = await openDatabase(storeCopies(path)[0]?.file ?? "")
    expect(await db.selectFrom("people").select("id").execute()).toEqual([{ id: "u1" }])
    await db.destroy()
  })
})

test("three copies are kept, the oldest go, and half a copy goes too", async () => {
  await withEarlierStore(newest, fill, async (path) => {
    mkdirSync(copiesFolder(path))
    for (const day of ["01", "02", "03"]) writeFileSync(join(copiesFolder(path), `before-00${day}-x.202601${day}T000000Z.db`), "")
    writeFileSync(join(copiesFolder(path), "before-0002-x.20260104T000000Z.db.new"), "")
    writeFileSync(join(copiesFolder(path), "mine.db"), "")
    await (await openDatabase(path)).destroy()
    const left = readdirSync(copiesFolder(path)).sort()
    expect(left).toHaveLength(4)
    expect(left).toContain("mine.db")
    expect(left.some((name) => name.includes("20260101") || name.endsWith(".new"))).toBe(false)
  })
})

test("a start that fails again and again leaves one copy of its upgrade, and those of earlier ones stay", async () => {
  await withEarlierStore(newest, fill, async (path) => {
    mkdirSync(copiesFolder(path))
    // The later one was made under a clock that was ahead.
    for (const name of ["before-0002-x.20260101T000000Z.db", "before-0003-y.20990101T000000Z.db", `before-${newest}.20260102T000000Z.db`])
      writeFileSync(join(copiesFolder(path), name), "")
    const failing = withMore("9999-failing", (db) => sql`INSERT INTO nowhere VALUES (1)`.execute(db).then(() => {}))
    for (let start = 0; start < 3; start++) await openDatabase(path, { migrations: failing }).catch(() => {})
    const left = storeCopies(path)
    expect(left.map(({ before }) => before).sort()).toEqual(["0002-x", "0003-y", newest])
    expect(schemaOf(left.find(({ before }) => before === newest)?.file ?? "").done).toEqual(schemaOf(path).done)
  })
})

test("a copy made under a clock that is behind is not the one that goes", async () => {
  await withEarlierStore(newest, fill, async (path) => {
    mkdirSync(copiesFolder(path))
    for (const day of ["01", "02", "03"]) writeFileSync(join(copiesFolder(path), `before-00${day}-x.209901${day}T000000Z.db`), "")
    await (await openDatabase(path)).destroy()
    expect(storeCopies(path).map(({ before }) => before)).toEqual(["0003-x", "0002-x", newest])
  })
})

test("a store that cannot be copied is not upgraded", async () => {
  await withEarlierStore(newest, fill, async (path) => {
    const before = schemaOf(path)
    writeFileSync(copiesFolder(path), "a file in the way")
    await expect(openDatabase(path)).rejects.toThrow("before it is upgraded: EEXIST")
    expect(schemaOf(path)).toEqual(before)
    expect(storeCopies(path)).toEqual([])
  })
})

test("a new store, and one that is up to date, are not copied", async () => {
  await withEarlierStore("9999", fill, async (path) => {
    await (await openDatabase(path)).destroy()
    await (await openDatabase(join(dirname(path), "fresh.db"))).destroy()
    expect(storeCopies(path)).toEqual([])
  })
})
