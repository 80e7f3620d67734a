import { type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

/** DNS records that Freehold wrote at providers. They outlive what they were written for, so they refer to the person alone. */
export const writtenRecords: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
      CREATE TABLE written_records (
        id TEXT PRIMARY KEY,
        person_id TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
        zone TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, value TEXT NOT NULL, priority INTEGER NOT NULL, ttl INTEGER,
        hostname TEXT NOT NULL,
        holder_kind TEXT NOT NULL CHECK (holder_kind IN ('mapping', 'connection')), holder_id TEXT NOT NULL,
        purpose TEXT NOT NULL,
        credential_kind TEXT NOT NULL CHECK (credential_kind IN ('owned_domain', 'application')), credential_id TEXT NOT NULL,
        provider TEXT NOT NULL, written_at INTEGER NOT NULL, looked_at INTEGER, seen_at INTEGER, stands INTEGER
      ) STRICT, WITHOUT ROWID`.execute(db)
    await sql`CREATE UNIQUE INDEX written_records_once ON written_records (person_id, name, type, value, priority)`.execute(db)
    await sql`CREATE INDEX written_records_by_zone ON written_records (person_id, zone, written_at, id)`.execute(db)
    await sql`CREATE INDEX written_records_by_age ON written_records (person_id, written_at, id)`.execute(db)
  },
}
