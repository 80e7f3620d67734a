import { type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

export const connect: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await createHeldNames(db)
    await createApplications(db)
    await createConnections(db)
    await createUsage(db)
  },
}

/** One row for each proven hostname, whoever proved it: the primary key is why no name is held twice. Triggers keep it, so that no query forgets to. */
async function createHeldNames(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE held_names (hostname TEXT PRIMARY KEY, kind TEXT NOT NULL, holder_id TEXT NOT NULL) STRICT, WITHOUT ROWID`.execute(
    db,
  )
  await sql`INSERT INTO held_names SELECT domain, 'mapping', id FROM domain_mappings WHERE status = 'verified'`.execute(db)
  await keepHeld(db, { table: "domain_mappings", kind: "mapping", name: "domain", holds: (row) => `${row}.status = 'verified'` })
}

/** `holds` is SQL that is true for a row that holds its name. */
async function keepHeld(
  db: Kysely<unknown>,
  of: { table: string; kind: string; name: string; holds: (row: "new" | "old") => string },
): Promise<void> {
  const { table, kind, name, holds } = of
  const take = `INSERT INTO held_names VALUES (new.${name}, '${kind}', new.id);`
  const free = `DELETE FROM held_names WHERE hostname = old.${name} AND kind = '${kind}' AND holder_id = old.id;`
  const triggers = [
    `${table}_hold_insert AFTER INSERT ON ${table} WHEN ${holds("new")} BEGIN ${take} END`,
    `${table}_hold_update AFTER UPDATE ON ${table} WHEN (${holds("new")}) AND NOT (${holds("old")}) BEGIN ${take} END`,
    `${table}_free_update AFTER UPDATE ON ${table} WHEN (${holds("old")}) AND NOT (${holds("new")}) BEGIN ${free} END`,
    `${table}_free_delete AFTER DELETE ON ${table} WHEN ${holds("old")} BEGIN ${free} END`,
  ]
  for (const trigger of triggers) await sql.raw(`CREATE TRIGGER ${trigger}`).execute(db)
}

async function createApplications(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("applications")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("person_id", "text", (c) => c.notNull().references("people.id").onDelete("cascade"))
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("environment", "text", (c) => c.notNull())
    .addColumn("allowed_origins", "text", (c) => c.notNull())
    .addColumn("record_template", "text")
    .addColumn("origin_url", "text")
    .addColumn("container_id", "text")
    .addColumn("target_port", "integer")
    .addColumn("created_at", "integer", (c) => c.notNull())
    .modifyEnd(sql`strict`)
    .execute()
  await db.schema.createIndex("applications_by_person").on("applications").columns(["person_id", "created_at"]).execute()
  await db.schema
    .createTable("application_keys")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("application_id", "text", (c) => c.notNull().references("applications.id").onDelete("cascade"))
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("hash", "text", (c) => c.notNull().unique())
    .addColumn("last4", "text", (c) => c.notNull())
    .addColumn("scopes", "text", (c) => c.notNull())
    .addColumn("created_at", "integer", (c) => c.notNull())
    .addColumn("last_used_at", "integer")
    .addColumn("revoked_at", "integer")
    .modifyEnd(sql`strict`)
    .execute()
  await db.schema.createIndex("application_keys_by_application").on("application_keys").columns(["application_id", "created_at"]).execute()
  await db.schema
    .createTable("dns_credentials")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("application_id", "text", (c) => c.notNull().references("applications.id").onDelete("cascade"))
    .addColumn("provider", "text", (c) => c.notNull())
    .addColumn("sealed_token", "text", (c) => c.notNull())
    .addColumn("created_at", "integer", (c) => c.notNull())
    .addColumn("last_used_at", "integer")
    .addColumn("last_error", "text")
    .modifyEnd(sql`strict`)
    .execute()
  await db.schema.createIndex("dns_credentials_by_application").on("dns_credentials").columns(["application_id", "created_at"]).execute()
}

async function createConnections(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("connections")
    .addColumn("id", "text", (c) => c.primaryKey())
    .addColumn("person_id", "text", (c) => c.notNull().references("people.id").onDelete("cascade"))
    .addColumn("application_id", "text", (c) => c.notNull().references("applications.id").onDelete("cascade"))
    .addColumn("environment", "text", (c) => c.notNull())
    .addColumn("hostname", "text", (c) => c.notNull())
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("setup_type", "text", (c) => c.notNull())
    .addColumn("state", "text", (c) => c.notNull())
    .addColumn("error_code", "text")
    .addColumn("error_detail", "text")
    .addColumn("provider", "text")
    .addColumn("batch_id", "text")
    .addColumn("challenge_value", "text", (c) => c.notNull())
    .addColumn("proof", "text")
    .addColumn("desired_records", "text", (c) => c.notNull())
    .addColumn("observed_records", "text", (c) => c.notNull())
    .addColumn("origin_url", "text")
    .addColumn("container_id", "text")
    .addColumn("target_port", "integer")
    .addColumn("created_at", "integer", (c) => c.notNull())
    .addColumn("changed_at", "integer", (c) => c.notNull())
    .addColumn("next_check_at", "integer")
    .addColumn("checks", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("misses", "integer", (c) => c.notNull().defaultTo(0))
    .addColumn("drift", "text")
    .addColumn("live_at", "integer")
    .modifyEnd(sql`strict`)
    .execute()
  await db.schema.createIndex("connections_by_person").on("connections").columns(["person_id", "created_at"]).execute()
  await db.schema.createIndex("connections_by_hostname").on("connections").column("hostname").execute()
  await sql`CREATE INDEX connections_due ON connections (next_check_at) WHERE next_check_at IS NOT NULL`.execute(db)
  const holds = (row: string) => `${row}.proof IS NOT NULL AND ${row}.state NOT IN ('failed', 'archived')`
  await keepHeld(db, { table: "connections", kind: "connection", name: "hostname", holds })
}

async function createUsage(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE usage_counters (
      person_id TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
      period TEXT NOT NULL, kind TEXT NOT NULL, used INTEGER NOT NULL,
      PRIMARY KEY (person_id, period, kind)
    ) STRICT, WITHOUT ROWID`.execute(db)
  await sql`CREATE TABLE plans (key TEXT PRIMARY KEY, limits TEXT NOT NULL) STRICT, WITHOUT ROWID`.execute(db)
  await sql`INSERT INTO plans VALUES ('local', '{}')`.execute(db)
  await sql`
    CREATE TABLE subscriptions (
      person_id TEXT PRIMARY KEY REFERENCES people (id) ON DELETE CASCADE,
      plan TEXT NOT NULL REFERENCES plans (key)
    ) STRICT, WITHOUT ROWID`.execute(db)
  await sql`
    CREATE TABLE idempotency_keys (
      person_id TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
      route TEXT NOT NULL, key TEXT NOT NULL, body_hash TEXT NOT NULL, created_at INTEGER NOT NULL,
      status INTEGER, sealed_body TEXT,
      PRIMARY KEY (person_id, route, key)
    ) STRICT, WITHOUT ROWID`.execute(db)
  await sql`CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at)`.execute(db)
}
