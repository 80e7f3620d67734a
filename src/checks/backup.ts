import type { Verdict } from "./check"

/** The last backup as far as this machine knows, and whether there should have been another since; `failed` where a later one came to nothing. */
export type BackupState = {
  newest: { file: string; at: number; isLate: boolean } | undefined
  failed: { at: number; problem: string } | undefined
}

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
  if (newest.isLate)
    return {
      status: "warn",
      verdict:
        newest.at > now
          ? `The newest backup is of ${minute(newest.at)}, which is still to come: ${newest.file}. The clock was wrong then, or is now.`
          : `The newest backup is ${age(now - newest.at)} old: ${newest.file}.`,
      remedy: `See why none was made since, and make one now: ${command}`,
    }
  return {
    status: "ok",
    verdict: `The newest backup is of ${minute(newest.at)}: ${newest.file}.`,
    remedy: `“freehold doctor --identity-file KEY” proves that it can be restored.`,
  }
}

const age = (ms: number) => {
  const hours = Math.floor(ms / 3_600_000)
  return hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`
}

const minute = (ms: number) => `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`
