import type { ConnectionLinkRow } from "../db/connect-schema"
import type { Db } from "../db/open"

/** Every query on `connection_links`. */
export class LinkStore {
  constructor(private db: Db) {}

  /** Beyond `most` links of the connection the oldest go. */
  async insert(row: ConnectionLinkRow, most: number): Promise<void> {
    await this.db.transaction().execute(async (trx) => {
      await trx.insertInto("connectionLinks").values(row).execute()
      const kept = trx
        .selectFrom("connectionLinks")
        .select("hash")
        .where("connectionId", "=", row.connectionId)
        .orderBy("createdAt", "desc")
        .orderBy("hash")
        .limit(most)
      await trx.deleteFrom("connectionLinks").where("connectionId", "=", row.connectionId).where("hash", "not in", kept).execute()
    })
  }

  /** One that has not ended by then. */
  find = (hash: string, now: number): Promise<ConnectionLinkRow | undefined> =>
    this.db.selectFrom("connectionLinks").selectAll().where("hash", "=", hash).where("expiresAt", ">", now).executeTakeFirst()

  /** Those of a connection that have not ended by then, the newest first. */
  listOf = (connectionId: string, now: number): Promise<ConnectionLinkRow[]> =>
    this.db
      .selectFrom("connectionLinks")
      .selectAll()
      .where("connectionId", "=", connectionId)
      .where("expiresAt", ">", now)
      .orderBy("createdAt", "desc")
      .orderBy("hash")
      .execute()

  /** True for one caller in `pauseMs` over all links of the connection. */
  async takeTurn(connectionId: string, now: number, pauseMs: number): Promise<boolean> {
    const taken = await this.db
      .updateTable("connectionLinks")
      .set({ checkedAt: now })
      .where("connectionId", "=", connectionId)
      .where((e) =>
        e.not(
          e.exists(
            e
              .selectFrom("connectionLinks as other")
              .select("other.hash")
              .where("other.connectionId", "=", connectionId)
              .where("other.checkedAt", ">", now - pauseMs),
          ),
        ),
      )
      .returning("hash")
      .execute()
    return taken.length > 0
  }

  async removeOf(connectionId: string): Promise<void> {
    await this.db.deleteFrom("connectionLinks").where("connectionId", "=", connectionId).execute()
  }

  async removeEnded(now: number): Promise<void> {
    await this.db.deleteFrom("connectionLinks").where("expiresAt", "<=", now).execute()
  }
}
