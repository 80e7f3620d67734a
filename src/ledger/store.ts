import { sql } from "kysely"
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

  /** Which limits of which directories are touched. */
  kinds(now: number): Promise<{ directory: string; kind: string }[]> {
    return this.db
      .selectFrom("issuanceBuckets")
      .select(["directory", "kind"])
      .distinct()
      .where((e) => e.or([e("fullAt", ">", now), e("closedUntil", ">", now)]))
      .execute()
  }

  /** Of one limit those that are closed, and those that lack at least `takenMs`, counted in the capacity of their time, of being full. */
  emptiest(
    { directory, kind, takenMs }: { directory: string; kind: string; takenMs: number | undefined },
    now: number,
    limit: number,
  ): Promise<IssuanceBucketRow[]> {
    return this.db
      .selectFrom("issuanceBuckets")
      .selectAll()
      .where("directory", "=", directory)
      .where("kind", "=", kind)
      .where((e) =>
        e.or([
          e("closedUntil", ">", now),
          ...(takenMs === undefined ? [] : [sql<boolean>`full_at > ${now} and (full_at - ${now}) * capacity > ${takenMs}`]),
        ]),
      )
      .orderBy((e) => e.fn<number>("max", ["fullAt", "closedUntil"]), "desc")
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
