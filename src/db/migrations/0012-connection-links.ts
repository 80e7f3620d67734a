import { type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

/** Links with which a customer follows one connection without an account. */
export const connectionLinks: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
      CREATE TABLE connection_links (
        hash TEXT PRIMARY KEY,
        connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
        redirect_url TEXT, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, checked_at INTEGER NOT NULL DEFAULT 0
      ) STRICT, WITHOUT ROWID`.execute(db)
    await sql`CREATE INDEX connection_links_by_connection ON connection_links (connection_id, created_at)`.execute(db)
    await sql`CREATE INDEX connection_links_by_end ON connection_links (expires_at)`.execute(db)
  },
}
