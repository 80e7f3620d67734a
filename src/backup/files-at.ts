import { AppError } from "../errors"
import { isBackupName, momentOf } from "./names"
import { openDestination } from "./open-destination"
import type { S3Access } from "./s3-bucket"

/** A backup at a destination; the time is ISO 8601 and from its name. */
export type BackupFile = { name: string; created_at: string; bytes: number }

const mostFiles = 10_000

/** The backups of a place, the newest first. Throws `not_found`, `invalid` and what an S3 server says. */
export async function filesAt(place: string, s3: S3Access | undefined): Promise<BackupFile[]> {
  const files: BackupFile[] = []
  for await (const { name, bytes } of openDestination(place, s3).list()) {
    if (!isBackupName(name)) continue
    if (files.length === mostFiles) throw new AppError("invalid", `there are more than ${mostFiles} backups at ${place}`)
    files.push({ name, created_at: new Date(momentOf(name)).toISOString(), bytes })
  }
  return files.sort((a, b) => (a.name < b.name ? 1 : -1))
}
