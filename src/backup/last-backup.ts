import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { isBackupName } from "./backup"

/** The last backup that is there, and the last that came to nothing. Times are Unix milliseconds. */
export type LastBackup = { newest: { file: string; at: number } | undefined; failed: { at: number; problem: string } | undefined }

type Note = { file?: string; at?: number; failed?: { at: number; problem: string } }

/** Not part of a backup: one that is restored elsewhere says nothing of the backups there. */
const noteIn = (dataDir: string) => join(dataDir, ".last-backup.json")

/** Notes in the data folder what came of a backup, for whoever looks after them. A note that cannot be written is left out: the backup is what matters. */
export function noteBackup(dataDir: string, outcome: { file: string; at: number } | { problem: string; at: number }): void {
  const before = read(dataDir)
  const note: Note =
    "file" in outcome
      ? { file: outcome.file, at: outcome.at }
      : { ...before, failed: { at: outcome.at, problem: outcome.problem.slice(0, 500) } }
  try {
    writeFileSync(noteIn(dataDir), `${JSON.stringify(note)}\n`, { mode: 0o600 })
  } catch {
    // Nothing to be done about it here.
  }
}

/** What is known of backups of a data folder: the noted one where its file is still there, or a newer one beside it. */
export function lastBackup(dataDir: string): LastBackup {
  const { file, failed } = read(dataDir)
  if (file === undefined) return { newest: undefined, failed }
  const inFolder = isBackupName(basename(file)) ? backupsIn(dirname(file)) : []
  const found = [file, ...inFolder].flatMap((path) => timeOf(path)).sort((a, b) => b.at - a.at)
  return { newest: found[0], failed }
}

const backupsIn = (folder: string): string[] => {
  try {
    return readdirSync(folder).flatMap((name) => (isBackupName(name) ? [join(folder, name)] : []))
  } catch {
    return []
  }
}

function timeOf(file: string): { file: string; at: number }[] {
  try {
    return [{ file, at: Math.floor(statSync(file).mtimeMs) }]
  } catch {
    return []
  }
}

function read(dataDir: string): Note {
  try {
    const note = JSON.parse(readFileSync(noteIn(dataDir), "utf8")) as Note | null
    return typeof note === "object" && note !== null ? note : {}
  } catch {
    return {}
  }
}
