import { type CreateTableBuilder, type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

const strict = <T extends string, C extends string>(table: CreateTableBuilder<T, C>) => table.modifyEnd(sql`strict`)

/** People who can be disabled, one-time links to a new password, and the audit trail. */
export const administration: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const create = db.schema
    await create.alterTable("people").addColumn("disabled_at", "integer").execute()
    await strict(
      create
        .createTable("reset_links")
        .addColumn("hash", "text", (c) => c.primaryKey())
        // One link a person: a new one ends the one before.
        .addColumn("person_id", "text", (c) => c.notNull().unique().references("people.id").onDelete("cascade"))
        .addColumn("expires_at", "integer", (c) => c.notNull()),
    ).execute()
    await strict(
      create
        .createTable("audit_entries")
        // Never given twice, so that a place in the list stays one.
        .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
        .addColumn("at", "integer", (c) => c.notNull())
        // No reference: what a person did stays on record when they are gone.
        .addColumn("person_id", "text")
        .addColumn("username", "text")
        .addColumn("token_kind", "text")
        .addColumn("token_id", "text")
        .addColumn("address", "text", (c) => c.notNull())
        .addColumn("action", "text", (c) => c.notNull())
        .addColumn("target", "text")
        .addColumn("outcome", "text", (c) => c.notNull())
        .addColumn("status", "integer"),
    ).execute()
    await create.createIndex("audit_entries_at").on("audit_entries").column("at").execute()
    await create.createIndex("audit_entries_by_person").on("audit_entries").columns(["person_id", "id"]).execute()
    await create.createIndex("audit_entries_by_target").on("audit_entries").columns(["target", "id"]).execute()
  },
}
