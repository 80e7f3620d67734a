import type { Kysely } from "kysely"
import type { Migration } from "kysely/migration"

/** What a mapping may choose about its traffic; the defaults are what every mapping did before there was a choice. */
export const mappingOptions: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    // SQLite adds one column a statement.
    const alter = () => db.schema.alterTable("domain_mappings")
    await alter()
      .addColumn("http", "text", (c) => c.notNull().defaultTo("redirect"))
      .execute()
    await alter()
      .addColumn("upstream_protocol", "text", (c) => c.notNull().defaultTo("http1"))
      .execute()
    await alter()
      .addColumn("access_log", "integer", (c) => c.notNull().defaultTo(1))
      .execute()
  },
}
