import type { ConnectionRow, ConnectionState } from "../db/connect-schema"
import type { Db } from "../db/open"
import type { After } from "../paging"
import { isAfter } from "./application-store"
import type { View } from "./model"

export type ConnectionFilter = { state?: ConnectionState; hostname?: string; batchId?: string }

/** A proven or unproven name that somebody else may not take. */
export type Holder = { kind: "mapping" | "connection"; holderId: string }

/** Every query on `connections`. Knows rows, not rules; who writes more in the same step passes the transaction. */
export class ConnectionStore {
  constructor(readonly db: Db) {}

  /** The newest first, one more than `limit`. */
  list({ personId, environment, applicationId }: View, { state, hostname, batchId }: ConnectionFilter, limit: number, after?: After) {
    return this.db
      .selectFrom("connections")
      .selectAll()
      .where("personId", "=", personId)
      .$if(environment !== undefined, (q) => q.where("environment", "=", environment!))
      .$if(applicationId !== undefined, (q) => q.where("applicationId", "=", applicationId!))
      .$if(state !== undefined, (q) => q.where("state", "=", state!))
      .$if(hostname !== undefined, (q) => q.where("hostname", "=", hostname!))
      .$if(batchId !== undefined, (q) => q.where("batchId", "=", batchId!))
      .$if(after !== undefined, (q) => q.where((e) => isAfter(e, after!)))
      .orderBy("createdAt", "desc")
      .orderBy("id", "desc")
      .limit(limit + 1)
      .execute()
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

  async insert(row: ConnectionRow, db: Db): Promise<void> {
    await db.insertInto("connections").values(row).execute()
  }

  /**
   * Changes the row where it still stands in one of these states, so that of several that try one succeeds; the row as it is then, or undefined.
   * Throws the database's fault where the change would hold a name that is held.
   */
  change(id: string, from: ConnectionState[], change: Partial<ConnectionRow>, db: Db = this.db): Promise<ConnectionRow | undefined> {
    return db.updateTable("connections").set(change).where("id", "=", id).where("state", "in", from).returningAll().executeTakeFirst()
  }
}
