import { type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

/** Traffic is of connections too: its rows belong to whoever holds the name, and a connection says since when it does. */
export const connectionTraffic: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`ALTER TABLE connections ADD COLUMN proved_at INTEGER`.execute(db)
    // Nobody wrote it down before. What was counted before this start is gone, so no request is older than either.
    await sql`UPDATE connections SET proved_at = coalesce(live_at, created_at) WHERE proof IS NOT NULL`.execute(db)
    for (const table of ["traffic_minutes", "traffic_hours"])
      await sql`ALTER TABLE ${sql.table(table)} RENAME COLUMN mapping_id TO holder_id`.execute(db)
  },
}
