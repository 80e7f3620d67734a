import { type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

export const ssh: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("people_ssh_keys")
      // Without AUTOINCREMENT the id of a key that was deleted would be given to the next one.
      .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
      .addColumn("person_id", "text", (c) => c.notNull().references("people.id").onDelete("cascade"))
      .addColumn("name", "text", (c) => c.notNull())
      .addColumn("public_key", "text", (c) => c.notNull())
      .addColumn("fingerprint", "text", (c) => c.notNull())
      .addColumn("created_at", "integer", (c) => c.notNull())
      .modifyEnd(sql`strict`)
      .execute()
    await db.schema.createIndex("people_ssh_keys_once").unique().on("people_ssh_keys").columns(["person_id", "fingerprint"]).execute()
  },
}
