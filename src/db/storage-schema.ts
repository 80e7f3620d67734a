import type { Generated, Selectable } from "kysely"

/** Tables of the storage feature; the same forms as in `schema.ts`. */
export interface StorageSchema {
  namespaces: NamespaceTable
  objectVersions: ObjectVersionTable
  objectSegments: ObjectSegmentRow
  storageUploads: UploadTable
  uploadParts: UploadPartRow
  storageQuotas: StorageQuotaRow
  storageKeys: StorageKeyRow
  storageFaults: StorageFaultRow
  storageScrubs: StorageScrubTable
}

/** A folder of objects with an owner; a bucket to S3. */
export interface NamespaceTable {
  id: Generated<number>
  name: string
  personId: string
  /** 0 private, 1 readable by anybody who knows a name in it. */
  visibility: Generated<number>
  versioning: Generated<"off" | "enabled" | "suspended">
  /** The most bytes that all versions and parts in it may have; null for no bound of its own. */
  quotaBytes: Generated<number | null>
  /** JSON lists of rules; null for none. */
  cors: Generated<string | null>
  lifecycle: Generated<string | null>
  /** JSON map. */
  tags: Generated<string | null>
  /** Kept by triggers: current objects, and the bytes of all versions and of the parts of uploads under way. */
  objects: Generated<number>
  bytes: Generated<number>
  createdAt: number
}

export type NamespaceRow = Selectable<NamespaceTable>

/** One version of one object. The newest has `isLatest`; a delete marker has no bytes. */
export interface ObjectVersionTable {
  /** Grows with each version, so it is their order. */
  id: Generated<number>
  namespaceId: number
  key: string
  /** `null`, as text, for what was written without versioning. */
  versionId: string
  isLatest: number
  isDeleteMarker: Generated<number>
  size: number
  /** SHA-256 of the bytes in hex, under which they lie on disk; null for delete markers, and where the bytes are segments. */
  hash: string | null
  /** Without quotes: MD5 of the bytes in hex, or that of the parts' MD5s and the number of parts. */
  etag: string
  contentType: string
  /** JSON map of further header fields, lower case, `x-amz-meta-…` among them; null for none. */
  headers: string | null
  /** JSON map; null for none. */
  tags: string | null
  /** JSON of a `Checksum`; null for none. */
  checksum: string | null
  createdAt: number
}

export type ObjectVersionRow = Selectable<ObjectVersionTable>

/** A piece of an object that was sent in parts; pieces follow one another by `position`. */
export interface ObjectSegmentRow {
  versionRow: number
  position: number
  /** As the client counted. */
  partNumber: number
  hash: string
  size: number
  checksum: string | null
}

/** An object that is being sent in parts. */
export interface UploadTable {
  id: string
  namespaceId: number
  key: string
  personId: string
  /** What began it, and alone may go on with it. */
  kind: "s3" | "tus"
  contentType: string
  headers: string | null
  tags: string | null
  /** JSON of what the whole will be checked by; null for nothing. */
  checksum: string | null
  /** Bytes that were announced; null where nothing was. */
  announcedSize: number | null
  createdAt: number
  touchedAt: number
}

export type UploadRow = Selectable<UploadTable>

export interface UploadPartRow {
  uploadId: string
  number: number
  /** That of the upload, so that its bytes are counted whatever goes first. */
  namespaceId: number
  hash: string
  size: number
  /** In hex. */
  md5: string
  checksum: string | null
  createdAt: number
}

export interface StorageQuotaRow {
  personId: string
  bytes: number
}

/** An access key of the S3 door. */
export interface StorageKeyRow {
  id: string
  personId: string
  name: string
  sealedSecret: string
  /** JSON of `Scopes`; null for all of the person's storage. */
  scopes: string | null
  createdAt: number
  /** 0 for never. */
  lastUsedAt: number
}

/** Bytes that are not what they should be; gone when they were found whole again, or nothing refers to them. */
export interface StorageFaultRow {
  hash: string
  kind: "missing" | "damaged"
  detail: string
  foundAt: number
}

/** One reading of everything. */
export interface StorageScrubTable {
  id: Generated<number>
  startedAt: number
  /** Null while it is under way. */
  finishedAt: number | null
  /** The last hash that was looked at. */
  position: string
  blobs: number
  bytes: number
  faults: number
}

export type StorageScrubRow = Selectable<StorageScrubTable>
