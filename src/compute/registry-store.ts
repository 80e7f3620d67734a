import type { Db } from "../db/open"
import type { RegistryCredentialRow } from "../db/schema"

/** Every query on `registry_credentials`. */
export class RegistryStore {
  constructor(private db: Db) {}

  list = (personId: string) =>
    this.db.selectFrom("registryCredentials").selectAll().where("personId", "=", personId).orderBy("registry").execute()

  find = (personId: string, registry: string) =>
    this.db
      .selectFrom("registryCredentials")
      .selectAll()
      .where("personId", "=", personId)
      .where("registry", "=", registry)
      .executeTakeFirst()

  /** False where the person has credentials for the registry. */
  async insert(row: RegistryCredentialRow): Promise<boolean> {
    const inserted = await this.db
      .insertInto("registryCredentials")
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .returning("id")
      .executeTakeFirst()
    return inserted !== undefined
  }

  /** False where the person has no such credentials. */
  async delete(personId: string, id: string): Promise<boolean> {
    const row = await this.db
      .deleteFrom("registryCredentials")
      .where("personId", "=", personId)
      .where("id", "=", id)
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }
}
