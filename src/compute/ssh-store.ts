import type { Db } from "../db/open"
import type { ContainerRow, SshKeyRow } from "../db/schema"

/** What of a container decides whether and where its owner may log in. */
export type SshContainerRow = Pick<ContainerRow, "id" | "personId" | "kind" | "status" | "engineId" | "address" | "sshEnabled"> & {
  /** When its owner was shut out; null while they may sign in. */
  disabledAt: number | null
}

/** Every query on `people_ssh_keys`, and on the switch of a container. Knows rows, not rules. */
export class SshStore {
  constructor(private db: Db) {}

  /** The newest first. */
  keys(personId: string): Promise<SshKeyRow[]> {
    return this.db.selectFrom("peopleSshKeys").selectAll().where("personId", "=", personId).orderBy("id", "desc").execute()
  }

  /**
   * The new row, `limit` when the person has that many, counted by the statement that inserts, and `duplicate` when the person has that
   * fingerprint already.
   */
  async insert(row: Omit<SshKeyRow, "id">, limit: number): Promise<SshKeyRow | "limit" | "duplicate"> {
    const { db } = this
    const inserted = await db
      .insertInto("peopleSshKeys")
      .columns(["personId", "name", "publicKey", "fingerprint", "createdAt"])
      .expression(
        db
          .selectNoFrom((eb) => [
            eb.val(row.personId).as("personId"),
            eb.val(row.name).as("name"),
            eb.val(row.publicKey).as("publicKey"),
            eb.val(row.fingerprint).as("fingerprint"),
            eb.val(row.createdAt).as("createdAt"),
          ])
          .where((eb) => eb(this.counted(row.personId), "<", limit)),
      )
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst()
    return inserted ?? ((await this.find(row.personId, row.fingerprint)) === undefined ? "limit" : "duplicate")
  }

  find(personId: string, fingerprint: string): Promise<SshKeyRow | undefined> {
    return this.db
      .selectFrom("peopleSshKeys")
      .selectAll()
      .where("personId", "=", personId)
      .where("fingerprint", "=", fingerprint)
      .executeTakeFirst()
  }

  /** False when the person has no such key. */
  async delete(personId: string, id: number): Promise<boolean> {
    const row = await this.db
      .deleteFrom("peopleSshKeys")
      .where("personId", "=", personId)
      .where("id", "=", id)
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }

  container(id: string): Promise<SshContainerRow | undefined> {
    return this.db
      .selectFrom("containers")
      .innerJoin("people", "people.id", "containers.personId")
      .select([
        "containers.id",
        "containers.personId",
        "containers.kind",
        "containers.status",
        "containers.engineId",
        "containers.address",
        "containers.sshEnabled",
        "people.disabledAt",
      ])
      .where("containers.id", "=", id)
      .executeTakeFirst()
  }

  /** False when the person has no such container. */
  async switchSsh(personId: string, id: string, enabled: boolean): Promise<boolean> {
    const row = await this.db
      .updateTable("containers")
      .set({ sshEnabled: enabled ? 1 : 0 })
      .where("personId", "=", personId)
      .where("id", "=", id)
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }

  private counted(personId: string) {
    return this.db
      .selectFrom("peopleSshKeys")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("personId", "=", personId)
  }
}
