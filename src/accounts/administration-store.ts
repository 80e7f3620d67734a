import type { ExpressionBuilder } from "kysely"
import type { Db } from "../db/open"
import type { PersonRow, Schema } from "../db/schema"

/** What became of a change that the last enabled administrator does not allow. */
export type Change = "done" | "last_admin" | "unknown"

/** Most people that are listed; more cannot be made. */
export const maxPeople = 10_000

/** Every query by which people are administrated. One statement each decides whether an enabled administrator is left. */
export class AdministrationStore {
  constructor(private db: Db) {}

  people = () => this.db.selectFrom("people").selectAll().orderBy("username").limit(maxPeople).execute()

  person = (id: string): Promise<PersonRow | undefined> => this.db.selectFrom("people").selectAll().where("id", "=", id).executeTakeFirst()

  async count(): Promise<number> {
    const { count } = await this.db
      .selectFrom("people")
      .select((e) => e.fn.countAll<number>().as("count"))
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  /** Ends sessions and one-time links in the same step; API tokens rest for as long. */
  disable(id: string, now: number): Promise<Change> {
    return this.db.transaction().execute(async (trx) => {
      const row = await trx
        .updateTable("people")
        .set((e) => ({ disabledAt: e.fn.coalesce("disabledAt", e.val(now)) }))
        .where("id", "=", id)
        .where(othersAdministrate)
        .returning("id")
        .executeTakeFirst()
      if (row === undefined) return refusal(trx, id)
      await trx.deleteFrom("sessions").where("personId", "=", id).execute()
      await trx.deleteFrom("resetLinks").where("personId", "=", id).execute()
      return "done"
    })
  }

  async enable(id: string): Promise<Change> {
    const row = await this.db.updateTable("people").set({ disabledAt: null }).where("id", "=", id).returning("id").executeTakeFirst()
    return row === undefined ? "unknown" : "done"
  }

  setAdmin(id: string, isAdmin: boolean): Promise<Change> {
    return this.db.transaction().execute(async (trx) => {
      const change = trx
        .updateTable("people")
        .set({ isAdmin: isAdmin ? 1 : 0 })
        .where("id", "=", id)
      const row = await (isAdmin ? change : change.where(othersAdministrate)).returning("id").executeTakeFirst()
      return row === undefined ? refusal(trx, id) : "done"
    })
  }

  /** Sessions, tokens, service accounts and whatever else refers to the person go too. */
  remove(id: string): Promise<Change> {
    return this.db.transaction().execute(async (trx) => {
      const row = await trx.deleteFrom("people").where("id", "=", id).where(othersAdministrate).returning("id").executeTakeFirst()
      return row === undefined ? refusal(trx, id) : "done"
    })
  }

  /** The person's earlier link ends. False when there is no such person any more. */
  replaceResetLink(hash: string, personId: string, expiresAt: number): Promise<boolean> {
    return this.db.transaction().execute(async (trx) => {
      if ((await trx.selectFrom("people").select("id").where("id", "=", personId).executeTakeFirst()) === undefined) return false
      await trx.deleteFrom("resetLinks").where("personId", "=", personId).execute()
      await trx.insertInto("resetLinks").values({ hash, personId, expiresAt }).execute()
      return true
    })
  }

  /** Whose link it is, while it holds. */
  resetLink = (hash: string, now: number) =>
    this.db
      .selectFrom("resetLinks")
      .innerJoin("people", "people.id", "resetLinks.personId")
      .select(["people.id", "people.username"])
      .where("resetLinks.hash", "=", hash)
      .where("resetLinks.expiresAt", ">", now)
      .executeTakeFirst()

  /** Uses the link up, sets the password and ends the person's sessions in one step; undefined when the link is over. */
  useResetLink(hash: string, now: number, passwordHash: string): Promise<{ id: string; username: string } | undefined> {
    return this.db.transaction().execute(async (trx) => {
      const link = await trx
        .deleteFrom("resetLinks")
        .where("hash", "=", hash)
        .where("expiresAt", ">", now)
        .returning("personId")
        .executeTakeFirst()
      if (link === undefined) return undefined
      await trx.deleteFrom("sessions").where("personId", "=", link.personId).execute()
      const change = trx.updateTable("people").set({ passwordHash }).where("id", "=", link.personId)
      return change.returning(["id", "username"]).executeTakeFirst()
    })
  }
}

/** True of everybody but the only administrator who is enabled. */
function othersAdministrate(e: ExpressionBuilder<Schema, "people">) {
  const another = e
    .selectFrom("people as other")
    .select("other.id")
    .where("other.isAdmin", "=", 1)
    .where("other.disabledAt", "is", null)
    .whereRef("other.id", "!=", "people.id")
  return e.or([e("people.isAdmin", "=", 0), e("people.disabledAt", "is not", null), e.exists(another)])
}

async function refusal(db: Db, id: string): Promise<Change> {
  const row = await db.selectFrom("people").select("id").where("id", "=", id).executeTakeFirst()
  return row === undefined ? "unknown" : "last_admin"
}
