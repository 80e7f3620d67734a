import { CompiledQuery, type DatabaseConnection, type Driver, type QueryResult, SqliteDialect } from "kysely"
import { diskUnavailable } from "../disk-fault"
import { AppError } from "../errors"

/** How long a statement waits for another process's lock in all, without holding up anything but the store. */
const PATIENCE_MS = 5000
const firstPauseMs = 5
const longestPauseMs = 100
/** Two statements that find the store locked within this time have met the same lock. */
const sameLockMs = 1000

/**
 * SQLite's dialect, with a driver that waits for a lock by itself: SQLite's own waiting (`busy_timeout`) sleeps in the thread that serves visitors.
 * A statement that finds the store locked changes nothing and is run again, until it succeeds or the patience is over; then it throws
 * AppError("unavailable"). The connection stays with whoever holds it meanwhile, so no other statement comes between those of a transaction.
 */
export class PatientDialect extends SqliteDialect {
  override createDriver(): Driver {
    const driver = super.createDriver()
    let patient: PatientConnection | undefined
    return {
      init: () => driver.init(),
      acquireConnection: async () => (patient ??= new PatientConnection(await driver.acquireConnection())),
      // So that all that a transaction begins and ends with is patient too.
      beginTransaction: (connection) => run(connection, "begin"),
      commitTransaction: (connection) => run(connection, "commit"),
      rollbackTransaction: (connection) => run(connection, "rollback"),
      releaseConnection: async () => {},
      destroy: () => driver.destroy(),
    }
  }
}

const run = async (connection: DatabaseConnection, sql: string) => {
  await connection.executeQuery(CompiledQuery.raw(sql))
}

class PatientConnection implements DatabaseConnection {
  /** When the present lock was first met, and last. */
  private locked = { since: -Infinity, seen: -Infinity }

  constructor(private connection: DatabaseConnection) {}

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        const result = await this.connection.executeQuery<R>(query)
        if (pauseMs > firstPauseMs) this.locked.seen = -Infinity
        return result
      } catch (error) {
        const code = (error as { code?: string }).code
        // A transaction that read before another process wrote can only be begun again, which is for its caller (SQLITE_BUSY_SNAPSHOT).
        if ((code !== "SQLITE_BUSY" && code !== "SQLITE_BUSY_RECOVERY") || this.isOutOfPatience()) throw asFault(error, code)
        await Bun.sleep(pauseMs)
      }
    }
  }

  /**
   * Statements wait one behind the other, so what one has waited for a lock counts for the next: however many there are, all are through with it within
   * one patience, and reading goes on.
   */
  private isOutOfPatience(): boolean {
    const now = performance.now()
    if (now - this.locked.seen > sameLockMs) this.locked.since = now
    this.locked.seen = now
    return now - this.locked.since >= PATIENCE_MS
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    return this.connection.streamQuery(query, chunkSize)
  }
}

/** What is the disk's fault or another process's, and nobody's mistake, has a code of its own and a sentence that says what to do. */
function asFault(error: unknown, code: string | undefined): unknown {
  if (code === undefined || !code.startsWith("SQLITE_")) return error
  if (code === "SQLITE_FULL")
    return new AppError("out_of_space", "the disk is full: nothing can be written until space is freed", { cause: error })
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED"))
    return new AppError("unavailable", "another process holds the store locked; nothing was changed, try again", {
      retryAfterSeconds: 5,
      cause: error,
    })
  if (["SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN"].some((one) => code.startsWith(one))) return diskUnavailable(error)
  return error
}
