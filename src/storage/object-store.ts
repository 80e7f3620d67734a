import { type Insertable, sql, type Transaction } from "kysely"
import type { Db } from "../db/open"
import { prepared } from "../db/prepared"
import type { Schema } from "../db/schema"
import type { ObjectVersionRow, ObjectVersionTable } from "../db/storage-schema"
import { successor } from "./key-order"
import { type ObjectInfo, objectOf, type Segment, segmentOf } from "./model"

export type NewVersion = Omit<Insertable<ObjectVersionTable>, "id">

/** What a listing shows of an object. */
export type Listed = Pick<
  ObjectInfo,
  "id" | "key" | "versionId" | "isLatest" | "isDeleteMarker" | "size" | "etag" | "contentType" | "createdAt"
> & {
  checksum: ObjectInfo["checksum"]
}

const listedColumns = [
  "id",
  "key",
  "versionId",
  "isLatest",
  "isDeleteMarker",
  "size",
  "etag",
  "contentType",
  "createdAt",
  "checksum",
] as const
/** As a literal, since SQLite takes the partial index only where the query says so by itself. */
const latest = sql<boolean>`is_latest = 1`

const findLatest = prepared((db, { namespaceId, key }: { namespaceId: number; key: string }) =>
  db.selectFrom("objectVersions").selectAll().where("namespaceId", "=", namespaceId).where("key", "=", key).where(latest),
)

const findVersion = prepared((db, given: { namespaceId: number; key: string; versionId: string }) =>
  db
    .selectFrom("objectVersions")
    .selectAll()
    .where("namespaceId", "=", given.namespaceId)
    .where("key", "=", given.key)
    .where("versionId", "=", given.versionId),
)

const findSegments = prepared((db, { versionRow }: { versionRow: number }) =>
  db.selectFrom("objectSegments").selectAll().where("versionRow", "=", versionRow).orderBy("position"),
)

const insertVersion = prepared((db, given: Omit<ObjectVersionRow, "id">) => {
  const { namespaceId, key, versionId, isLatest, isDeleteMarker, size, hash, etag, contentType, headers, tags, checksum, createdAt } = given
  const values = {
    namespaceId,
    key,
    versionId,
    isLatest,
    isDeleteMarker,
    size,
    hash,
    etag,
    contentType,
    headers,
    tags,
    checksum,
    createdAt,
  }
  return db.insertInto("objectVersions").values(values).returning("id")
})

const deleteVersion = prepared((db, { id }: { id: number }) => db.deleteFrom("objectVersions").where("id", "=", id))

/** Every query on `object_versions` and `object_segments`. `db` may be a transaction. */
export class ObjectStore {
  constructor(private db: Db | Transaction<Schema>) {}

  async latest(namespaceId: number, key: string): Promise<ObjectInfo | undefined> {
    const [row] = await findLatest(this.db, { namespaceId, key })
    return row === undefined ? undefined : objectOf(row)
  }

  async version(namespaceId: number, key: string, versionId: string): Promise<ObjectInfo | undefined> {
    const [row] = await findVersion(this.db, { namespaceId, key, versionId })
    return row === undefined ? undefined : objectOf(row)
  }

  async segments(versionRow: number): Promise<Segment[]> {
    return (await findSegments(this.db, { versionRow })).map(segmentOf)
  }

  /** The new version; it is the newest, so none may be marked so. */
  async insert(version: NewVersion, segments: Segment[]): Promise<ObjectInfo> {
    const all = { isDeleteMarker: 0, ...version } as Omit<ObjectVersionRow, "id">
    const [row] = await insertVersion(this.db, all)
    if (row === undefined) throw new Error("a row that was inserted was not answered")
    // SQLite bounds the parameters of one statement.
    for (let at = 0; at < segments.length; at += 500) {
      const rows = segments.slice(at, at + 500).map((segment, i) => Object.assign({ versionRow: row.id, position: at + i }, segment))
      await this.db.insertInto("objectSegments").values(rows).execute()
    }
    return objectOf({ ...all, ...row })
  }

  /** Takes the mark of the newest from it, or gives it to what is the newest now. */
  async mark(id: number, isLatest: boolean): Promise<void> {
    await this.db
      .updateTable("objectVersions")
      .set({ isLatest: isLatest ? 1 : 0 })
      .where("id", "=", id)
      .execute()
  }

  async newest(namespaceId: number, key: string): Promise<{ id: number } | undefined> {
    return this.db
      .selectFrom("objectVersions")
      .select("id")
      .where("namespaceId", "=", namespaceId)
      .where("key", "=", key)
      .orderBy("id", "desc")
      .limit(1)
      .executeTakeFirst()
  }

  /** The greatest id of a namespace's versions; 0 without any. */
  async newestId(namespaceId: number): Promise<number> {
    const query = this.db.selectFrom("objectVersions").select((row) => row.fn.max("id").as("id"))
    return (await query.where("namespaceId", "=", namespaceId).executeTakeFirst())?.id ?? 0
  }

  /** Removes a row; answers the hashes that it referred to. */
  async delete(version: Pick<ObjectInfo, "id" | "hash">): Promise<string[]> {
    const hashes = version.hash === undefined ? (await this.segments(version.id)).map(({ hash }) => hash) : [version.hash]
    await deleteVersion(this.db, { id: version.id })
    return hashes
  }

  async setTags(id: number, tags: string | null): Promise<void> {
    await this.db.updateTable("objectVersions").set({ tags }).where("id", "=", id).execute()
  }

  /** Current objects after a key, by key, in the order of their bytes; `end` bounds the keys from above. */
  async current(namespaceId: number, from: { key: string; including: boolean }, end: string | undefined, limit: number): Promise<Listed[]> {
    let query = this.db
      .selectFrom("objectVersions")
      .select(listedColumns)
      .where("namespaceId", "=", namespaceId)
      .where("key", from.including ? ">=" : ">", from.key)
      .where(latest)
      .where("isDeleteMarker", "=", 0)
    if (end !== undefined) query = query.where("key", "<", end)
    return (await query.orderBy("key").limit(limit).execute()).map(listed)
  }

  /** Current objects whose keys begin with this, whole, in the order of their keys. */
  async under(namespaceId: number, prefix: string, limit: number): Promise<ObjectInfo[]> {
    const rows = await this.within(namespaceId, prefix).selectAll("s").orderBy("s.key").limit(limit).execute()
    return rows.map(objectOf)
  }

  /** How many they are, and their bytes. */
  async totalUnder(namespaceId: number, prefix: string): Promise<{ objects: number; bytes: number }> {
    return this.within(namespaceId, prefix)
      .select([sql<number>`count(*)`.as("objects"), sql<number>`coalesce(sum(s.size), 0)`.as("bytes")])
      .executeTakeFirstOrThrow()
  }

  /** The first key under a prefix, as it would be under another, where something stands. */
  async firstTaken(namespaceId: number, prefix: string, target: { namespaceId: number; prefix: string }): Promise<string | undefined> {
    const moved = movedKey(prefix, target.prefix)
    const taken = sql<boolean>`EXISTS (SELECT 1 FROM object_versions AS t WHERE t.namespace_id = ${target.namespaceId} AND t.key = ${moved}
      AND t.is_latest = 1 AND t.is_delete_marker = 0)`
    return (await this.within(namespaceId, prefix).select(moved.as("to")).where(taken).orderBy("s.key").limit(1).executeTakeFirst())?.to
  }

  /** The longest that a key under a prefix would be under another, in bytes. */
  async longestMoved(namespaceId: number, prefix: string, to: string): Promise<number> {
    const length = sql<number>`coalesce(max(octet_length(s.key)), 0)`.as("bytes")
    const { bytes } = await this.within(namespaceId, prefix).select(length).executeTakeFirstOrThrow()
    return bytes - Buffer.byteLength(prefix) + Buffer.byteLength(to)
  }

  private within(namespaceId: number, prefix: string) {
    const end = successor(prefix)
    const all = this.db
      .selectFrom("objectVersions as s")
      .where("s.namespaceId", "=", namespaceId)
      .where("s.key", ">=", prefix)
      .where(sql<boolean>`s.is_latest = 1`)
      .where("s.isDeleteMarker", "=", 0)
    return end === undefined ? all : all.where("s.key", "<", end)
  }

  /** All versions after a place, by key and then the newest first; a place within a key's versions is given by `before`, the id of the last one seen. */
  async versions(
    namespaceId: number,
    from: { key: string; including: boolean; before?: number },
    end: string | undefined,
    limit: number,
  ): Promise<Listed[]> {
    const rest = (key: string, before: number) =>
      this.db
        .selectFrom("objectVersions")
        .select(listedColumns)
        .where("namespaceId", "=", namespaceId)
        .where("key", "=", key)
        .where("id", "<", before)
        .orderBy("id", "desc")
        .limit(limit)
        .execute()
    const begun = from.before === undefined ? [] : await rest(from.key, from.before)
    if (begun.length >= limit) return begun.map(listed)
    let query = this.db
      .selectFrom("objectVersions")
      .select(listedColumns)
      .where("namespaceId", "=", namespaceId)
      .where("key", from.including ? ">=" : ">", from.key)
    if (end !== undefined) query = query.where("key", "<", end)
    const others = await query
      .orderBy("key")
      .orderBy("id", "desc")
      .limit(limit - begun.length)
      .execute()
    return [...begun, ...others].map(listed)
  }

  /** Up to `limit` versions of a namespace, whichever. */
  some = async (namespaceId: number, limit: number): Promise<ObjectInfo[]> =>
    (await this.db.selectFrom("objectVersions").selectAll().where("namespaceId", "=", namespaceId).limit(limit).execute()).map(objectOf)
}

/** SQLite counts characters as code points, and so do we. */
const movedKey = (prefix: string, to: string) => sql<string>`${to} || substr(s.key, ${Array.from(prefix).length + 1})`

const listed = (row: {
  id: number
  key: string
  versionId: string
  isLatest: number
  isDeleteMarker: number
  size: number
  etag: string
  contentType: string
  createdAt: number
  checksum: string | null
}): Listed => ({
  ...row,
  isLatest: row.isLatest === 1,
  isDeleteMarker: row.isDeleteMarker === 1,
  checksum: row.checksum === null ? undefined : JSON.parse(row.checksum),
})
