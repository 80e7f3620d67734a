import { Database } from "bun:sqlite"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Kysely, SqliteDialect } from "kysely"
import { Migrator } from "kysely/migration"
import { migrations } from "./list"

/**
 * Hands a test the path of a store as every migration before `name` (`0006`) left it, with what `fill` puts in, and takes it away afterwards; the database
 * is opened with nothing but what SQLite does by itself, except that it does not wait for the disk.
 */
export async function withEarlierStore(
  name: string,
  fill: (sqlite: Database) => void,
  use: (path: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "freehold-migration-"))
  try {
    const path = join(folder, "store.db")
    const sqlite = new Database(path, { create: true, strict: true })
    sqlite.run("PRAGMA synchronous = OFF")
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
    const before = Object.fromEntries(Object.entries(migrations).filter(([one]) => one < name))
    const { error } = await new Migrator({ db, provider: { getMigrations: async () => before } }).migrateToLatest()
    if (error !== undefined) throw error
    fill(sqlite)
    await db.destroy()
    await use(path)
  } finally {
    await rm(folder, { recursive: true })
  }
}
