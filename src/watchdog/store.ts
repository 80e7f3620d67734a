import { sql } from "kysely"
import type { Db } from "../db/open"
import type { ServedNameRow } from "../db/watch-schema"

/** A name in trouble as it is told of; there may be thousands, of which the oldest are listed. */
export const listed = 200

/** Every query on `served_names`; a row is there for each certificate of the store. */
export class ServedNameStore {
  constructor(private db: Db) {}

  /** Takes up certificates that are new, each at a moment of its own within `spreadMs`, and drops those that went. */
  async follow(now: number, spreadMs: number): Promise<void> {
    await sql`
      insert into served_names (hostname, state, since, next_check_at)
      select hostname, 'unseen', ${now}, ${now} + abs(random() % ${Math.max(1, Math.floor(spreadMs))}) from certificates
      where hostname not in (select hostname from served_names)`.execute(this.db)
    await sql`delete from served_names where hostname not in (select hostname from certificates)`.execute(this.db)
  }

  /** A name whose certificate was replaced is looked at then. */
  async expect(hostname: string, at: number, now: number): Promise<void> {
    await sql`
      insert into served_names (hostname, state, since, next_check_at)
      select hostname, 'unseen', ${now}, ${at} from certificates where hostname = ${hostname}
      on conflict (hostname) do update set next_check_at = min(next_check_at, excluded.next_check_at)`.execute(this.db)
  }

  due = (now: number, most: number) =>
    this.db
      .selectFrom("servedNames")
      .select(["hostname", "state", "since"])
      .where("nextCheckAt", "<=", now)
      .orderBy("nextCheckAt")
      .limit(most)
      .execute()

  async note(hostname: string, seen: Omit<ServedNameRow, "hostname">): Promise<void> {
    await this.db.updateTable("servedNames").set(seen).where("hostname", "=", hostname).execute()
  }

  async forget(hostname: string): Promise<void> {
    await this.db.deleteFrom("servedNames").where("hostname", "=", hostname).execute()
  }

  find = (hostname: string): Promise<ServedNameRow | undefined> =>
    this.db.selectFrom("servedNames").selectAll().where("hostname", "=", hostname).executeTakeFirst()

  inTrouble = () =>
    this.db
      .selectFrom("servedNames")
      .select(["hostname", "state", "detail", "since"])
      .where("state", "not in", ["ok", "unseen"])
      .orderBy("since")
      .orderBy("hostname")
      .limit(listed)
      .execute()

  /** How many names there are, were seen, and are in trouble. */
  async counts(): Promise<{ total: number; seen: number; trouble: number }> {
    const { total, seen, trouble } = await this.db
      .selectFrom("servedNames")
      .select([
        sql<number>`count(*)`.as("total"),
        sql<number>`coalesce(sum(checked_at is not null), 0)`.as("seen"),
        sql<number>`coalesce(sum(state not in ('ok', 'unseen')), 0)`.as("trouble"),
      ])
      .executeTakeFirstOrThrow()
    return { total: Number(total), seen: Number(seen), trouble: Number(trouble) }
  }
}
