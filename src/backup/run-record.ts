import { readFileSync } from "node:fs"
import { join } from "node:path"
import { writePrivate } from "../data-folder"
import { describeError } from "../errors"
import type { BackupResult } from "./backup"
import { isLocked } from "./lock"

/** Its name in the data folder. A file and no table: `freehold backup` of a newer binary writes it too, and must not migrate the store. */
export const recordName = "backups.json"

const kept = 50

/** One run. Times are ISO 8601; `error` is null where it went well, and for one that is under way `finished_at` is null too. */
export type BackupRun = {
  started_at: string
  finished_at: string | null
  /** Where to: a folder, `s3://bucket/prefix`, or a single file. */
  to: string
  file: string | null
  bytes: number | null
  /** Of stored files beside it: how many there are, and how many of them and of their bytes were new. */
  copies: { count: number; bytes: number; added: number; added_bytes: number; missing: number } | null
  error: string | null
}

/** The newest first. What a process that was killed has left open is told as an error. */
export function readRuns(dataDir: string): BackupRun[] {
  const runs = read(dataDir)
  if (runs.every(({ finished_at: at }) => at !== null)) return runs
  const isUnderWay = isLocked(dataDir)
  return runs.map((run, index) => (run.finished_at !== null || (index === 0 && isUnderWay) ? run : interrupted(run)))
}

const interrupted = (run: BackupRun): BackupRun => ({ ...run, finished_at: run.started_at, error: "it was ended in the middle" })

/** Puts a run on record while it lasts and when it has ended; whoever runs a backup has its lock, so nobody writes at the same time. */
export async function onRecord(dataDir: string, to: string, now: () => number, work: () => Promise<BackupResult>): Promise<BackupResult> {
  const run: BackupRun = { started_at: iso(now()), finished_at: null, to, file: null, bytes: null, copies: null, error: null }
  const earlier = read(dataDir).map((one) => (one.finished_at === null ? interrupted(one) : one))
  save(dataDir, [run, ...earlier])
  try {
    const result = await work()
    const { copies } = result
    run.file = result.file
    run.bytes = result.bytes
    if (copies !== undefined)
      run.copies = {
        count: copies.count,
        bytes: copies.bytes,
        added: copies.added,
        added_bytes: copies.addedBytes,
        missing: copies.missing.length,
      }
    return result
  } catch (error) {
    run.error = describeError(error)
    throw error
  } finally {
    run.finished_at = iso(now())
    save(dataDir, [run, ...earlier])
  }
}

/** Puts on record that a backup could not even begin, unless it has said so itself since then. */
export function noteFailure(dataDir: string, to: string, startedAt: string, now: number, error: string): void {
  const runs = readRuns(dataDir)
  const [last] = runs
  // One that is still to come was made under a clock that was wrong.
  if (last !== undefined && last.started_at >= startedAt && last.started_at <= iso(now)) return
  save(dataDir, [{ started_at: startedAt, finished_at: iso(now), to, file: null, bytes: null, copies: null, error }, ...runs])
}

/** Where it cannot be written, the run's own result says more. */
function save(dataDir: string, runs: BackupRun[]): void {
  try {
    writePrivate(join(dataDir, recordName), `${JSON.stringify({ runs: runs.slice(0, kept) }, null, 1)}\n`)
  } catch {}
}

const iso = (time: number) => new Date(time).toISOString()

/** A record that cannot be read is one that nobody wrote: it is made anew at the next run. */
function read(dataDir: string): BackupRun[] {
  try {
    const { runs } = JSON.parse(readFileSync(join(dataDir, recordName), "utf8")) as { runs: BackupRun[] }
    return Array.isArray(runs) ? runs.slice(0, kept) : []
  } catch {
    return []
  }
}
