import type { ExpressionBuilder } from "kysely"
import type { Db } from "../db/open"
import type { Schema } from "../db/schema"
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
  async list(filter: AuditFilter, before: number | undefined, limit: number): Promise<AuditRow[]> {
    const { ownerId } = filter
    if (ownerId === undefined) return this.query(filter, before, limit).execute()
    // Two queries, as each has its index; one with an `or` would sort all that the person ever did.
    const own = this.query(filter, before, limit).where("personId", "=", ownerId)
    const tried = this.query(filter, before, limit).where("target", "=", ownerId).where("personId", "is", null)
    const rows = [...(await own.execute()), ...(await tried.execute())]
    return rows.sort((a, b) => b.id - a.id).slice(0, limit)
  }

  private query({ person, action, target, outcome, from, to }: AuditFilter, before: number | undefined, limit: number) {
    let query = this.db.selectFrom("auditEntries").selectAll().orderBy("id", "desc").limit(limit)
    if (before !== undefined) query = query.where("id", "<", before)
    if (person !== undefined) query = query.where((e) => e.or([e("personId", "=", person), e("username", "=", person)]))
    // Ranges rather than patterns, in which some characters of an id would mean something.
    if (action !== undefined) query = query.where("action", ">=", action).where("action", "<", `${action}\u{10ffff}`)
    if (target !== undefined) {
      query = query.where((e) => e.or([e("target", "=", target), e.and([e("target", ">", `${target}/`), e("target", "<", `${target}0`)])]))
    }
    if (outcome !== undefined) query = query.where("outcome", "=", outcome)
    if (from !== undefined) query = query.where("at", ">=", from)
    if (to !== undefined) query = query.where("at", "<", to)
    return query
  }

  /** Removes up to `most` entries written before `at`, the oldest first; answers how many. */
  async prune(at: number, most: number): Promise<number> {
    const old = this.db.selectFrom("auditEntries").select("id").where("at", "<", at).orderBy("at").limit(most)
    const { numDeletedRows } = await this.db.deleteFrom("auditEntries").where("id", "in", old).executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }

  /** The people who have more entries than `most`. */
  async crowded(most: number): Promise<{ id: string }[]> {
    const rows = await this.db
      .selectFrom("auditEntries")
      .select("personId as id")
      .where("personId", "is not", null)
      .groupBy("personId")
      .having((e) => e.fn.countAll(), ">", most)
      .execute()
    return rows.filter((row): row is { id: string } => row.id !== null)
  }

  /** Id of the newest entry that lies beyond the `keep` newest of those. */
  async surplus(keep: number, whose: Whose): Promise<number | undefined> {
    const row = await this.db
      .selectFrom("auditEntries")
      .select("id")
      .where(isOf(whose))
      .orderBy("id", "desc")
      .limit(1)
      .offset(keep)
      .executeTakeFirst()
    return row?.id
  }

  /** Removes up to `most` entries of those up to and with `id`; answers how many. */
  async pruneUpTo(id: number, whose: Whose, most: number): Promise<number> {
    const old = this.db.selectFrom("auditEntries").select("id").where("id", "<=", id).where(isOf(whose)).orderBy("id").limit(most)
    const { numDeletedRows } = await this.db.deleteFrom("auditEntries").where("id", "in", old).executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }
}

/** Entries of recognised people, of nobody, or of one person. */
export type Whose = "people" | "nobody" | { id: string }

const isOf = (whose: Whose) => (e: ExpressionBuilder<Schema, "auditEntries">) => {
  if (typeof whose === "object") return e("personId", "=", whose.id)
  return e("personId", whose === "people" ? "is not" : "is", null)
}
