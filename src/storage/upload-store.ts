import type { Transaction } from "kysely"
import type { Db } from "../db/open"
import { prepared } from "../db/prepared"
import type { Schema } from "../db/schema"
import type { UploadPartRow, UploadRow } from "../db/storage-schema"

const findUpload = prepared((db, { id }: { id: string }) => db.selectFrom("storageUploads").selectAll().where("id", "=", id))
const findPart = prepared((db, { uploadId, number }: { uploadId: string; number: number }) =>
  db.selectFrom("uploadParts").selectAll().where("uploadId", "=", uploadId).where("number", "=", number),
)

/** Every query on `storage_uploads` and `upload_parts`. `db` may be a transaction. */
export class UploadStore {
  constructor(private db: Db | Transaction<Schema>) {}

  find = async (id: string): Promise<UploadRow | undefined> => (await findUpload(this.db, { id }))[0]

  async insert(row: UploadRow): Promise<void> {
    await this.db.insertInto("storageUploads").values(row).execute()
  }

  async count(personId: string): Promise<number> {
    const { count } = await this.db
      .selectFrom("storageUploads")
      .select((row) => row.fn.countAll<number>().as("count"))
      .where("personId", "=", personId)
      .executeTakeFirstOrThrow()
    return count
  }

  /** Under way in a namespace, by key and id, after a place; `end` bounds the keys from above. */
  async list(
    namespaceId: number,
    from: { key: string; including: boolean; afterId?: string },
    end: string | undefined,
    limit: number,
  ): Promise<UploadRow[]> {
    let query = this.db.selectFrom("storageUploads").selectAll().where("namespaceId", "=", namespaceId).where("kind", "=", "s3")
    const { key, including, afterId } = from
    query =
      afterId === undefined
        ? query.where("key", including ? ">=" : ">", key)
        : query.where(({ or, and, eb }) => or([eb("key", ">", key), and([eb("key", "=", key), eb("id", ">", afterId)])]))
    if (end !== undefined) query = query.where("key", "<", end)
    return query.orderBy("key").orderBy("id").limit(limit).execute()
  }

  ofNamespace = (namespaceId: number): Promise<UploadRow[]> =>
    this.db.selectFrom("storageUploads").selectAll().where("namespaceId", "=", namespaceId).execute()

  /** Not touched since a time, the oldest first. */
  idle = (before: number, limit: number): Promise<UploadRow[]> =>
    this.db.selectFrom("storageUploads").selectAll().where("touchedAt", "<", before).orderBy("touchedAt").limit(limit).execute()

  part = async (uploadId: string, number: number): Promise<UploadPartRow | undefined> => (await findPart(this.db, { uploadId, number }))[0]

  parts = (uploadId: string, after = 0, limit = 10_000): Promise<UploadPartRow[]> =>
    this.db
      .selectFrom("uploadParts")
      .selectAll()
      .where("uploadId", "=", uploadId)
      .where("number", ">", after)
      .orderBy("number")
      .limit(limit)
      .execute()

  async touch(id: string, touchedAt: number): Promise<void> {
    await this.db.updateTable("storageUploads").set({ touchedAt }).where("id", "=", id).execute()
  }

  async insertPart(part: UploadPartRow): Promise<void> {
    await this.db.insertInto("uploadParts").values(part).execute()
  }

  async deletePart(uploadId: string, number: number): Promise<void> {
    await this.db.deleteFrom("uploadParts").where("uploadId", "=", uploadId).where("number", "=", number).execute()
  }

  /** Removes an upload and its parts; answers the hashes that they referred to, or undefined when it is not there. */
  async delete(id: string): Promise<string[] | undefined> {
    const gone = await this.db.deleteFrom("uploadParts").where("uploadId", "=", id).returning("hash").execute()
    const upload = await this.db.deleteFrom("storageUploads").where("id", "=", id).returning("id").executeTakeFirst()
    return upload === undefined ? undefined : gone.map(({ hash }) => hash)
  }
}
