import type { Db } from "../db/open"
import type { SessionQuery } from "./session-page"

/** Queries on what a person changes about themselves: sessions, the name that is shown, the password. */
export class SessionStore {
  constructor(private db: Db) {}

  /** Those that are not over, newest first. */
  ofPerson = (personId: string, now: number) =>
    this.db
      .selectFrom("sessions")
      .selectAll()
      .where("personId", "=", personId)
      .where("expiresAt", ">", now)
      .orderBy("createdAt", "desc")
      .orderBy("id")
      .execute()

  /** Those that are not over, with their people, newest first: one more than the limit where there are more. */
  everybodys({ person, place, limit }: SessionQuery, now: number) {
    let query = this.db
      .selectFrom("sessions")
      .innerJoin("people", "people.id", "sessions.personId")
      .selectAll("sessions")
      .select(["people.username", "people.displayName"])
      .where("sessions.expiresAt", ">", now)
      .orderBy("sessions.createdAt", "desc")
      .orderBy("sessions.id")
      .limit(limit + 1)
    if (person !== undefined) query = query.where((e) => e.or([e("people.id", "=", person), e("people.username", "=", person)]))
    if (place !== undefined) query = query.where("sessions.createdAt", "<=", place.createdAt).offset(place.passed)
    return query.execute()
  }

  /** Whose each session is that is not over. */
  owners = (now: number) =>
    this.db
      .selectFrom("sessions")
      .innerJoin("people", "people.id", "sessions.personId")
      .select(["sessions.id", "sessions.personId", "people.username"])
      .where("sessions.expiresAt", ">", now)
      .execute()

  async end(id: string, personId: string): Promise<void> {
    await this.db.deleteFrom("sessions").where("id", "=", id).where("personId", "=", personId).execute()
  }

  /** Ends all but `keptId`, and says how many those were. */
  async endOthers(personId: string, keptId: string): Promise<number> {
    const { numDeletedRows } = await this.db
      .deleteFrom("sessions")
      .where("personId", "=", personId)
      .where("id", "!=", keptId)
      .executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }

  async setDisplayName(personId: string, displayName: string): Promise<void> {
    await this.db.updateTable("people").set({ displayName }).where("id", "=", personId).execute()
  }

  /** The new password and the end of all other sessions are one step; false where the password of now is no longer the one of `from`. */
  async setPassword(personId: string, { from, to, keptId }: { from: string; to: string; keptId: string }): Promise<boolean> {
    return this.db.transaction().execute(async (trx) => {
      const change = trx.updateTable("people").set({ passwordHash: to }).where("id", "=", personId).where("passwordHash", "=", from)
      if ((await change.returning("id").executeTakeFirst()) === undefined) return false
      await new SessionStore(trx as Db).endOthers(personId, keptId)
      return true
    })
  }
}
