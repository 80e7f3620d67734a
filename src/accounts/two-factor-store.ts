import type { Db } from "../db/open"
import type { SecurityKeyRow, TotpSecretRow } from "../db/schema"

/** Every query on security keys, authenticator apps and recovery codes. Each asks for the person, so nobody reaches another's. */
export class TwoFactorStore {
  constructor(private db: Db) {}

  /** Whether a login must show more than a password. Recovery codes alone ask for nothing. */
  async hasSecondFactor(personId: string): Promise<boolean> {
    if ((await this.keys(personId)).length > 0) return true
    return ((await this.totp(personId))?.confirmedAt ?? null) !== null
  }

  /** Oldest first. */
  keys = (personId: string) =>
    this.db.selectFrom("securityKeys").selectAll().where("personId", "=", personId).orderBy("createdAt").orderBy("id").execute()

  /** The one key of that credential id, whoever's it is. */
  key = (id: string) => this.db.selectFrom("securityKeys").selectAll().where("id", "=", id).executeTakeFirst()

  /** False when the credential is registered already, by this person or by another. */
  async insertKey(row: SecurityKeyRow): Promise<boolean> {
    const done = await this.db
      .insertInto("securityKeys")
      .values(row)
      .onConflict((c) => c.doNothing())
      .returning("id")
      .executeTakeFirst()
    return done !== undefined
  }

  async renameKey(id: string, personId: string, name: string): Promise<boolean> {
    const row = await this.db
      .updateTable("securityKeys")
      .set({ name })
      .where("id", "=", id)
      .where("personId", "=", personId)
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }

  /** Takes the new signature counter over; false when another login did so meanwhile, which makes this one a replay. */
  async useKey(key: SecurityKeyRow, counter: number, now: number): Promise<boolean> {
    const row = await this.db
      .updateTable("securityKeys")
      .set({ counter, lastUsedAt: now })
      .where("id", "=", key.id)
      .where("counter", "=", key.counter)
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }

  async deleteKey(id: string, personId: string): Promise<boolean> {
    return this.db.transaction().execute(async (trx) => {
      const row = await trx
        .deleteFrom("securityKeys")
        .where("id", "=", id)
        .where("personId", "=", personId)
        .returning("id")
        .executeTakeFirst()
      if (row !== undefined) await new TwoFactorStore(trx as Db).forgetUselessCodes(personId)
      return row !== undefined
    })
  }

  totp = (personId: string) => this.db.selectFrom("totpSecrets").selectAll().where("personId", "=", personId).executeTakeFirst()

  /** Puts an unconfirmed secret in the place of an earlier unconfirmed one; false when a confirmed one is there. */
  async proposeTotp(row: TotpSecretRow): Promise<boolean> {
    const { sealedSecret, lastStep, createdAt } = row
    const done = await this.db
      .insertInto("totpSecrets")
      .values(row)
      .onConflict((c) =>
        c.column("personId").doUpdateSet({ sealedSecret, lastStep, createdAt }).where("totpSecrets.confirmedAt", "is", null),
      )
      .returning("personId")
      .executeTakeFirst()
    return done !== undefined
  }

  /** Confirms the secret that the first code was for; false when it was confirmed or replaced meanwhile. */
  async confirmTotp(row: TotpSecretRow, step: number, now: number): Promise<boolean> {
    const done = await this.db
      .updateTable("totpSecrets")
      .set({ confirmedAt: now, lastStep: step })
      .where("personId", "=", row.personId)
      .where("sealedSecret", "=", row.sealedSecret)
      .where("confirmedAt", "is", null)
      .returning("personId")
      .executeTakeFirst()
    return done !== undefined
  }

  /** Uses up a time step: false for one that is not after the last used (RFC 6238 section 5.2). */
  async useTotpStep(personId: string, step: number): Promise<boolean> {
    const row = await this.db
      .updateTable("totpSecrets")
      .set({ lastStep: step })
      .where("personId", "=", personId)
      .where("confirmedAt", "is not", null)
      .where("lastStep", "<", step)
      .returning("personId")
      .executeTakeFirst()
    return row !== undefined
  }

  async deleteTotp(personId: string): Promise<boolean> {
    return this.db.transaction().execute(async (trx) => {
      const row = await trx.deleteFrom("totpSecrets").where("personId", "=", personId).returning("confirmedAt").executeTakeFirst()
      if (row !== undefined) await new TwoFactorStore(trx as Db).forgetUselessCodes(personId)
      return row !== undefined
    })
  }

  async codesLeft(personId: string): Promise<number> {
    const { left } = await this.db
      .selectFrom("recoveryCodes")
      .select((e) => e.fn.countAll<number>().as("left"))
      .where("personId", "=", personId)
      .executeTakeFirstOrThrow()
    return left
  }

  /** Earlier codes end. */
  async replaceCodes(personId: string, hashes: string[]): Promise<void> {
    await this.db.transaction().execute(async (trx) => {
      await trx.deleteFrom("recoveryCodes").where("personId", "=", personId).execute()
      await trx
        .insertInto("recoveryCodes")
        .values(hashes.map((hash) => ({ hash, personId })))
        .execute()
    })
  }

  /** Uses up one code; false when it is none of this person's that are left. */
  async useCode(personId: string, hash: string): Promise<boolean> {
    const row = await this.db
      .deleteFrom("recoveryCodes")
      .where("hash", "=", hash)
      .where("personId", "=", personId)
      .returning("hash")
      .executeTakeFirst()
    return row !== undefined
  }

  /** Removes all factors and codes; false when there were none. */
  async clear(personId: string): Promise<boolean> {
    return this.db.transaction().execute(async (trx) => {
      let count = 0n
      for (const table of ["securityKeys", "totpSecrets", "recoveryCodes"] as const) {
        count += (await trx.deleteFrom(table).where("personId", "=", personId).executeTakeFirstOrThrow()).numDeletedRows
      }
      return count > 0n
    })
  }

  /** Codes stand in for a second factor; when the last one is gone, so are they. */
  private async forgetUselessCodes(personId: string): Promise<void> {
    if (!(await this.hasSecondFactor(personId))) await this.db.deleteFrom("recoveryCodes").where("personId", "=", personId).execute()
  }
}
