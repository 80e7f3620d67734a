import { type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

export const traffic: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const table of ["traffic_minutes", "traffic_hours"]) {
      await db.schema
        .createTable(table)
        .addColumn("id", "integer", (c) => c.primaryKey())
        // No reference: the counts of a removed mapping stay until they are old, and no other mapping ever has its id.
        .addColumn("mapping_id", "text", (c) => c.notNull())
        .addColumn("start", "integer", (c) => c.notNull())
        .addColumn("requests", "integer", (c) => c.notNull())
        .addColumn("status1xx", "integer", (c) => c.notNull())
        .addColumn("status2xx", "integer", (c) => c.notNull())
        .addColumn("status3xx", "integer", (c) => c.notNull())
        .addColumn("status4xx", "integer", (c) => c.notNull())
        .addColumn("status5xx", "integer", (c) => c.notNull())
        .addColumn("bytes_in", "integer", (c) => c.notNull())
        .addColumn("bytes_out", "integer", (c) => c.notNull())
        .addColumn("histogram", "blob", (c) => c.notNull())
        .modifyEnd(sql`strict`)
        .execute()
      // Time first: a minute of many names is written, rolled up and dropped at one place of the index.
      await db.schema.createIndex(`${table}_at`).unique().on(table).columns(["start", "mapping_id"]).execute()
    }
  },
}
