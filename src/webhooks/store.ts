import type { Transaction } from "kysely"
import type { Db } from "../db/open"
import type { Schema } from "../db/schema"
import type { WebhookEndpointRow } from "../db/webhook-schema"
import type { After } from "../paging"
import { type Caller, type NewEvent, testEventType } from "./model"

/** The store, or the transaction of a caller's own change. */
export type Handle = Db | Transaction<Schema>

type AnyEvent = Omit<NewEvent, "type" | "jobId"> & { type: string; jobId: string | null }

/** Every query on `webhook_endpoints`, and what puts events on their way. Knows rows, not rules. */
export class WebhookStore {
  constructor(private db: Db) {}

  /**
   * Writes an event down and one pending delivery for each endpoint of its person and environment that asked for its type; answers how many.
   * By the caller's transaction both come about with the caller's own change, or not at all. Nothing is kept of an event that nobody asked for.
   */
  async enqueue(db: Handle, event: NewEvent): Promise<number> {
    const rows = await db
      .selectFrom("webhookEndpoints")
      .select(["id", "events"])
      .where("personId", "=", event.personId)
      .where("environment", "=", event.environment)
      .where("disabledAt", "is", null)
      .execute()
    const asked = rows.filter(({ events }) => {
      const types = JSON.parse(events) as string[]
      return types.length === 0 || types.includes(event.type)
    })
    const ids = asked.map(({ id }) => id)
    await writeDeliveries(db, event, ids)
    return ids.length
  }

  /** A test event for one endpoint: the id of its delivery, or undefined when `limit` test events are still on their way to it. */
  enqueueTest({ id, personId, environment }: WebhookEndpointRow, limit: number, at: number): Promise<string | undefined> {
    return this.db.transaction().execute(async (db) => {
      const { count } = await db
        .selectFrom("webhookDeliveries")
        .innerJoin("webhookEvents", "webhookEvents.id", "webhookDeliveries.eventId")
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .where("webhookDeliveries.endpointId", "=", id)
        .where("webhookDeliveries.nextAttemptAt", "is not", null)
        .where("webhookEvents.type", "=", testEventType)
        .executeTakeFirstOrThrow()
      if (count >= limit) return undefined
      const [delivery] = await writeDeliveries(db, { personId, environment, type: testEventType, jobId: null, data: {}, at }, [id])
      return delivery
    })
  }

  /** False when the person has `limit` of them: counted by the statement that inserts, so that two requests cannot both be the last. */
  async insert(row: WebhookEndpointRow, limit: number): Promise<boolean> {
    const count = this.db
      .selectFrom("webhookEndpoints")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("personId", "=", row.personId)
    const inserted = await this.db
      .insertInto("webhookEndpoints")
      .columns(["id", "personId", "environment", "url", "events", "sealedSecret", "createdAt"])
      .expression(
        this.db
          .selectNoFrom((eb) => [
            eb.val(row.id).as("id"),
            eb.val(row.personId).as("personId"),
            eb.val(row.environment).as("environment"),
            eb.val(row.url).as("url"),
            eb.val(row.events).as("events"),
            eb.val(row.sealedSecret).as("sealedSecret"),
            eb.val(row.createdAt).as("createdAt"),
          ])
          .where((eb) => eb(count, "<", limit)),
      )
      .returning("id")
      .executeTakeFirst()
    return inserted !== undefined
  }

  /** The newest first, at most `limit`. */
  list(caller: Caller, after: After | undefined, limit: number): Promise<WebhookEndpointRow[]> {
    let query = this.own(caller).selectAll().orderBy("createdAt", "desc").orderBy("id", "desc").limit(limit)
    if (after !== undefined) query = query.where((eb) => eb(eb.refTuple("createdAt", "id"), "<", eb.tuple(after.at, after.id)))
    return query.execute()
  }

  find(caller: Caller, id: string): Promise<WebhookEndpointRow | undefined> {
    return this.own(caller).selectAll().where("id", "=", id).executeTakeFirst()
  }

  /** The row as it is then; undefined where the caller has none such. */
  change(
    caller: Caller,
    id: string,
    values: Partial<Pick<WebhookEndpointRow, "url" | "events" | "sealedSecret" | "disabledAt">>,
  ): Promise<WebhookEndpointRow | undefined> {
    return this.db
      .updateTable("webhookEndpoints")
      .set(values)
      .where("id", "in", this.own(caller).select("id").where("id", "=", id))
      .returningAll()
      .executeTakeFirst()
  }

  /** Takes its deliveries along; false where the caller has none such. */
  async delete(caller: Caller, id: string): Promise<boolean> {
    const row = await this.db
      .deleteFrom("webhookEndpoints")
      .where("id", "in", this.own(caller).select("id").where("id", "=", id))
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }

  private own({ personId, environment }: Caller) {
    const query = this.db.selectFrom("webhookEndpoints").where("personId", "=", personId)
    return environment === undefined ? query : query.where("environment", "=", environment)
  }
}

/** The ids of the new deliveries. */
async function writeDeliveries(db: Handle, event: AnyEvent, endpointIds: string[]): Promise<string[]> {
  if (endpointIds.length === 0) return []
  const { personId, environment, type, jobId, data, at } = event
  const { id: eventId, seq } = await db
    .insertInto("webhookEvents")
    .values({ id: crypto.randomUUID(), personId, environment, type, jobId, data: JSON.stringify(data), createdAt: at })
    .returning(["id", "seq"])
    .executeTakeFirstOrThrow()
  const deliveries = endpointIds.map((endpointId) => ({
    id: crypto.randomUUID(),
    endpointId,
    eventId,
    seq,
    jobId,
    status: "pending" as const,
    series: 1,
    attempts: 0,
    nextAttemptAt: at,
    lastStatus: null,
    lastError: null,
    createdAt: at,
    deliveredAt: null,
  }))
  await db.insertInto("webhookDeliveries").values(deliveries).execute()
  return deliveries.map(({ id }) => id)
}
