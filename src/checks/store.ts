import { constants, Database } from "bun:sqlite"
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { Verdict } from "./check"

/** What a store at rest holds of certificates. */
export type StoredName = { notAfter: number; failures: number; problem: string | null }

/** A copy of a store takes space of the temporary folder. */
const maxCopyBytes = 1024 ** 3

/** The store of an appliance that is not running, as it lies on disk; nothing is written in its folder. `known` are the migrations of this binary. */
export function checkStore(file: string, known: readonly string[]): Verdict {
  if (!existsSync(file))
    return {
      status: "warn",
      verdict: `There is no store at ${file} yet.`,
      remedy: "“freehold serve” makes it; if there was one, bring it back from a backup.",
    }
  try {
    return withStore(file, (sqlite) => {
      const [first] = sqlite.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").all()
      if (first?.quick_check !== "ok")
        return {
          status: "bad",
          verdict: `The store is damaged: ${first?.quick_check ?? "nothing was said"}.`,
          remedy: "Bring it back from a backup: freehold restore FILE.",
        }
      const newest = sqlite.query<{ name: string }, []>("SELECT name FROM kysely_migration ORDER BY name DESC LIMIT 1").get()?.name
      if (newest !== undefined && !known.includes(newest))
        return {
          status: "bad",
          verdict: `The store is of a newer Freehold (${newest}).`,
          remedy: "Install that version again, or a later one.",
        }
      return {
        status: "ok",
        verdict: `The store is sound${hasJournal(file) ? "; the journal of a start that did not end in order is taken up at the next one" : ""}.`,
      }
    })
  } catch (error) {
    return {
      status: "bad",
      verdict: `The store cannot be read: ${(error as Error).message}.`,
      remedy: "Run this as root or as the user of the service; if it stays so, bring the store back from a backup.",
    }
  }
}

/** A name's certificate in a store at rest; undefined where it has none, or the store cannot be read. */
export function storedName(file: string, hostname: string): StoredName | undefined {
  try {
    return withStore(file, (sqlite) => {
      const sql = `SELECT c.not_after AS notAfter, coalesce(a.failures, 0) AS failures, a.problem
        FROM certificates c LEFT JOIN certificate_attempts a ON a.hostname = c.hostname WHERE c.hostname = ?`
      return sqlite.query<StoredName, [string]>(sql).get(hostname) ?? undefined
    })
  } catch {
    return undefined
  }
}

/** Reads a store without leaving a trace in its folder: where a crash left a journal, it is read of a copy elsewhere, which takes the journal up. */
function withStore<T>(file: string, use: (sqlite: Database) => T): T {
  if (!hasJournal(file)) return withDatabase(`${pathToFileURL(file).href}?immutable=1`, use)
  const journal = `${file}-wal`
  if (statSync(file).size + statSync(journal).size > maxCopyBytes)
    throw new Error("a crash left a journal, and the store is too large to be copied for a look")
  const folder = mkdtempSync(join(tmpdir(), "freehold-doctor-"))
  try {
    const copy = join(folder, "store.db")
    copyFileSync(file, copy)
    copyFileSync(journal, `${copy}-wal`)
    return withDatabase(pathToFileURL(copy).href, use, constants.SQLITE_OPEN_READWRITE)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function withDatabase<T>(url: string, use: (sqlite: Database) => T, mode = constants.SQLITE_OPEN_READONLY): T {
  const sqlite = new Database(url, mode | constants.SQLITE_OPEN_URI)
  try {
    return use(sqlite)
  } finally {
    sqlite.close()
  }
}

const hasJournal = (file: string) => existsSync(`${file}-wal`) && statSync(`${file}-wal`).size > 0
