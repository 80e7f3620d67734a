import { chmodSync, statSync } from "node:fs"
import { Database } from "bun:sqlite"
import { join } from "node:path"
import { AppError } from "../errors"

/** Its name in the data folder; it is empty, and its lock is what matters. */
export const lockName = "backup.lock"

/** How long a start waits for somebody who only looks whether one runs. */
const lookMs = 1000

/**
 * Takes the one place for a backup of this data folder; the answer gives it back. The lock is the kernel's (SQLite's on an empty file), so that it goes
 * with the process that held it, however that ended. Throws `conflict` while another has it.
 */
export function takeLock(dataDir: string): () => void {
  const free = tryLock(dataDir, lookMs)
  if (free === undefined) throw new AppError("conflict", "a backup of this data folder is under way: wait until it has ended")
  return free
}

/** Whether a backup of this data folder is under way, in this process or in another. */
export function isLocked(dataDir: string): boolean {
  const free = tryLock(dataDir, 0)
  free?.()
  return free === undefined
}

function tryLock(dataDir: string, waitMs: number): (() => void) | undefined {
  const path = join(dataDir, lockName)
  const file = new Database(path, { create: true })
  try {
    file.run(`PRAGMA busy_timeout = ${waitMs}`)
    // Nothing is ever written, and no journal shall lie beside it.
    file.run("PRAGMA journal_mode = MEMORY")
    file.run("BEGIN EXCLUSIVE")
    // As all else in the data folder, whatever mask a command was started with.
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
    return () => file.close()
  } catch (error) {
    file.close()
    if ((error as { code?: string }).code?.startsWith("SQLITE_BUSY") === true) return undefined
    throw error
  }
}
