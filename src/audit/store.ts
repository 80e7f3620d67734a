import type { Db } from "../db/open"
import type { AuditEntry, AuditFilter, AuditRow } from "./model"

/** Every query on `audit_entries`: none changes an entry, and only `prune` removes any. */
export class AuditStore {
  constructor(private db: Db) {}

  async append(entry: AuditEntry, at: number): Promise<void> {
    await this.db
      .insertInto("auditEntries")
      .values({ ...entry, at })
      .execute()
  }

  /** The newest first, at most `limit`, and only those written before the entry `before`. */
  list(
    { personId, person, action, target, outcome, from, to }: AuditFilter,
    before: number | undefined,
    limit: number,
  ): Promise<AuditRow[]> {
    let query = this.db.selectFrom("auditEntries").selectAll().orderBy("id", "desc").limit(limit)
    if (before !== undefined) query = query.where("id", "<", before)
    if (personId !== undefined) query = query.where("personId", "=", personId)
    if (person !== undefined) query = query.where((e) => e.or([e("personId", "=", person), e("username", "=", person)]))
    // Ranges rather than patterns, in which some characters of an id would mean something.
    if (action !== undefined) query = query.where("action", ">=", action).where("action", "<", `${action}\u{10ffff}`)
    if (target !== undefined) {
      query = query.where((e) => e.or([e("target", "=", target), e.and([e("target", ">", `${target}/`), e("target", "<", `${target}0`)])]))
    }
    if (outcome !== undefined) query = query.where("outcome", "=", outcome)
    if (from !== undefined) query = query.where("at", ">=", from)
    if (to !== undefined) query = query.where("at", "<", to)
    return query.execute()
  }

  /** Removes up to `most` entries written before `at`, the oldest first; answers how many. */
  async prune(at: number, most: number): Promise<number> {
    const old = this.db.selectFrom("auditEntries").select("id").where("at", "<", at).orderBy("at").limit(most)
    const { numDeletedRows } = await this.db.deleteFrom("auditEntries").where("id", "in", old).executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }

  /** Id of the newest entry that lies beyond the `keep` newest of its kind: of recognised people, or of nobody. */
  async surplus(keep: number, isKnown: boolean): Promise<number | undefined> {
    const row = await this.db
      .selectFrom("auditEntries")
      .select("id")
      .where("personId", isKnown ? "is not" : "is", null)
      .orderBy("id", "desc")
      .limit(1)
      .offset(keep)
      .executeTakeFirst()
    return row?.id
  }

  /** Removes up to `most` entries of that kind up to and with `id`; answers how many. */
  async pruneUpTo(id: number, isKnown: boolean, most: number): Promise<number> {
    const old = this.db
      .selectFrom("auditEntries")
      .select("id")
      .where("id", "<=", id)
      .where("personId", isKnown ? "is not" : "is", null)
      .orderBy("id")
      .limit(most)
    const { numDeletedRows } = await this.db.deleteFrom("auditEntries").where("id", "in", old).executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }
}
