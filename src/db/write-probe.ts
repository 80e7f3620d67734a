import { Database } from "bun:sqlite"

/**
 * Whether a store can be written, found out by writing: a page that stays as it was, 4 KiB in the journal, at most every `keptMs`. Over a connection
 * of its own that never waits for a lock, since waiting would hold up everything else.
 */
export class WriteProbe {
  private database: Database | undefined
  private writtenAt = -Infinity
  private lockedSince: number | undefined

  constructor(
    private path: string,
    private now: () => number,
    private keptMs = 10_000,
  ) {}

  /** For how long others have kept the store locked, 0 where they do not; throws what SQLite says where it cannot be written. */
  check(): { lockedMs: number } {
    const at = this.now()
    if (at - this.writtenAt < this.keptMs) return { lockedMs: 0 }
    try {
      this.write()
    } catch (error) {
      if ((error as { code?: string }).code !== "SQLITE_BUSY") throw error
      this.lockedSince ??= at
      return { lockedMs: at - this.lockedSince }
    }
    this.writtenAt = at
    this.lockedSince = undefined
    return { lockedMs: 0 }
  }

  stop(): void {
    this.database?.close()
    this.database = undefined
  }

  private write(): void {
    this.database ??= new Database(this.path, { readwrite: true })
    this.database.run("PRAGMA busy_timeout = 0")
    this.database.run("PRAGMA synchronous = NORMAL")
    // No table of ours: SQLite keeps this number for whoever wants it, and writes it without looking whether it changes.
    const { user_version } = this.database.query("PRAGMA user_version").get() as { user_version: number }
    this.database.run(`PRAGMA user_version = ${user_version}`)
  }
}
