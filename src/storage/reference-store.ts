import { sql } from "kysely"
import type { Db } from "../db/open"
import { prepared } from "../db/prepared"
import type { StorageFaultRow, StorageScrubRow } from "../db/storage-schema"

const findReference = prepared((db, { hash }: { hash: string }) =>
  db
    .selectFrom("objectVersions")
    .select("hash")
    .where("hash", "=", hash)
    .unionAll(db.selectFrom("objectSegments").select("hash").where("hash", "=", hash))
    .unionAll(db.selectFrom("uploadParts").select("hash").where("hash", "=", hash))
    .limit(1),
)

const deleteFault = prepared((db, { hash }: { hash: string }) => db.deleteFrom("storageFaults").where("hash", "=", hash))

/** Which bytes the store refers to, and what is known of them on disk. */
export class ReferenceStore {
  constructor(private db: Db) {}

  isReferenced = async (hash: string): Promise<boolean> => (await findReference(this.db, { hash })).length > 0

  /** Bytes referred to, each once, by hash, from after one hash to before another. */
  async referenced(after: string, before: string, limit: number): Promise<{ hash: string; size: number }[]> {
    const part = (table: string) =>
      sql`SELECT hash, size FROM ${sql.table(table)} WHERE hash > ${after} AND hash < ${before} AND hash IS NOT NULL`
    const { rows } = await sql<{ hash: string; size: number }>`
      SELECT hash, max(size) AS size FROM (
        SELECT * FROM (${part("object_versions")} ORDER BY hash LIMIT ${limit})
        UNION ALL SELECT * FROM (${part("object_segments")} ORDER BY hash LIMIT ${limit})
        UNION ALL SELECT * FROM (${part("upload_parts")} ORDER BY hash LIMIT ${limit})
      ) GROUP BY hash ORDER BY hash LIMIT ${limit}`.execute(this.db)
    return rows
  }

  /** Objects that have these bytes, for words to people; at most `limit`. */
  async namesOf(hash: string, limit: number): Promise<{ namespace: string; key: string; versionId: string }[]> {
    const { rows } = await sql<{ namespace: string; key: string; versionId: string }>`
      SELECT n.name AS namespace, v.key, v.version_id FROM object_versions v JOIN namespaces n ON n.id = v.namespace_id
      WHERE v.hash = ${hash} OR v.id IN (SELECT version_row FROM object_segments WHERE hash = ${hash}) LIMIT ${limit}`.execute(this.db)
    return rows
  }

  faults = (): Promise<StorageFaultRow[]> => this.db.selectFrom("storageFaults").selectAll().orderBy("hash").limit(1000).execute()

  fault = (hash: string) => this.db.selectFrom("storageFaults").selectAll().where("hash", "=", hash).executeTakeFirst()

  /** Whether it was not known. */
  async addFault(fault: StorageFaultRow): Promise<boolean> {
    const known = await this.fault(fault.hash)
    await this.db
      .insertInto("storageFaults")
      .values(fault)
      .onConflict((conflict) => conflict.column("hash").doUpdateSet({ kind: fault.kind, detail: fault.detail, foundAt: fault.foundAt }))
      .execute()
    return known === undefined
  }

  async clearFault(hash: string): Promise<void> {
    await deleteFault(this.db, { hash })
  }

  /** Of bytes that nothing refers to any more. */
  async clearForgottenFaults(): Promise<void> {
    await sql`
      DELETE FROM storage_faults AS f WHERE NOT EXISTS (SELECT 1 FROM object_versions WHERE hash = f.hash)
        AND NOT EXISTS (SELECT 1 FROM object_segments WHERE hash = f.hash) AND NOT EXISTS (SELECT 1 FROM upload_parts WHERE hash = f.hash)`.execute(
      this.db,
    )
  }

  lastScrub = (): Promise<StorageScrubRow | undefined> =>
    this.db.selectFrom("storageScrubs").selectAll().orderBy("id", "desc").limit(1).executeTakeFirst()

  lastFinishedScrub = (): Promise<StorageScrubRow | undefined> =>
    this.db.selectFrom("storageScrubs").selectAll().where("finishedAt", "is not", null).orderBy("id", "desc").limit(1).executeTakeFirst()

  /** The newest ten are kept. */
  async startScrub(startedAt: number): Promise<StorageScrubRow> {
    const row = await this.db
      .insertInto("storageScrubs")
      .values({ startedAt, finishedAt: null, position: "", blobs: 0, bytes: 0, faults: 0 })
      .returningAll()
      .executeTakeFirstOrThrow()
    await this.db
      .deleteFrom("storageScrubs")
      .where("id", "<=", row.id - 10)
      .execute()
    return row
  }

  async saveScrub({ id, ...state }: StorageScrubRow): Promise<void> {
    await this.db.updateTable("storageScrubs").set(state).where("id", "=", id).execute()
  }
}
