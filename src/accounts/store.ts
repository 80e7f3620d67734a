import type { Db } from "../db/open"
import type { ApiTokenRow, PersonRow, ServiceAccountRow, SessionRow } from "../db/schema"

/** Every query on people, sessions, API tokens, service accounts and set-up links. */
export class AccountStore {
  constructor(private db: Db) {}

  async hasPeople(): Promise<boolean> {
    return (await this.db.selectFrom("people").select("id").limit(1).executeTakeFirst()) !== undefined
  }

  personById = (id: string) => this.db.selectFrom("people").selectAll().where("id", "=", id).executeTakeFirst()
  personByUsername = (username: string) => this.db.selectFrom("people").selectAll().where("username", "=", username).executeTakeFirst()

  /** False when the username is taken. */
  async insertPerson(row: PersonRow): Promise<boolean> {
    const done = await this.db
      .insertInto("people")
      .values(row)
      .onConflict((c) => c.doNothing())
      .returning("id")
      .executeTakeFirst()
    return done !== undefined
  }

  /** Uses up the link and makes the first person in one step, so that two requests cannot both be first. */
  async insertFirstPerson(row: PersonRow, linkHash: string, now: number): Promise<boolean> {
    return this.db.transaction().execute(async (trx) => {
      const link = await trx
        .deleteFrom("setupLinks")
        .where("hash", "=", linkHash)
        .where("expiresAt", ">", now)
        .returning("hash")
        .executeTakeFirst()
      if (link === undefined) return false
      if ((await trx.selectFrom("people").select("id").limit(1).executeTakeFirst()) !== undefined) return false
      await trx.insertInto("people").values(row).execute()
      return true
    })
  }

  async replaceSetupLink(hash: string, expiresAt: number): Promise<void> {
    await this.db.transaction().execute(async (trx) => {
      await trx.deleteFrom("setupLinks").execute()
      await trx.insertInto("setupLinks").values({ hash, expiresAt }).execute()
    })
  }

  async hasSetupLink(hash: string, now: number): Promise<boolean> {
    return (
      (await this.db.selectFrom("setupLinks").select("hash").where("hash", "=", hash).where("expiresAt", ">", now).executeTakeFirst()) !==
      undefined
    )
  }

  /**
   * Begins a session of a person who is enabled and has this password still; false where not, which one statement decides. Also forgets the
   * sessions that are over, which bounds the table.
   */
  async insertSession(row: SessionRow, passwordHash: string): Promise<boolean> {
    await this.db.deleteFrom("sessions").where("expiresAt", "<=", row.createdAt).execute()
    const { id, address, createdAt, expiresAt } = row
    const done = await this.db
      .insertInto("sessions")
      .columns(["id", "personId", "address", "createdAt", "expiresAt"])
      .expression((e) =>
        e
          .selectFrom("people")
          .select((f) => [
            f.val(id).as("id"),
            "people.id as personId",
            f.val(address).as("address"),
            f.val(createdAt).as("createdAt"),
            f.val(expiresAt).as("expiresAt"),
          ])
          .where("people.id", "=", row.personId)
          .where("people.disabledAt", "is", null)
          .where("people.passwordHash", "=", passwordHash),
      )
      .returning("id")
      .executeTakeFirst()
    return done !== undefined
  }

  session = (id: string) => this.db.selectFrom("sessions").selectAll().where("id", "=", id).executeTakeFirst()

  async deleteSession(id: string): Promise<void> {
    await this.db.deleteFrom("sessions").where("id", "=", id).execute()
  }

  async insertToken(row: ApiTokenRow): Promise<void> {
    await this.db.insertInto("apiTokens").values(row).execute()
  }

  tokens = (personId: string) =>
    this.db.selectFrom("apiTokens").selectAll().where("personId", "=", personId).orderBy("createdAt", "desc").orderBy("id").execute()

  tokensOfAccount = (serviceAccountId: string) =>
    this.db
      .selectFrom("apiTokens")
      .selectAll()
      .where("serviceAccountId", "=", serviceAccountId)
      .orderBy("createdAt", "desc")
      .orderBy("id")
      .execute()

  /** A token of a person who is enabled, with the current scopes of its service account, which are null for a standalone token. */
  token = (id: string) =>
    this.db
      .selectFrom("apiTokens")
      .innerJoin("people", "people.id", "apiTokens.personId")
      .leftJoin("serviceAccounts", "serviceAccounts.id", "apiTokens.serviceAccountId")
      .selectAll("apiTokens")
      .select("serviceAccounts.scopes as accountScopes")
      .where("apiTokens.id", "=", id)
      .where("people.disabledAt", "is", null)
      .executeTakeFirst()

  async touchToken(id: string, now: number): Promise<void> {
    await this.db.updateTable("apiTokens").set({ lastUsedAt: now }).where("id", "=", id).execute()
  }

  async deleteToken(id: string, personId: string): Promise<boolean> {
    const row = await this.db
      .deleteFrom("apiTokens")
      .where("id", "=", id)
      .where("personId", "=", personId)
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }

  async insertAccount(row: ServiceAccountRow): Promise<void> {
    await this.db.insertInto("serviceAccounts").values(row).execute()
  }

  /** Newest first, each with how many tokens it has. */
  accounts = (personId: string) => this.accountQuery().where("serviceAccounts.personId", "=", personId).execute()

  account = (id: string, personId: string) =>
    this.accountQuery().where("serviceAccounts.id", "=", id).where("serviceAccounts.personId", "=", personId).executeTakeFirst()

  private accountQuery() {
    return this.db
      .selectFrom("serviceAccounts")
      .selectAll("serviceAccounts")
      .select((e) =>
        e
          .selectFrom("apiTokens")
          .whereRef("apiTokens.serviceAccountId", "=", "serviceAccounts.id")
          .select((f) => f.fn.countAll<number>().as("count"))
          .as("tokenCount"),
      )
      .orderBy("serviceAccounts.createdAt", "desc")
      .orderBy("serviceAccounts.id")
  }

  async setAccountScopes(id: string, personId: string, scopes: string): Promise<boolean> {
    const row = await this.db
      .updateTable("serviceAccounts")
      .set({ scopes })
      .where("id", "=", id)
      .where("personId", "=", personId)
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }

  async deleteAccount(id: string, personId: string): Promise<boolean> {
    const row = await this.db
      .deleteFrom("serviceAccounts")
      .where("id", "=", id)
      .where("personId", "=", personId)
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }
}
