import { type CreateTableBuilder, type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

const strict = <T extends string, C extends string>(table: CreateTableBuilder<T, C>) => table.modifyEnd(sql`strict`)

/** Second factors of a login: security keys, one authenticator app a person, and one-time recovery codes. */
export const twoFactor: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await strict(
      db.schema
        .createTable("security_keys")
        // The credential id is the authenticator's own: one credential belongs to one person (WebAuthn Level 3, section 7.1).
        .addColumn("id", "text", (c) => c.primaryKey())
        .addColumn("person_id", "text", (c) => c.notNull().references("people.id").onDelete("cascade"))
        .addColumn("name", "text", (c) => c.notNull())
        .addColumn("public_key", "blob", (c) => c.notNull())
        .addColumn("counter", "integer", (c) => c.notNull())
        .addColumn("transports", "text", (c) => c.notNull())
        .addColumn("created_at", "integer", (c) => c.notNull())
        .addColumn("last_used_at", "integer", (c) => c.notNull()),
    ).execute()
    await db.schema.createIndex("security_keys_by_person").on("security_keys").column("person_id").execute()
    await strict(
      db.schema
        .createTable("totp_secrets")
        .addColumn("person_id", "text", (c) => c.primaryKey().references("people.id").onDelete("cascade"))
        .addColumn("sealed_secret", "text", (c) => c.notNull())
        .addColumn("last_step", "integer", (c) => c.notNull())
        .addColumn("created_at", "integer", (c) => c.notNull())
        .addColumn("confirmed_at", "integer"),
    ).execute()
    await strict(
      db.schema
        .createTable("recovery_codes")
        .addColumn("hash", "text", (c) => c.primaryKey())
        .addColumn("person_id", "text", (c) => c.notNull().references("people.id").onDelete("cascade")),
    ).execute()
    await db.schema.createIndex("recovery_codes_by_person").on("recovery_codes").column("person_id").execute()
  },
}
