import type { Db } from "../db/open"
import type { IssuanceBucketRow } from "../db/schema"
import type { LimitKind } from "./directory-limits"

/** Which bucket: `subject` is the registered domain or the hostname that it counts, empty where it counts us. */
export type BucketKey = { directory: string; kind: LimitKind; subject: string }

/** Every query on `issuance_buckets`: a row for each bucket that is not full, or that its directory has closed. */
export class LedgerStore {
  constructor(readonly db: Db) {}

  async find({ directory, kind, subject }: BucketKey, db: Db = this.db): Promise<IssuanceBucketRow | undefined> {
    return db
      .selectFrom("issuanceBuckets")
      .selectAll()
      .where("directory", "=", directory)
      .where("kind", "=", kind)
      .where("subject", "=", subject)
      .executeTakeFirst()
  }

  async save(row: IssuanceBucketRow, db: Db = this.db): Promise<void> {
    const { fullAt, capacity, closedUntil, said } = row
    await db
      .insertInto("issuanceBuckets")
      .values(row)
      .onConflict((c) => c.columns(["directory", "kind", "subject"]).doUpdateSet({ fullAt, capacity, closedUntil, said }))
      .execute()
  }

  /** Those that are not full or closed, the emptiest for longest first. */
  list(now: number, limit: number): Promise<IssuanceBucketRow[]> {
    return this.db
      .selectFrom("issuanceBuckets")
      .selectAll()
      .where((e) => e.or([e("fullAt", ">", now), e("closedUntil", ">", now)]))
      .orderBy((e) => e.fn<number>("max", ["fullAt", "closedUntil"]), "desc")
      .orderBy("directory")
      .orderBy("kind")
      .orderBy("subject")
      .limit(limit)
      .execute()
  }

  /** How many `list` would bring without a limit. */
  async count(now: number): Promise<number> {
    const row = await this.db
      .selectFrom("issuanceBuckets")
      .select((e) => e.fn.countAll<number>().as("count"))
      .where((e) => e.or([e("fullAt", ">", now), e("closedUntil", ">", now)]))
      .executeTakeFirstOrThrow()
    return Number(row.count)
  }

  /** Forgets buckets that are full and open, of which there is nothing to tell. */
  async sweep(now: number): Promise<void> {
    await this.db.deleteFrom("issuanceBuckets").where("fullAt", "<=", now).where("closedUntil", "<=", now).execute()
  }
}
