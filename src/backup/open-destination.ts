import { basename, dirname } from "node:path"
import { AppError } from "../errors"
import type { Destination } from "./destination"
import { FolderDestination } from "./folder-destination"
import { S3Destination } from "./s3-destination"
import type { S3Access } from "./s3-bucket"

const bucketName = "[a-z0-9A-Z][a-zA-Z0-9._-]{1,61}[a-z0-9A-Z]"
const s3Pattern = new RegExp(`^s3://(${bucketName})(?:/(.*))?$`)

/** Opens a folder, or `s3://bucket/prefix`. Throws `invalid` for an address that is none, and where the access to S3 is missing. */
export function openDestination(place: string, s3: S3Access | undefined): Destination {
  if (!/^s3:/i.test(place)) return new FolderDestination(place)
  const [, bucket, prefix = ""] = s3Pattern.exec(place) ?? []
  if (bucket === undefined) throw new AppError("invalid", `"${place.slice(0, 200)}" is not s3://bucket or s3://bucket/prefix`)
  if (s3 === undefined)
    throw new AppError("invalid", `${place} needs the keys of that S3 server: the settings backup_s3_access_key and backup_s3_secret_key`)
  return new S3Destination(s3, bucket, prefix.replace(/\/+$/, ""))
}

/** A backup's place as its destination and its name there. */
export function splitPlace(file: string): { place: string; name: string } {
  const at = file.lastIndexOf("/")
  return /^s3:/i.test(file) ? { place: file.slice(0, at), name: file.slice(at + 1) } : { place: dirname(file), name: basename(file) }
}
