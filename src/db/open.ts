import { Database } from "bun:sqlite"
import { CamelCasePlugin, Kysely } from "kysely"
import { Migrator } from "kysely/migration"
import { migrations } from "./migrations/list"
import { PatientDialect } from "./patient-dialect"
import type { Schema } from "./schema"

export type Db = Kysely<Schema>

/** Opens (and creates, and migrates) the store at `path`, or in memory for `:memory:`. Throws when a migration fails: nothing is half done. */
export async function openDatabase(path: string): Promise<Db> {
  const sqlite = new Database(path, { create: true, strict: true })
  // First of all, so that even the pragmas below wait for another process's lock.
  sqlite.run("PRAGMA busy_timeout = 5000")
  sqlite.run("PRAGMA journal_mode = WAL")
  sqlite.run("PRAGMA synchronous = NORMAL")
  sqlite.run("PRAGMA foreign_keys = ON")
  // From here on the dialect waits, and the thread goes on meanwhile.
  sqlite.run("PRAGMA busy_timeout = 0")
  const db: Db = new Kysely<Schema>({ dialect: new PatientDialect({ database: kyselyDatabase(sqlite) }), plugins: [new CamelCasePlugin()] })
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const { error } = await migrator.migrateToLatest()
  if (error) {
    await db.destroy()
    throw error
  }
  return db
}

/** Gives `bun:sqlite` the shape that Kysely's SQLite dialect asks of better-sqlite3, which Bun cannot load. */
function kyselyDatabase(sqlite: Database) {
  const readers = new WeakMap<object, boolean>()
  return {
    close: () => sqlite.close(),
    prepare(sql: string) {
      // A full disk ends the transaction by itself, and ending it once more would hide why.
      if (sql === "rollback" && !sqlite.inTransaction) return nothing
      const statement = sqlite.query(sql)
      // Asking costs as much as running a small statement, and the engine keeps statements by their text.
      let reader = readers.get(statement)
      if (reader === undefined) readers.set(statement, (reader = statement.columnNames.length > 0))
      return {
        reader,
        all: (parameters: readonly unknown[]) => statement.all(...(parameters as never[])),
        run: (parameters: readonly unknown[]) => statement.run(...(parameters as never[])),
        iterate: (parameters: readonly unknown[]) => statement.iterate(...(parameters as never[])) as IterableIterator<unknown>,
      }
    },
  }
}

const nothing = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: (): IterableIterator<unknown> => [].values(),
}
