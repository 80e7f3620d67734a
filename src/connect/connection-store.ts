import { sql } from "kysely"
import type { ConnectionRow, ConnectionState } from "../db/connect-schema"
import type { Db } from "../db/open"
import type { After } from "../paging"
import { isAfter } from "./application-store"
import type { View } from "./model"

/** `part` is some of the hostname. */
export type ConnectionFilter = {
  applicationId?: string
  states?: ConnectionState[]
  hostname?: string
  part?: string
  batchId?: string
}

/** How many connections of an application stand in a state. */
export type ConnectionCount = { applicationId: string; state: ConnectionState; count: number }

/** A proven or unproven name that somebody else may not take. */
export type Holder = { kind: "mapping" | "connection"; holderId: string }

/** Every query on `connections`. Knows rows, not rules; who writes more in the same step passes the transaction. */
export class ConnectionStore {
  constructor(readonly db: Db) {}

  /** How many there are of everybody, by state. */
  countByState = () =>
    this.db
      .selectFrom("connections")
      .select((e) => ["state" as const, e.fn.countAll<number>().as("count")])
      .groupBy("state")
      .execute()

  /** The newest first, one more than `limit`. */
  list({ personId, environment, applicationId }: View, filter: ConnectionFilter, limit: number, after?: After) {
    const { states, hostname, part, batchId } = filter
    return this.db
      .selectFrom("connections")
      .selectAll()
      .where("personId", "=", personId)
      .$if(environment !== undefined, (q) => q.where("environment", "=", environment!))
      .$if(applicationId !== undefined, (q) => q.where("applicationId", "=", applicationId!))
      .$if(filter.applicationId !== undefined, (q) => q.where("applicationId", "=", filter.applicationId!))
      .$if(states !== undefined, (q) => q.where("state", "in", states!))
      .$if(part !== undefined, (q) => q.where(sql<boolean>`hostname like ${`%${part!.replace(/[\\%_]/g, "\\$&")}%`} escape '\\'`))
      .$if(hostname !== undefined, (q) => q.where("hostname", "=", hostname!))
      .$if(batchId !== undefined, (q) => q.where("batchId", "=", batchId!))
      .$if(after !== undefined, (q) => q.where((e) => isAfter(e, after!)))
      .orderBy("createdAt", "desc")
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute()
  }

  /** By application and state; what has none is left out. */
  async counts({ personId, environment, applicationId }: View): Promise<ConnectionCount[]> {
    const rows = await this.db
      .selectFrom("connections")
      .select(["applicationId", "state", (e) => e.fn.countAll<number>().as("count")])
      .where("personId", "=", personId)
      .$if(environment !== undefined, (q) => q.where("environment", "=", environment!))
      .$if(applicationId !== undefined, (q) => q.where("applicationId", "=", applicationId!))
      .groupBy(["applicationId", "state"])
      .orderBy("applicationId")
      .orderBy("state")
      .execute()
    return rows.map(({ applicationId, state, count }) => ({ applicationId, state, count: Number(count) }))
  }

  /** The ids of those that are not archived. */
  async ids({ personId, environment, applicationId }: View): Promise<string[]> {
    const rows = await this.db
      .selectFrom("connections")
      .select("id")
      .where("personId", "=", personId)
      .where("state", "!=", "archived")
      .$if(environment !== undefined, (q) => q.where("environment", "=", environment!))
      .$if(applicationId !== undefined, (q) => q.where("applicationId", "=", applicationId!))
      .execute()
    return rows.map(({ id }) => id)
  }

  find({ personId, environment, applicationId }: View, id: string): Promise<ConnectionRow | undefined> {
    return this.db
      .selectFrom("connections")
      .selectAll()
      .where("id", "=", id)
      .where("personId", "=", personId)
      .$if(environment !== undefined, (q) => q.where("environment", "=", environment!))
      .$if(applicationId !== undefined, (q) => q.where("applicationId", "=", applicationId!))
      .executeTakeFirst()
  }

  byId = (id: string, db: Db = this.db) => db.selectFrom("connections").selectAll().where("id", "=", id).executeTakeFirst()

  /** Who has proved this name, over mappings and connections. */
  holder = (hostname: string, db: Db = this.db): Promise<Holder | undefined> =>
    db.selectFrom("heldNames").select(["kind", "holderId"]).where("hostname", "=", hostname).executeTakeFirst()

  /** All that hold their names, for the edge, with what their applications say of where they lead. */
  holding = () =>
    this.db
      .selectFrom("connections as connection")
      .innerJoin("applications as application", "application.id", "connection.applicationId")
      .innerJoin("people as person", "person.id", "connection.personId")
      .select("person.isAdmin")
      .select(["connection.id", "connection.personId", "connection.hostname", "connection.state", "connection.environment"])
      .select(["connection.originUrl", "connection.containerId", "connection.targetPort"])
      .select([
        "application.originUrl as ownOriginUrl",
        "application.containerId as ownContainerId",
        "application.targetPort as ownTargetPort",
      ])
      .where("connection.proof", "is not", null)
      .where("connection.state", "not in", ["failed", "archived"])
      .execute()

  /** Connections that ought to be looked at, the longest overdue first. */
  due = (now: number, limit: number) =>
    this.db.selectFrom("connections").selectAll().where("nextCheckAt", "<=", now).orderBy("nextCheckAt").limit(limit).execute()

  /** Those that want a record of this value and are not over, by id after another. */
  wanting = (value: string, after: string, limit: number) =>
    this.db
      .selectFrom("connections")
      .selectAll()
      .where("state", "not in", ["failed", "archived"])
      .where(sql<boolean>`instr(desired_records, ${`"value":${JSON.stringify(value)}`}) > 0`)
      .where("id", ">", after)
      .orderBy("id")
      .limit(limit)
      .execute()

  async insert(row: ConnectionRow, db: Db): Promise<void> {
    await db.insertInto("connections").values(row).execute()
  }

  /** How many of a person's connections wait for their proof. */
  async unproven(personId: string, db: Db): Promise<number> {
    const { count } = await db
      .selectFrom("connections")
      .select((e) => e.fn.countAll<number>().as("count"))
      .where("personId", "=", personId)
      .where("proof", "is", null)
      .where("nextCheckAt", "is not", null)
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  /** A person's connections that are not archived, for whoever deletes the person. */
  open = (personId: string) =>
    this.db.selectFrom("connections").select(["id", "hostname"]).where("personId", "=", personId).where("state", "!=", "archived").execute()

  /**
   * Changes the row where it still stands in one of these states, so that of several that try one succeeds; the row as it is then, or undefined.
   * Throws the database's fault where the change would hold a name that is held.
   */
  change(id: string, from: ConnectionState[], change: Partial<ConnectionRow>, db: Db = this.db): Promise<ConnectionRow | undefined> {
    return db.updateTable("connections").set(change).where("id", "=", id).where("state", "in", from).returningAll().executeTakeFirst()
  }
}
