import { existsSync } from "node:fs"
import { readRuns } from "./run-record"

/** The last backup that is there, and the last that came to nothing where it came after it. Times are Unix milliseconds. */
export type LastBackup = { newest: { file: string; at: number } | undefined; failed: { at: number; problem: string } | undefined }

/** What the record of a data folder says of its backups. A file that was on a disk of this machine and is gone counts no more. */
export function lastBackup(dataDir: string): LastBackup {
  const ended = readRuns(dataDir).filter(({ finished_at: at }) => at !== null)
  const newest = ended.find(({ file, error }) => error === null && file !== null && (file.startsWith("s3://") || existsSync(file)))
  const [last] = ended
  return {
    newest: newest && { file: newest.file ?? "", at: Date.parse(newest.finished_at ?? "") },
    failed: last === undefined || last.error === null ? undefined : { at: Date.parse(last.finished_at ?? ""), problem: last.error },
  }
}
