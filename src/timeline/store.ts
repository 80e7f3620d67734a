import type { Db } from "../db/open"
import type { NewTimelineRow, Subject, TimelineRow } from "./model"

/** Every query on `timeline_entries`. */
export class TimelineStore {
  constructor(private db: Db) {}

  async append(rows: NewTimelineRow[]): Promise<void> {
    await this.db.insertInto("timelineEntries").values(rows).execute()
  }

  /** Newest first, at most `limit`, and only those before the entry `before`. */
  list(subject: Subject, before: number | undefined, limit: number): Promise<TimelineRow[]> {
    let query = this.db
      .selectFrom("timelineEntries")
      .selectAll()
      .where("subjectId", "=", subject.id)
      .where("subjectKind", "=", subject.kind)
    if (before !== undefined) query = query.where("id", "<", before)
    return query.orderBy("id", "desc").limit(limit).execute()
  }

  /** The data of the newest entry of an observation. */
  async lastObserved(hostname: string, subjectId: string | null, observation: string): Promise<string | null | undefined> {
    const row = await this.db
      .selectFrom("timelineEntries")
      .select("data")
      .where("hostname", "=", hostname)
      .where("subjectId", "is", subjectId)
      .where("observation", "=", observation)
      .orderBy("id", "desc")
      .limit(1)
      .executeTakeFirst()
    return row?.data
  }

  /** Removes what is beyond the `keep` newest of a hostname with one holder; answers how many that was. */
  async trim(hostname: string, subjectId: string | null, keep: number): Promise<number> {
    const row = await this.db
      .selectFrom("timelineEntries")
      .select("id")
      .where("hostname", "=", hostname)
      .where("subjectId", "is", subjectId)
      .orderBy("id", "desc")
      .limit(1)
      .offset(keep)
      .executeTakeFirst()
    if (row === undefined) return 0
    const { numDeletedRows } = await this.db
      .deleteFrom("timelineEntries")
      .where("hostname", "=", hostname)
      .where("subjectId", "is", subjectId)
      .where("id", "<=", row.id)
      .executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }

  /** Removes up to `most` entries from before `at`; answers how many. */
  async prune(at: number, most: number): Promise<number> {
    const old = this.db.selectFrom("timelineEntries").select("id").where("at", "<", at).orderBy("at").limit(most)
    const { numDeletedRows } = await this.db.deleteFrom("timelineEntries").where("id", "in", old).executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }

  /** Removes up to `most` of the entries beyond the `keep` newest of all, the oldest first; answers how many. */
  async pruneBeyond(keep: number, most: number): Promise<number> {
    const surplus = this.db.selectFrom("timelineEntries").select("id").orderBy("id", "desc").limit(1).offset(keep)
    const old = this.db
      .selectFrom("timelineEntries")
      .select("id")
      .where("id", "<=", (e) => e.selectFrom(surplus.as("surplus")).select("surplus.id"))
      .orderBy("id")
      .limit(most)
    const { numDeletedRows } = await this.db.deleteFrom("timelineEntries").where("id", "in", old).executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }

  async forget(subject: Subject): Promise<void> {
    await this.db.deleteFrom("timelineEntries").where("subjectId", "=", subject.id).where("subjectKind", "=", subject.kind).execute()
  }
}
