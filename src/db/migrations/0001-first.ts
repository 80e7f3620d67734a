import { type CreateTableBuilder, type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

/** SQLite checks column types only in STRICT tables; PostgreSQL always does. */
const strict = <T extends string, C extends string>(table: CreateTableBuilder<T, C>) => table.modifyEnd(sql`strict`)

const cascade = "cascade" as const

export const first: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const create = db.schema
    await strict(
      create
        .createTable("people")
        .addColumn("id", "text", (c) => c.primaryKey())
        .addColumn("username", "text", (c) => c.notNull().unique())
        .addColumn("display_name", "text", (c) => c.notNull())
        .addColumn("password_hash", "text", (c) => c.notNull())
        .addColumn("is_admin", "integer", (c) => c.notNull())
        .addColumn("created_at", "integer", (c) => c.notNull()),
    ).execute()
    await strict(
      create
        .createTable("sessions")
        .addColumn("id", "text", (c) => c.primaryKey())
        .addColumn("person_id", "text", (c) => c.notNull().references("people.id").onDelete(cascade))
        .addColumn("address", "text", (c) => c.notNull())
        .addColumn("created_at", "integer", (c) => c.notNull())
        .addColumn("expires_at", "integer", (c) => c.notNull()),
    ).execute()
    await create.createIndex("sessions_by_person").on("sessions").column("person_id").execute()
    await strict(
      create
        .createTable("service_accounts")
        .addColumn("id", "text", (c) => c.primaryKey())
        .addColumn("person_id", "text", (c) => c.notNull().references("people.id").onDelete(cascade))
        .addColumn("name", "text", (c) => c.notNull())
        .addColumn("scopes", "text", (c) => c.notNull())
        .addColumn("created_at", "integer", (c) => c.notNull()),
    ).execute()
    await create.createIndex("service_accounts_by_person").on("service_accounts").column("person_id").execute()
    await strict(
      create
        .createTable("api_tokens")
        .addColumn("id", "text", (c) => c.primaryKey())
        .addColumn("person_id", "text", (c) => c.notNull().references("people.id").onDelete(cascade))
        .addColumn("service_account_id", "text", (c) => c.references("service_accounts.id").onDelete(cascade))
        .addColumn("name", "text", (c) => c.notNull())
        .addColumn("hash", "text", (c) => c.notNull().unique())
        .addColumn("scopes", "text")
        .addColumn("expires_at", "integer", (c) => c.notNull())
        .addColumn("last_used_at", "integer", (c) => c.notNull())
        .addColumn("created_at", "integer", (c) => c.notNull()),
    ).execute()
    await create.createIndex("api_tokens_by_person").on("api_tokens").column("person_id").execute()
    await create.createIndex("api_tokens_by_account").on("api_tokens").column("service_account_id").execute()
    await strict(
      create
        .createTable("setup_links")
        .addColumn("hash", "text", (c) => c.primaryKey())
        .addColumn("expires_at", "integer", (c) => c.notNull()),
    ).execute()
    await strict(
      create
        .createTable("owned_domains")
        .addColumn("id", "text", (c) => c.primaryKey())
        .addColumn("person_id", "text", (c) => c.notNull().references("people.id").onDelete(cascade))
        .addColumn("sealed_token", "text", (c) => c.notNull())
        .addColumn("zones", "text", (c) => c.notNull())
        .addColumn("created_at", "integer", (c) => c.notNull()),
    ).execute()
    await create.createIndex("owned_domains_by_person").on("owned_domains").column("person_id").execute()
    await strict(
      create
        .createTable("containers")
        .addColumn("id", "text", (c) => c.primaryKey())
        .addColumn("person_id", "text", (c) => c.notNull().references("people.id").onDelete(cascade))
        .addColumn("name", "text", (c) => c.notNull())
        .addColumn("kind", "text", (c) => c.notNull())
        .addColumn("image", "text")
        .addColumn("memory_mb", "integer", (c) => c.notNull())
        .addColumn("storage_gb", "integer", (c) => c.notNull())
        .addColumn("instance_type", "text", (c) => c.notNull())
        .addColumn("pull_policy", "text", (c) => c.notNull())
        .addColumn("desired", "text", (c) => c.notNull())
        .addColumn("status", "text", (c) => c.notNull())
        .addColumn("status_detail", "text")
        .addColumn("engine_id", "text")
        .addColumn("address", "text")
        .addColumn("ports", "text", (c) => c.notNull())
        .addColumn("created_at", "integer", (c) => c.notNull()),
    ).execute()
    await create.createIndex("containers_by_person").on("containers").column("person_id").execute()
    await strict(
      create
        .createTable("domain_mappings")
        .addColumn("id", "text", (c) => c.primaryKey())
        .addColumn("person_id", "text", (c) => c.notNull().references("people.id").onDelete(cascade))
        .addColumn("domain", "text", (c) => c.notNull())
        .addColumn("container_id", "text", (c) => c.notNull().references("containers.id").onDelete(cascade))
        .addColumn("target_port", "integer", (c) => c.notNull())
        .addColumn("status", "text", (c) => c.notNull())
        .addColumn("verify_token", "text", (c) => c.notNull())
        .addColumn("proof", "text")
        .addColumn("window_started_at", "integer", (c) => c.notNull())
        .addColumn("next_check_at", "integer", (c) => c.notNull())
        .addColumn("checks", "integer", (c) => c.notNull())
        .addColumn("last_detail", "text")
        .addColumn("created_at", "integer", (c) => c.notNull())
        .addColumn("verified_at", "integer"),
    ).execute()
    // A failed claim holds nothing against others, so only the claims that are alive are unique across the platform.
    await create
      .createIndex("domain_mappings_alive")
      .unique()
      .on("domain_mappings")
      .column("domain")
      .where(sql.ref("status"), "!=", sql.lit("failed"))
      .execute()
    await create.createIndex("domain_mappings_of_person").unique().on("domain_mappings").columns(["person_id", "domain"]).execute()
    await create.createIndex("domain_mappings_due").on("domain_mappings").columns(["status", "next_check_at"]).execute()
    await create.createIndex("domain_mappings_by_container").on("domain_mappings").column("container_id").execute()
    await strict(
      create
        .createTable("certificates")
        .addColumn("hostname", "text", (c) => c.primaryKey())
        .addColumn("issuer", "text", (c) => c.notNull())
        .addColumn("chain", "text", (c) => c.notNull())
        .addColumn("sealed_key", "text", (c) => c.notNull())
        .addColumn("not_before", "integer", (c) => c.notNull())
        .addColumn("not_after", "integer", (c) => c.notNull())
        .addColumn("renew_at", "integer", (c) => c.notNull())
        .addColumn("created_at", "integer", (c) => c.notNull()),
    ).execute()
    await create.createIndex("certificates_due").on("certificates").column("renew_at").execute()
    await strict(
      create
        .createTable("certificate_attempts")
        .addColumn("hostname", "text", (c) => c.primaryKey())
        .addColumn("failures", "integer", (c) => c.notNull())
        .addColumn("last_attempt_at", "integer", (c) => c.notNull())
        .addColumn("next_attempt_at", "integer", (c) => c.notNull())
        .addColumn("problem", "text", (c) => c.notNull()),
    ).execute()
    await strict(
      create
        .createTable("issuer_accounts")
        .addColumn("issuer", "text", (c) => c.primaryKey())
        .addColumn("account_url", "text")
        .addColumn("certificate", "text")
        .addColumn("sealed_key", "text", (c) => c.notNull())
        .addColumn("created_at", "integer", (c) => c.notNull()),
    ).execute()
  },
}
