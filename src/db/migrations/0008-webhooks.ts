import { type Kysely, sql } from "kysely"
import type { Migration } from "kysely/migration"

export const webhooks: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("webhook_endpoints")
      .addColumn("id", "text", (c) => c.notNull().primaryKey())
      .addColumn("person_id", "text", (c) => c.notNull().references("people.id").onDelete("cascade"))
      .addColumn("environment", "text", (c) => c.notNull().check(sql`environment IN ('test', 'live')`))
      .addColumn("url", "text", (c) => c.notNull())
      .addColumn("events", "text", (c) => c.notNull())
      .addColumn("sealed_secret", "text", (c) => c.notNull())
      .addColumn("created_at", "integer", (c) => c.notNull())
      .addColumn("disabled_at", "integer")
      .modifyEnd(sql`strict`)
      .execute()
    await db.schema.createIndex("webhook_endpoints_of_person").on("webhook_endpoints").columns(["person_id", "created_at", "id"]).execute()
    await db.schema
      .createTable("webhook_events")
      // Their order; without AUTOINCREMENT the number of an event that is gone would be given again.
      .addColumn("seq", "integer", (c) => c.primaryKey().autoIncrement())
      .addColumn("id", "text", (c) => c.notNull().unique())
      .addColumn("person_id", "text", (c) => c.notNull().references("people.id").onDelete("cascade"))
      .addColumn("environment", "text", (c) => c.notNull())
      .addColumn("type", "text", (c) => c.notNull())
      .addColumn("job_id", "text")
      .addColumn("data", "text", (c) => c.notNull())
      .addColumn("created_at", "integer", (c) => c.notNull())
      .modifyEnd(sql`strict`)
      .execute()
    await db.schema.createIndex("webhook_events_of_person").on("webhook_events").column("person_id").execute()
    await createDeliveries(db)
    await db.schema
      .createTable("webhook_attempts")
      .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
      .addColumn("delivery_id", "text", (c) => c.notNull().references("webhook_deliveries.id").onDelete("cascade"))
      .addColumn("at", "integer", (c) => c.notNull())
      .addColumn("status", "integer")
      .addColumn("error", "text")
      .addColumn("duration_ms", "integer", (c) => c.notNull())
      .addColumn("reply", "text", (c) => c.notNull())
      .modifyEnd(sql`strict`)
      .execute()
    await db.schema.createIndex("webhook_attempts_of_delivery").on("webhook_attempts").columns(["delivery_id", "id"]).execute()
  },
}

async function createDeliveries(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("webhook_deliveries")
    .addColumn("id", "text", (c) => c.notNull().primaryKey())
    .addColumn("endpoint_id", "text", (c) => c.notNull().references("webhook_endpoints.id").onDelete("cascade"))
    .addColumn("event_id", "text", (c) => c.notNull().references("webhook_events.id").onDelete("cascade"))
    // Of the event, so that the order is decided by one index.
    .addColumn("seq", "integer", (c) => c.notNull())
    .addColumn("job_id", "text")
    .addColumn("status", "text", (c) => c.notNull().check(sql`status IN ('pending', 'retrying', 'delivered', 'failed')`))
    .addColumn("series", "integer", (c) => c.notNull())
    .addColumn("attempts", "integer", (c) => c.notNull())
    .addColumn("next_attempt_at", "integer")
    .addColumn("last_status", "integer")
    .addColumn("last_error", "text")
    .addColumn("created_at", "integer", (c) => c.notNull())
    .addColumn("delivered_at", "integer")
    .modifyEnd(sql`strict`)
    .execute()
  const index = (name: string, ...columns: string[]) => db.schema.createIndex(name).on("webhook_deliveries").columns(columns)
  await index("webhook_deliveries_of_endpoint", "endpoint_id", "created_at", "id").execute()
  await index("webhook_deliveries_of_event", "event_id").execute()
  await index("webhook_deliveries_by_age", "created_at").execute()
  // Both hold what is still to be sent and no more, however long the history is.
  await index("webhook_deliveries_due", "next_attempt_at").where(sql.ref("next_attempt_at"), "is not", null).execute()
  await index("webhook_deliveries_in_order", "endpoint_id", "job_id", "seq").where(sql.ref("next_attempt_at"), "is not", null).execute()
}
