import type { ApplicationKeyRow, ApplicationRow, DnsCredentialRow } from "../db/connect-schema"
import type { Db } from "../db/open"
import type { After } from "../paging"
import type { View } from "./model"

/** Every query on `applications`, `application_keys` and `dns_credentials`. Knows rows, not rules. */
export class ApplicationStore {
  constructor(private db: Db) {}

  /** The newest first, one more than `limit`. */
  list({ personId, environment, applicationId }: View, limit: number, after: After | undefined) {
    return this.db
      .selectFrom("applications")
      .selectAll()
      .where("personId", "=", personId)
      .$if(environment !== undefined, (q) => q.where("environment", "=", environment!))
      .$if(applicationId !== undefined, (q) => q.where("id", "=", applicationId!))
      .$if(after !== undefined, (q) => q.where((e) => isAfter(e, after!)))
      .orderBy("createdAt", "desc")
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute()
  }

  async find(view: View, id: string): Promise<ApplicationRow | undefined> {
    if (view.applicationId !== undefined && view.applicationId !== id) return undefined
    return this.db
      .selectFrom("applications")
      .selectAll()
      .where("id", "=", id)
      .where("personId", "=", view.personId)
      .$if(view.environment !== undefined, (q) => q.where("environment", "=", view.environment!))
      .executeTakeFirst()
  }

  /** An application whose person may act. */
  enabled = (id: string) =>
    this.db
      .selectFrom("applications")
      .innerJoin("people", "people.id", "applications.personId")
      .selectAll("applications")
      .where("applications.id", "=", id)
      .where("people.disabledAt", "is", null)
      .executeTakeFirst()

  /** The origins of everybody's applications. */
  async allOrigins(): Promise<string[]> {
    const rows = await this.db.selectFrom("applications").select("allowedOrigins").execute()
    return rows.flatMap((row) => JSON.parse(row.allowedOrigins) as string[])
  }

  /** False when the person has `limit` of them. */
  insert(row: ApplicationRow, limit: number): Promise<boolean> {
    return this.db.transaction().execute(async (trx) => {
      const { count } = await trx
        .selectFrom("applications")
        .select((e) => e.fn.countAll<number>().as("count"))
        .where("personId", "=", row.personId)
        .executeTakeFirstOrThrow()
      if (Number(count) >= limit) return false
      await trx.insertInto("applications").values(row).execute()
      return true
    })
  }

  async update(id: string, change: Partial<ApplicationRow>): Promise<void> {
    if (Object.keys(change).length > 0) await this.db.updateTable("applications").set(change).where("id", "=", id).execute()
  }

  /** False, and nothing is deleted, while connections of it are not archived. */
  async deleteEmpty(id: string): Promise<boolean> {
    const open = this.db.selectFrom("connections").select("id").where("applicationId", "=", id).where("state", "!=", "archived")
    const row = await this.db
      .deleteFrom("applications")
      .where("id", "=", id)
      .where((e) => e.not(e.exists(open)))
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }

  /** False when the application has `limit` keys that are not revoked. */
  insertKey(row: ApplicationKeyRow, limit: number): Promise<boolean> {
    return this.db.transaction().execute(async (trx) => {
      const { count } = await trx
        .selectFrom("applicationKeys")
        .select((e) => e.fn.countAll<number>().as("count"))
        .where("applicationId", "=", row.applicationId)
        .where("revokedAt", "is", null)
        .executeTakeFirstOrThrow()
      if (Number(count) >= limit) return false
      await trx.insertInto("applicationKeys").values(row).execute()
      return true
    })
  }

  keys(applicationId: string, limit: number, after: After | undefined) {
    return this.db
      .selectFrom("applicationKeys")
      .selectAll()
      .where("applicationId", "=", applicationId)
      .$if(after !== undefined, (q) => q.where((e) => isAfter(e, after!)))
      .orderBy("createdAt", "desc")
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute()
  }

  /** The key with this hash that is not revoked, with its application and whether its person may act. */
  keyByHash = (hash: string) =>
    this.db
      .selectFrom("applicationKeys as key")
      .innerJoin("applications as application", "application.id", "key.applicationId")
      .innerJoin("people as person", "person.id", "application.personId")
      .select(["key.id", "key.scopes", "key.lastUsedAt", "application.id as applicationId"])
      .select(["application.personId", "application.environment", "person.isAdmin"])
      .where("key.hash", "=", hash)
      .where("key.revokedAt", "is", null)
      .where("person.disabledAt", "is", null)
      .executeTakeFirst()

  /** Whether an application is an administrator's. */
  async isAdmins(id: string): Promise<boolean> {
    const owner = await this.db
      .selectFrom("applications")
      .innerJoin("people", "people.id", "applications.personId")
      .select("people.isAdmin")
      .where("applications.id", "=", id)
      .executeTakeFirst()
    return owner?.isAdmin === 1
  }

  async touchKey(id: string, at: number): Promise<void> {
    await this.db.updateTable("applicationKeys").set({ lastUsedAt: at }).where("id", "=", id).execute()
  }

  /** The row, or undefined where there is no such key; revoking twice keeps the first time. */
  async revokeKey(applicationId: string, id: string, at: number): Promise<ApplicationKeyRow | undefined> {
    const ofKey = { id, applicationId }
    const update = this.db.updateTable("applicationKeys").set({ revokedAt: at }).where("revokedAt", "is", null)
    await update.where("id", "=", ofKey.id).where("applicationId", "=", ofKey.applicationId).execute()
    return this.db
      .selectFrom("applicationKeys")
      .selectAll()
      .where("id", "=", id)
      .where("applicationId", "=", applicationId)
      .executeTakeFirst()
  }

  /** False when the application has `limit` of them. */
  insertCredential(row: DnsCredentialRow, limit: number): Promise<boolean> {
    return this.db.transaction().execute(async (trx) => {
      const { count } = await trx
        .selectFrom("dnsCredentials")
        .select((e) => e.fn.countAll<number>().as("count"))
        .where("applicationId", "=", row.applicationId)
        .executeTakeFirstOrThrow()
      if (Number(count) >= limit) return false
      await trx.insertInto("dnsCredentials").values(row).execute()
      return true
    })
  }

  /** The newest first. */
  credentials = (applicationId: string) =>
    this.db
      .selectFrom("dnsCredentials")
      .selectAll()
      .where("applicationId", "=", applicationId)
      .orderBy("createdAt", "desc")
      .orderBy("id", "desc")
      .execute()

  async updateCredential(id: string, change: Partial<DnsCredentialRow>): Promise<void> {
    await this.db.updateTable("dnsCredentials").set(change).where("id", "=", id).execute()
  }

  async deleteCredential(applicationId: string, id: string): Promise<boolean> {
    const row = await this.db
      .deleteFrom("dnsCredentials")
      .where("id", "=", id)
      .where("applicationId", "=", applicationId)
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }
}

/** Later in a list from the newest to the oldest, in which ids decide between equal times. */
// oxlint-disable-next-line no-explicit-any -- Kysely's builder differs by table, and this is asked of several.
export const isAfter = (e: any, { at, id }: After) => e.or([e("createdAt", "<", at), e.and([e("createdAt", "=", at), e("id", "<", id)])])
