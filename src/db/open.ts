import { Database } from "bun:sqlite"
import { CamelCasePlugin, Kysely, SqliteAdapter } from "kysely"
import { type Migration, Migrator } from "kysely/migration"
import { AppError, describeError } from "../errors"
import { migrations as ownMigrations } from "./migrations/list"
import { PatientDialect } from "./patient-dialect"
import type { Schema } from "./schema"
import { prepareUpgrade } from "./upgrade"

export type Db = Kysely<Schema>

/** Where another program moves the log into the store, SQLite does so from 1 GiB on all the same: that program may have gone. */
const lastResortPages = 262_144

/**
 * Opens (and creates, and migrates) the store at `path`, or in memory for `:memory:`. A store of an earlier version is copied first. Throws `conflict` for one
 * of a later version, and when a migration fails: all of them are one transaction, so the version before can still open it. Without `checkpoints` the
 * write-ahead log is left to a replicator, which has to see all of it.
 */
export async function openDatabase(
  path: string,
  options: { checkpoints?: boolean; migrations?: Record<string, Migration> } = {},
): Promise<Db> {
  const { checkpoints = true, migrations = ownMigrations } = options
  const sqlite = new Database(path, { create: true, strict: true })
  // First of all, so that even the pragmas below wait for another process's lock.
  sqlite.run("PRAGMA busy_timeout = 5000")
  try {
    // Before anything is written: a store that is not for us stays as it is.
    prepareUpgrade(sqlite, path, Object.keys(migrations), Date.now())
  } catch (error) {
    sqlite.close()
    throw error
  }
  sqlite.run("PRAGMA journal_mode = WAL")
  if (!checkpoints) sqlite.run(`PRAGMA wal_autocheckpoint = ${lastResortPages}`)
  sqlite.run("PRAGMA synchronous = NORMAL")
  sqlite.run("PRAGMA foreign_keys = ON")
  // From here on the dialect waits, and the thread goes on meanwhile.
  sqlite.run("PRAGMA busy_timeout = 0")
  const db: Db = new Kysely<Schema>({ dialect: new StoreDialect({ database: kyselyDatabase(sqlite) }), plugins: [new CamelCasePlugin()] })
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const { error, results } = await migrator.migrateToLatest()
  if (error) {
    await db.destroy()
    if (error instanceof AppError) throw error
    const failed = results?.find(({ status }) => status === "Error")?.migrationName
    throw new Error(
      `the store could not be upgraded${failed === undefined ? "" : ` (${failed})`} and is as it was before: ${describeError(error)}`,
      { cause: error },
    )
  }
  return db
}

/** Kysely runs migrations for SQLite one by one; SQLite's DDL is transactional (https://sqlite.org/lang_transaction.html), so all can be one transaction. */
class StoreDialect extends PatientDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter()
  }
}

class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/** Gives `bun:sqlite` the shape that Kysely's SQLite dialect asks of better-sqlite3, which Bun cannot load. */
function kyselyDatabase(sqlite: Database) {
  const readers = new WeakMap<object, boolean>()
  return {
    close: () => sqlite.close(),
    prepare(sql: string) {
      // A full disk ends the transaction by itself, and ending it once more would hide why.
      if (sql === "rollback" && !sqlite.inTransaction) return nothing
      // A transaction that reads first and then writes would fail at once where another process wrote in between, whatever the timeout: it could not
      // wait, since what it read is old by then (SQLITE_BUSY_SNAPSHOT).
      const statement = sqlite.query(sql === "begin" ? "begin immediate" : sql)
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
