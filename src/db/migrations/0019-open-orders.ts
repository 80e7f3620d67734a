import { type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

/** Orders under way at ACME directories, so that a start after a crash goes on with them. */
export const openOrders: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
      CREATE TABLE open_orders (
        issuer TEXT NOT NULL, hostname TEXT NOT NULL,
        url TEXT NOT NULL, sealed_key TEXT NOT NULL, created_at INTEGER NOT NULL,
        PRIMARY KEY (issuer, hostname)
      ) STRICT, WITHOUT ROWID`.execute(db)
    await sql`CREATE INDEX open_orders_by_hostname ON open_orders (hostname)`.execute(db)
  },
}
