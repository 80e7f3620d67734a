import { type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

/** Tells an order that limits put off from one that failed. */
export const putOffOrders: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`ALTER TABLE certificate_attempts ADD COLUMN put_off INTEGER NOT NULL DEFAULT 0`.execute(db)
  },
}
