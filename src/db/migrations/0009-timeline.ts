import { type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

/** What happened to each hostname. */
export const timeline: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const create = db.schema
    await create
      .createTable("timeline_entries")
      // Never given twice, so that a place in the list stays one.
      .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
      .addColumn("hostname", "text", (c) => c.notNull())
      .addColumn("person_id", "text", (c) => c.references("people.id").onDelete("cascade"))
      // No reference: a mapping or a connection, and the names of the platform itself have neither.
      .addColumn("subject_kind", "text")
      .addColumn("subject_id", "text")
      .addColumn("at", "integer", (c) => c.notNull())
      .addColumn("kind", "text", (c) => c.notNull())
      .addColumn("text", "text", (c) => c.notNull())
      .addColumn("data", "text")
      .addColumn("observation", "text")
      .modifyEnd(sql`strict`)
      .execute()
    await create.createIndex("timeline_entries_by_subject").on("timeline_entries").columns(["subject_id", "id"]).execute()
    await create.createIndex("timeline_entries_by_hostname").on("timeline_entries").columns(["hostname", "id"]).execute()
    await create.createIndex("timeline_entries_by_person").on("timeline_entries").column("person_id").execute()
    await create.createIndex("timeline_entries_at").on("timeline_entries").column("at").execute()
  },
}
