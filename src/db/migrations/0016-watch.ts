import { type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

/** What the edge serves for each name, trouble that goes on, and the notices of it. */
export const watch: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const create = db.schema
    await create
      .createTable("served_names")
      .addColumn("hostname", "text", (c) => c.primaryKey())
      .addColumn("state", "text", (c) => c.notNull())
      .addColumn("detail", "text")
      .addColumn("since", "integer", (c) => c.notNull())
      .addColumn("checked_at", "integer")
      .addColumn("next_check_at", "integer", (c) => c.notNull())
      .modifyEnd(sql`strict`)
      .execute()
    await create.createIndex("served_names_due").on("served_names").column("next_check_at").execute()
    await create
      .createIndex("served_names_in_trouble")
      .on("served_names")
      .columns(["since", "hostname"])
      .where(sql.ref("state"), "not in", sql`('ok', 'unseen')`)
      .execute()
    await create
      .createTable("alert_episodes")
      .addColumn("id", "text", (c) => c.primaryKey())
      .addColumn("kind", "text", (c) => c.notNull())
      .addColumn("severity", "text", (c) => c.notNull())
      .addColumn("subject", "text", (c) => c.notNull())
      .addColumn("reason", "text", (c) => c.notNull())
      .addColumn("step", "text", (c) => c.notNull())
      .addColumn("since", "integer")
      .addColumn("opened_at", "integer", (c) => c.notNull())
      .modifyEnd(sql`strict`)
      .execute()
    await create
      .createTable("alert_deliveries")
      .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
      .addColumn("receiver", "text", (c) => c.notNull())
      .addColumn("notice", "text", (c) => c.notNull())
      .addColumn("attempts", "integer", (c) => c.notNull())
      .addColumn("next_attempt_at", "integer", (c) => c.notNull())
      .addColumn("created_at", "integer", (c) => c.notNull())
      .modifyEnd(sql`strict`)
      .execute()
  },
}
