import { statSync } from "node:fs"
import { readRuns } from "./run-record"

/** The last backup that is there, and the last that came to nothing where it came after it. Times are Unix milliseconds. */
export type LastBackup = { newest: { file: string; at: number } | undefined; failed: { at: number; problem: string } | undefined }

/** What the record of a data folder says of its backups. A file on a disk of this machine has its own time, and counts no more when it is gone. */
export function lastBackup(dataDir: string): LastBackup {
  const ended = readRuns(dataDir).flatMap((run) => (run.finished_at === null ? [] : [{ ...run, at: Date.parse(run.finished_at) }]))
  const [last] = ended
  const newest = ended.flatMap(({ file, error, at }) => (error === null && file !== null ? present(file, at) : []))[0]
  return { newest, failed: last === undefined || last.error === null ? undefined : { at: last.at, problem: last.error } }
}

function present(file: string, at: number): { file: string; at: number }[] {
  if (file.startsWith("s3://")) return [{ file, at }]
  const found = statSync(file, { throwIfNoEntry: false })
  return found === undefined ? [] : [{ file, at: Math.floor(found.mtimeMs) }]
}
