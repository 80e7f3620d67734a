import { type SqlBool, sql } from "kysely"
import type { Db } from "../db/open"
import type { WebhookAttemptTable, WebhookDeliveryRow, WebhookEndpointRow } from "../db/webhook-schema"
import type { After } from "../paging"
import type { Caller, DeliveryStatus, DeliveryWithType } from "./model"

export type DeliveryFilter = { endpointId?: string; status?: DeliveryStatus; jobId?: string }

/** A delivery whose time has come, and whose it is. */
export type DueDelivery = { id: string; endpointId: string; personId: string }

/** All that is needed to send. */
export type Parcel = {
  delivery: WebhookDeliveryRow
  endpoint: Pick<WebhookEndpointRow, "id" | "personId" | "url" | "sealedSecret">
  event: { id: string; type: string; jobId: string | null; data: string }
}

/** What a finished try makes of its delivery. */
export type Progress = { status: DeliveryStatus; nextAttemptAt: number | null; deliveredAt: number | null }

export type NewAttempt = Omit<WebhookAttemptTable, "id" | "deliveryId">

/** Tries that are kept of one delivery: those of the last replays. */
const keptAttempts = 25

/** Every query on `webhook_deliveries` and `webhook_attempts`. Knows rows, not rules. */
export class DeliveryStore {
  constructor(private db: Db) {}

  /**
   * What may be sent at `now`, at most `limit`, one of each person before the second of any: not to a disabled endpoint or one of `full`, not
   * what is `underWay`, and not before every earlier event of its connection was delivered to that endpoint or failed.
   */
  due(now: number, limit: number, full: string[], underWay: string[]): Promise<DueDelivery[]> {
    const waiting = this.db
      .selectFrom("webhookDeliveries as d")
      .innerJoin("webhookEndpoints as e", "e.id", "d.endpointId")
      .where("d.nextAttemptAt", "<=", now)
      .where("e.disabledAt", "is", null)
      .$if(full.length > 0, (query) => query.where("d.endpointId", "not in", full))
      .$if(underWay.length > 0, (query) => query.where("d.id", "not in", underWay))
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom("webhookDeliveries as before")
              .select("before.id")
              .whereRef("before.endpointId", "=", "d.endpointId")
              .whereRef("before.jobId", "=", "d.jobId")
              .whereRef("before.seq", "<", "d.seq")
              .where("before.nextAttemptAt", "is not", null),
          ),
        ),
      )
      .select(["d.id", "d.endpointId", "e.personId", "d.nextAttemptAt"])
      .select(sql<number>`row_number() over (partition by d.endpoint_id order by d.next_attempt_at, d.seq)`.as("place"))
    const byPerson = this.db
      .selectFrom(waiting.as("waiting"))
      .select(["id", "endpointId", "personId", "nextAttemptAt"])
      .select(sql<number>`row_number() over (partition by person_id order by place, next_attempt_at)`.as("turn"))
    return this.db
      .selectFrom(byPerson.as("shared"))
      .select(["id", "endpointId", "personId"])
      .orderBy("turn")
      .orderBy("nextAttemptAt")
      .limit(limit)
      .execute()
  }

  /** How many wait for a try, and when the first of them was due. */
  async waiting(): Promise<{ count: number; firstDueAt: number | undefined }> {
    const row = await this.db
      .selectFrom("webhookDeliveries as d")
      .innerJoin("webhookEndpoints as e", "e.id", "d.endpointId")
      .where("d.nextAttemptAt", "is not", null)
      .where("e.disabledAt", "is", null)
      .select((e) => [e.fn.countAll<number>().as("count"), e.fn.min("d.nextAttemptAt").as("firstDueAt")])
      .executeTakeFirstOrThrow()
    return { count: Number(row.count), firstDueAt: row.firstDueAt ?? undefined }
  }

  /** When the next one that is not due at `now` will be; undefined when none is waiting. */
  async nextDue(now: number): Promise<number | undefined> {
    const row = await this.db
      .selectFrom("webhookDeliveries")
      .select("nextAttemptAt")
      .where("nextAttemptAt", ">", now)
      .orderBy("nextAttemptAt")
      .limit(1)
      .executeTakeFirst()
    return row?.nextAttemptAt ?? undefined
  }

  /** Undefined when it is gone, finished or its endpoint is disabled. */
  async parcel(id: string): Promise<Parcel | undefined> {
    const delivery = await this.db
      .selectFrom("webhookDeliveries")
      .selectAll()
      .where("id", "=", id)
      .where("nextAttemptAt", "is not", null)
      .executeTakeFirst()
    if (delivery === undefined) return undefined
    const endpoint = await this.db
      .selectFrom("webhookEndpoints")
      .select(["id", "personId", "url", "sealedSecret"])
      .where("id", "=", delivery.endpointId)
      .where("disabledAt", "is", null)
      .executeTakeFirst()
    const event = await this.db
      .selectFrom("webhookEvents")
      .select(["id", "type", "jobId", "data"])
      .where("id", "=", delivery.eventId)
      .executeTakeFirst()
    return endpoint && event && { delivery, endpoint, event }
  }

  /** Keeps the try, and what it makes of the delivery unless a replay began meanwhile; nothing where the delivery is gone. */
  async finish({ id, series, attempts }: WebhookDeliveryRow, attempt: NewAttempt, progress: Progress): Promise<void> {
    await this.db.transaction().execute(async (db) => {
      const there = await db.selectFrom("webhookDeliveries").select("id").where("id", "=", id).executeTakeFirst()
      if (there === undefined) return
      await db
        .insertInto("webhookAttempts")
        .values({ ...attempt, deliveryId: id })
        .execute()
      await db
        .updateTable("webhookDeliveries")
        .set({ ...progress, attempts: attempts + 1, lastStatus: attempt.status, lastError: attempt.error })
        .where("id", "=", id)
        .where("series", "=", series)
        .execute()
      const old = db
        .selectFrom("webhookAttempts")
        .select("id")
        .where("deliveryId", "=", id)
        .orderBy("id", "desc")
        .limit(-1)
        .offset(keptAttempts)
      await db.deleteFrom("webhookAttempts").where("id", "in", old).execute()
    })
  }

  /** Begins the next series. False where the caller has no such delivery, or its endpoint is disabled. */
  async replay(caller: Caller, id: string, at: number): Promise<boolean> {
    const row = await this.db
      .updateTable("webhookDeliveries")
      .set((eb) => ({ status: "pending", series: eb("series", "+", 1), attempts: 0, nextAttemptAt: at, deliveredAt: null }))
      .where("id", "in", this.own(caller).select("d.id").where("d.id", "=", id).where("e.disabledAt", "is", null))
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }

  find(caller: Caller, id: string): Promise<DeliveryWithType | undefined> {
    return this.own(caller).selectAll("d").select("v.type").where("d.id", "=", id).executeTakeFirst()
  }

  /** The event's data as JSON text, and the tries, the newest first. */
  async history({ id, eventId }: WebhookDeliveryRow): Promise<{ data: string; attempts: Omit<WebhookAttemptTable, "id">[] }> {
    const event = await this.db.selectFrom("webhookEvents").select("data").where("id", "=", eventId).executeTakeFirst()
    const attempts = await this.db
      .selectFrom("webhookAttempts")
      .select(["deliveryId", "at", "status", "error", "durationMs", "reply"])
      .where("deliveryId", "=", id)
      .orderBy("id", "desc")
      .execute()
    return { data: event?.data ?? "{}", attempts }
  }

  /** The newest first, at most `limit`. */
  list(caller: Caller, filter: DeliveryFilter, after: After | undefined, limit: number): Promise<DeliveryWithType[]> {
    let query = this.own(caller).selectAll("d").select("v.type").orderBy("d.createdAt", "desc").orderBy("d.id", "desc").limit(limit)
    if (filter.endpointId !== undefined) query = query.where("d.endpointId", "=", filter.endpointId)
    if (filter.status !== undefined) query = query.where("d.status", "=", filter.status)
    if (filter.jobId !== undefined) query = query.where("d.jobId", "=", filter.jobId)
    if (after !== undefined) query = query.where((eb) => eb(eb.refTuple("d.createdAt", "d.id"), "<", eb.tuple(after.at, after.id)))
    return query.execute()
  }

  /** Removes up to `most` deliveries of before `at`, finished or not; answers how many. */
  async pruneOld(at: number, most: number): Promise<number> {
    const old = this.db.selectFrom("webhookDeliveries").select("id").where("createdAt", "<", at).orderBy("createdAt").limit(most)
    const { numDeletedRows } = await this.db.deleteFrom("webhookDeliveries").where("id", "in", old).executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }

  /** Removes up to `most` of those beyond `keep` of their endpoint: finished ones first, of each kind the oldest; answers how many, and how many were unsent. */
  async pruneSurplus(keep: number, most: number): Promise<{ removed: number; unsent: number }> {
    const ranked = this.db
      .selectFrom("webhookDeliveries")
      .select("id")
      .select(
        sql<number>`row_number() over (partition by endpoint_id order by next_attempt_at is null, created_at desc, id desc)`.as("place"),
      )
    const surplus = this.db.selectFrom(ranked.as("ranked")).select("id").where("place", ">", keep).limit(most)
    const rows = await this.db
      .deleteFrom("webhookDeliveries")
      .where("id", "in", surplus)
      .returning(sql<SqlBool>`next_attempt_at is not null`.as("isUnsent"))
      .execute()
    return { removed: rows.length, unsent: rows.filter(({ isUnsent }) => isUnsent).length }
  }

  /** Removes up to `most` events that nothing delivers any more; answers how many. */
  async pruneEvents(most: number): Promise<number> {
    const orphans = this.db
      .selectFrom("webhookEvents")
      .select("webhookEvents.id")
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom("webhookDeliveries")
              .select("webhookDeliveries.id")
              .whereRef("webhookDeliveries.eventId", "=", "webhookEvents.id"),
          ),
        ),
      )
      .limit(most)
    const { numDeletedRows } = await this.db.deleteFrom("webhookEvents").where("id", "in", orphans).executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }

  private own({ personId, environment }: Caller) {
    const query = this.db
      .selectFrom("webhookDeliveries as d")
      .innerJoin("webhookEndpoints as e", "e.id", "d.endpointId")
      .innerJoin("webhookEvents as v", "v.id", "d.eventId")
      .where("e.personId", "=", personId)
    return environment === undefined ? query : query.where("e.environment", "=", environment)
  }
}
