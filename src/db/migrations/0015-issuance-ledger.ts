import { type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

/** What the limits of certificate authorities leave, whose each certificate is, and which public addresses this house had. */
export const issuanceLedger: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
      CREATE TABLE issuance_buckets (
        directory TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
        full_at INTEGER NOT NULL, capacity INTEGER NOT NULL, closed_until INTEGER NOT NULL, said TEXT NOT NULL,
        PRIMARY KEY (directory, kind, subject)
      ) STRICT, WITHOUT ROWID`.execute(db)
    await db.schema
      .alterTable("certificates")
      .addColumn("holder", "text", (c) => c.notNull().defaultTo(""))
      .execute()
    // Of names that nobody holds now nothing is known: they count as the house's own, and no person gets their keys.
    await sql`
      UPDATE certificates SET holder = coalesce(
        (SELECT m.person_id FROM domain_mappings m WHERE m.domain = certificates.hostname AND m.status = 'verified'),
        (SELECT c.person_id FROM connections c JOIN held_names h ON h.holder_id = c.id AND h.kind = 'connection'
          WHERE h.hostname = certificates.hostname), '')`.execute(db)
    await db.schema.createIndex("certificates_ending").on("certificates").column("not_after").execute()
    await sql`
      CREATE TABLE asked_names (
        hostname TEXT PRIMARY KEY, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID`.execute(db)
    await sql`
      CREATE TABLE public_addresses (
        address TEXT PRIMARY KEY, family INTEGER NOT NULL, since INTEGER NOT NULL, left_at INTEGER
      ) STRICT, WITHOUT ROWID`.execute(db)
  },
}
