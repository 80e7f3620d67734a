import type { Verdict } from "./check"

/** The last backup as far as this machine knows; `failed` where a later one came to nothing. */
export type BackupState = { newest: { file: string; at: number } | undefined; failed: { at: number; problem: string } | undefined }

/** A daily backup is late after two days, whatever hour its timer has. */
const lateMs = 48 * 3_600_000

const command = "freehold backup /var/backups/freehold --recipient age1… --keep 14"

/** Whether there is a backup, and how old it is. */
export function checkBackup({ newest, failed }: BackupState, now: number): Verdict {
  if (failed !== undefined && (newest === undefined || failed.at > newest.at))
    return {
      status: "bad",
      verdict: `The last backup failed, at ${minute(failed.at)}: ${failed.problem.replace(/\.$/, "")}.`,
      remedy: `Mend that, and make one now: ${command}`,
    }
  if (newest === undefined)
    return { status: "warn", verdict: "No backup of this house was ever made.", remedy: `Make one, daily by a timer: ${command}` }
  if (now - newest.at > lateMs)
    return {
      status: "warn",
      verdict: `The newest backup is ${Math.floor((now - newest.at) / 86_400_000)} days old: ${newest.file}.`,
      remedy: `See why the timer makes none, and make one now: ${command}`,
    }
  return {
    status: "ok",
    verdict: `The newest backup is of ${minute(newest.at)}: ${newest.file}.`,
    remedy: `“freehold doctor --identity-file KEY” proves that it can be restored.`,
  }
}

const minute = (ms: number) => `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`
