import type { Db } from "../db/open"
import type { Episode, Notice, ReceiverName } from "./model"

/** A notice that has not reached its receiver yet. */
export type Delivery = { id: number; notice: Notice; attempts: number }

/** Notices that wait; the oldest go when there are more, for nobody wants a thousand of them at once. */
const maxWaiting = 300

/** Every query on `alert_episodes` and `alert_deliveries`. */
export class AlertStore {
  constructor(private db: Db) {}

  episodes = (): Promise<Episode[]> => this.db.selectFrom("alertEpisodes").selectAll().orderBy("openedAt").orderBy("id").execute()

  /** Episodes open, become worse and end, and the notice of it waits for each receiver: all of it, or nothing. */
  async change(opened: Episode[], ended: Episode[], receivers: ReceiverName[], notice: Notice, now: number): Promise<void> {
    await this.db.transaction().execute(async (tx) => {
      for (let at = 0; at < opened.length; at += 500)
        await tx
          .insertInto("alertEpisodes")
          .values(opened.slice(at, at + 500))
          .onConflict((c) =>
            c.column("id").doUpdateSet(({ ref }) => ({
              severity: ref("excluded.severity"),
              since: ref("excluded.since"),
              reason: ref("excluded.reason"),
              step: ref("excluded.step"),
            })),
          )
          .execute()
      for (let at = 0; at < ended.length; at += 500)
        await tx
          .deleteFrom("alertEpisodes")
          .where(
            "id",
            "in",
            ended.slice(at, at + 500).map(({ id }) => id),
          )
          .execute()
      if (receivers.length === 0) return
      const row = { notice: JSON.stringify(notice), attempts: 0, nextAttemptAt: now, createdAt: now }
      await tx
        .insertInto("alertDeliveries")
        .values(receivers.map((receiver) => ({ receiver, ...row })))
        .execute()
      const kept = tx.selectFrom("alertDeliveries").select("id").orderBy("id", "desc").limit(maxWaiting)
      await tx.deleteFrom("alertDeliveries").where("id", "not in", kept).execute()
    })
  }

  /** The oldest that may be sent to a receiver now. */
  async due(receiver: ReceiverName, now: number): Promise<Delivery[]> {
    const rows = await this.db
      .selectFrom("alertDeliveries")
      .select(["id", "notice", "attempts"])
      .where("receiver", "=", receiver)
      .where("nextAttemptAt", "<=", now)
      .orderBy("id")
      .limit(10)
      .execute()
    return rows.map(({ notice, ...rest }) => Object.assign(rest, { notice: JSON.parse(notice) as Notice }))
  }

  /** Drops what waits for receivers that the settings no longer name. */
  async keepOnly(receivers: ReceiverName[]): Promise<void> {
    const gone = this.db.deleteFrom("alertDeliveries")
    await (receivers.length === 0 ? gone : gone.where("receiver", "not in", receivers)).execute()
  }

  async waiting(): Promise<number> {
    const { count } = await this.db
      .selectFrom("alertDeliveries")
      .select((e) => e.fn.countAll<number>().as("count"))
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  async retry(id: number, attempts: number, nextAttemptAt: number): Promise<void> {
    await this.db.updateTable("alertDeliveries").set({ attempts, nextAttemptAt }).where("id", "=", id).execute()
  }

  async done(id: number): Promise<void> {
    await this.db.deleteFrom("alertDeliveries").where("id", "=", id).execute()
  }
}
