import { isHeld } from "../db/held-names"
import type { Db } from "../db/open"
import type { DomainMappingRow } from "../db/schema"
import type { MappingChange, MappingOptions } from "./model"

/** What the edge needs of a verified mapping. */
export type VerifiedMapping = Pick<DomainMappingRow, "domain" | "containerId" | "targetPort"> & MappingOptions

/** Every query on `domain_mappings`. */
export class MappingStore {
  constructor(private db: Db) {}

  list = (personId: string) =>
    this.db.selectFrom("domainMappings").selectAll().where("personId", "=", personId).orderBy("createdAt", "desc").orderBy("id").execute()

  ids = async (personId: string): Promise<string[]> =>
    (await this.db.selectFrom("domainMappings").select("id").where("personId", "=", personId).execute()).map(({ id }) => id)

  /** Those of everybody that lead to a container, in any status. */
  leadingTo = (containerId: string) =>
    this.db
      .selectFrom("domainMappings")
      .select(["id", "personId", "domain"])
      .where("containerId", "=", containerId)
      .orderBy("domain")
      .execute()

  find = (id: string, personId: string) =>
    this.db.selectFrom("domainMappings").selectAll().where("id", "=", id).where("personId", "=", personId).executeTakeFirst()

  /** Whether a proven claim, or one of this person's, keeps the name from being mapped by them. */
  async isTaken(domain: string, personId: string): Promise<boolean> {
    const held = this.db.selectFrom("heldNames").select("hostname").where("hostname", "=", domain)
    if ((await held.executeTakeFirst()) !== undefined) return true
    const claims = this.db
      .selectFrom("domainMappings")
      .select("id")
      .where("domain", "=", domain)
      .where((e) => e.or([e("status", "=", "pending"), e("personId", "=", personId)]))
    return (await claims.executeTakeFirst()) !== undefined
  }

  /** Whose verified mapping a name is; undefined where it is nobody's. */
  ownerOf = async (domain: string): Promise<string | undefined> =>
    (
      await this.db
        .selectFrom("domainMappings")
        .select("personId")
        .where("domain", "=", domain)
        .where("status", "=", "verified")
        .executeTakeFirst()
    )?.personId

  verified = (): Promise<VerifiedMapping[]> =>
    this.db
      .selectFrom("domainMappings")
      .select(["domain", "containerId", "targetPort", "http", "upstreamProtocol", "accessLog"])
      .where("status", "=", "verified")
      .execute()

  /** How many there are of everybody, by status. */
  countByStatus = () =>
    this.db
      .selectFrom("domainMappings")
      .select((e) => ["status" as const, e.fn.countAll<number>().as("count")])
      .groupBy("status")
      .execute()

  /** `taken` when the database says that a live claim, or one of this person's, holds the name; `capped` past the bound on unproven claims. */
  async insert(row: DomainMappingRow, maxPending: number): Promise<"inserted" | "taken" | "capped"> {
    return this.db.transaction().execute(async (trx) => {
      const holder = await trx.selectFrom("heldNames").select("hostname").where("hostname", "=", row.domain).executeTakeFirst()
      if (holder !== undefined) return "taken"
      const inserted = await trx
        .insertInto("domainMappings")
        .values(row)
        .onConflict((c) => c.doNothing())
        .returning("id")
        .executeTakeFirst()
      if (inserted === undefined) return "taken"
      const unproven = await trx
        .selectFrom("domainMappings")
        .select((e) => e.fn.countAll<number>().as("count"))
        .where("personId", "=", row.personId)
        .where("status", "!=", "verified")
        .executeTakeFirstOrThrow()
      if (row.status === "verified" || Number(unproven.count) <= maxPending) return "inserted"
      await trx.deleteFrom("domainMappings").where("id", "=", row.id).execute()
      return "capped"
    })
  }

  /** The row as it is after a change of at least one column, or undefined. */
  update = (id: string, personId: string, change: MappingChange) =>
    this.db
      .updateTable("domainMappings")
      .set(change)
      .where("id", "=", id)
      .where("personId", "=", personId)
      .returningAll()
      .executeTakeFirst()

  /** The row that was deleted, or undefined. */
  delete = (id: string, personId: string) =>
    this.db.deleteFrom("domainMappings").where("id", "=", id).where("personId", "=", personId).returningAll().executeTakeFirst()

  /** Pending mappings whose check is due, the longest overdue first. */
  due = (now: number, limit: number) =>
    this.db
      .selectFrom("domainMappings")
      .selectAll()
      .where("status", "=", "pending")
      .where("nextCheckAt", "<=", now)
      .orderBy("nextCheckAt")
      .limit(limit)
      .execute()

  /**
   * Marks a proven name as verified. An unproven claim of somebody else on the name gives way to the proof; a verified one and a connection do
   * not, and then, or when the mapping is gone, the answer is false.
   */
  async verify(id: string, domain: string, proof: string, now: number): Promise<boolean> {
    const change = this.db.transaction().execute(async (trx) => {
      if (await hasRival(trx, id, domain, ["verified"])) return false
      await trx
        .updateTable("domainMappings")
        .set({ status: "failed", lastDetail: "somebody else proved that they hold this name" })
        .where("domain", "=", domain)
        .where("id", "!=", id)
        .where("status", "=", "pending")
        .execute()
      const row = await trx
        .updateTable("domainMappings")
        .set({ status: "verified", proof, verifiedAt: now, lastDetail: null })
        .where("id", "=", id)
        .returning("id")
        .executeTakeFirst()
      return row !== undefined
    })
    return change.catch((error) => {
      if (isHeld(error)) return false
      throw error
    })
  }

  /** Notes an unsuccessful check of a mapping that is still pending. */
  async noteCheck(id: string, change: { checks: number; nextCheckAt: number; lastDetail: string }): Promise<void> {
    await this.db.updateTable("domainMappings").set(change).where("id", "=", id).where("status", "=", "pending").execute()
  }

  /** Gives up on a pending mapping whose window is over. */
  async fail(id: string, detail: string): Promise<void> {
    await this.db
      .updateTable("domainMappings")
      .set({ status: "failed", lastDetail: detail })
      .where("id", "=", id)
      .where("status", "=", "pending")
      .execute()
  }

  /** Sets a failed mapping back to pending with a new window; false when a live claim holds the name by now. */
  async restart(
    id: string,
    domain: string,
    change: { windowStartedAt: number; nextCheckAt: number; checks: number; lastDetail: string },
  ): Promise<boolean> {
    return this.db.transaction().execute(async (trx) => {
      if (await hasRival(trx, id, domain, ["pending", "verified"])) return false
      const row = await trx
        .updateTable("domainMappings")
        .set({ ...change, status: "pending" })
        .where("id", "=", id)
        .where("status", "=", "failed")
        .returning("id")
        .executeTakeFirst()
      return row !== undefined
    })
  }
}

/** Whether another mapping of the name stands in one of these statuses. */
async function hasRival(db: Db, id: string, domain: string, statuses: DomainMappingRow["status"][]): Promise<boolean> {
  const rivals = db
    .selectFrom("domainMappings")
    .select("id")
    .where("domain", "=", domain)
    .where("id", "!=", id)
    .where("status", "in", statuses)
  return (await rivals.executeTakeFirst()) !== undefined
}
