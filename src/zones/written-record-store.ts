import type { Db } from "../db/open"
import type { WrittenRecordRow } from "../db/written-record-schema"
import type { After } from "../paging"

const addressTypes = ["A", "AAAA", "CNAME"]

/** Every query on `written_records`. */
export class WrittenRecordStore {
  constructor(private db: Db) {}

  /** Keeps rows in the place of those with the same record; address records replace all others of their name. Beyond the `limit` newest of the person the oldest leave. */
  async put(personId: string, rows: WrittenRecordRow[], limit: number): Promise<void> {
    await this.db.transaction().execute(async (trx) => {
      for (const { name, type, value, priority } of rows) {
        const same = trx.deleteFrom("writtenRecords").where("personId", "=", personId).where("name", "=", name)
        if (addressTypes.includes(type)) await same.where("type", "in", addressTypes).execute()
        else await same.where("type", "=", type).where("value", "=", value).where("priority", "=", priority).execute()
      }
      for (const row of rows) await trx.insertInto("writtenRecords").values(row).execute()
      const beyond = trx
        .selectFrom("writtenRecords")
        .select("id")
        .where("personId", "=", personId)
        .orderBy("writtenAt", "desc")
        .orderBy("id", "desc")
        .limit(-1)
        .offset(limit)
      await trx.deleteFrom("writtenRecords").where("id", "in", beyond).execute()
    })
  }

  /** Newest first. */
  list(personId: string, zones: string[], limit: number, after: After | undefined): Promise<WrittenRecordRow[]> {
    let query = this.within(personId, zones)
    if (after !== undefined)
      query = query.where(({ eb, refTuple, tuple }) => eb(refTuple("writtenAt", "id"), "<", tuple(after.at, after.id)))
    return query.orderBy("writtenAt", "desc").orderBy("id", "desc").limit(limit).execute()
  }

  /** Those that were looked at longest ago, or never. */
  longestUnseen(personId: string, zones: string[], limit: number): Promise<WrittenRecordRow[]> {
    return this.within(personId, zones)
      .orderBy(({ fn, val }) => fn.coalesce("lookedAt", val(0)))
      .orderBy("id")
      .limit(limit)
      .execute()
  }

  /** `stands` is undefined where nobody answered. */
  async see(id: string, stands: boolean | undefined, at: number): Promise<void> {
    const seen = stands === undefined ? {} : { stands: stands ? 1 : 0, seenAt: at }
    await this.db
      .updateTable("writtenRecords")
      .set({ lookedAt: at, ...seen })
      .where("id", "=", id)
      .execute()
  }

  async delete(id: string): Promise<void> {
    await this.db.deleteFrom("writtenRecords").where("id", "=", id).execute()
  }

  async forget(personId: string, { name, type, value }: { name: string; type: string; value: string }): Promise<void> {
    await this.db
      .deleteFrom("writtenRecords")
      .where("personId", "=", personId)
      .where("name", "=", name)
      .where("type", "=", type)
      .where("value", "=", value)
      .execute()
  }

  private within(personId: string, zones: string[]) {
    return this.db.selectFrom("writtenRecords").selectAll().where("personId", "=", personId).where("zone", "in", zones)
  }
}
