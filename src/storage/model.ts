import type { NamespaceRow, ObjectSegmentRow, ObjectVersionRow } from "../db/storage-schema"
import { AppError } from "../errors"

/** Words that the routes below `/storage` use themselves. */
const reservedNames = new Set([
  "download",
  "namespaces",
  "files",
  "upload",
  "uploads",
  "delete",
  "status",
  "links",
  "keys",
  "usage",
  "scrub",
  "admin",
  "progress",
])

export const maxNamespaces = 1000

/** Letters, digits, dots, dashes and underscores, 1 to 63 characters, none that a route uses. Throws `invalid`. */
export function parseNamespaceName(raw: unknown): string {
  const name = typeof raw === "string" ? raw.trim() : ""
  if (name === "") throw new AppError("invalid", "namespace required")
  if (!/^[A-Za-z0-9._-]{1,63}$/.test(name) || /^\.+$/.test(name))
    throw new AppError("invalid", "invalid namespace: a name is 1 to 63 letters, digits, dots, dashes and underscores")
  if (reservedNames.has(name)) throw new AppError("invalid", `invalid namespace: ${name} is a word of the API itself`)
  return name
}

/** The key of an object: 1 to 1024 bytes of UTF-8. Throws `invalid`. */
export function parseKey(raw: string): string {
  if (raw === "") throw new AppError("invalid", "filename required")
  if (Buffer.byteLength(raw) > 1024) throw new AppError("invalid", "invalid filename: longer than 1024 bytes")
  if (!raw.isWellFormed() || raw.includes("\0")) throw new AppError("invalid", "invalid filename: not UTF-8, or with a zero byte in it")
  return raw
}

export type Visibility = "private" | "public"

export type Versioning = NamespaceRow["versioning"]

/** A checksum as S3 names it: base64, over all bytes or over those of the parts. */
export type Checksum = { algorithm: string; value: string; type: "FULL_OBJECT" | "COMPOSITE" }

export type Namespace = {
  id: number
  name: string
  personId: string
  visibility: Visibility
  versioning: Versioning
  /** Undefined for no bound of its own. */
  quotaBytes: number | undefined
  /** Current objects, and the bytes of all versions and of parts under way. */
  objects: number
  bytes: number
  /** JSON that only the S3 door reads. */
  cors: string | null
  lifecycle: string | null
  tags: string | null
  createdAt: number
}

/** A piece of an object on disk, in the order of the bytes. */
export type Segment = { hash: string; size: number; partNumber: number; checksum: string | null }

/** What is known of one version of an object, bytes apart. */
export type ObjectInfo = {
  /** Of its row; grows with each version. */
  id: number
  namespaceId: number
  key: string
  /** `null`, as text, for what was written without versioning. */
  versionId: string
  isLatest: boolean
  isDeleteMarker: boolean
  size: number
  /** Without quotes. */
  etag: string
  contentType: string
  /** Further header fields by their lower-case names, `x-amz-meta-…` among them. */
  headers: Record<string, string>
  tags: Record<string, string>
  checksum: Checksum | undefined
  /** Unix milliseconds. */
  createdAt: number
  /** SHA-256 of the bytes; undefined for delete markers and for objects of several segments. */
  hash: string | undefined
}

/** What a writer says about an object; what is left out is empty. */
export type ObjectFacts = {
  contentType?: string
  headers?: Record<string, string>
  tags?: Record<string, string>
  checksum?: Checksum
}

export function namespaceOf(row: NamespaceRow): Namespace {
  const { visibility, quotaBytes, ...rest } = row
  return { ...rest, visibility: visibility === 1 ? "public" : "private", quotaBytes: quotaBytes ?? undefined }
}

const parsed = <T>(text: string | null): T | undefined => (text === null ? undefined : (JSON.parse(text) as T))

export function objectOf(row: ObjectVersionRow): ObjectInfo {
  const { isLatest, isDeleteMarker, headers, tags, checksum, hash, ...rest } = row
  return {
    ...rest,
    isLatest: isLatest === 1,
    isDeleteMarker: isDeleteMarker === 1,
    headers: parsed(headers) ?? {},
    tags: parsed(tags) ?? {},
    checksum: parsed(checksum),
    hash: hash ?? undefined,
  }
}

export const segmentOf = ({ hash, size, partNumber, checksum }: ObjectSegmentRow): Segment => ({ hash, size, partNumber, checksum })

/** JSON for a column; null for what is empty. */
export const column = (value: object | undefined): string | null =>
  value === undefined || Object.keys(value).length === 0 ? null : JSON.stringify(value)
