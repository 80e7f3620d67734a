import type { Db } from "../db/open"
import type { ContainerRow } from "../db/schema"

/** Every query on `containers`. Knows rows, not rules. */
export class ContainerStore {
  constructor(private db: Db) {}

  /** Those of everybody. */
  all = () => this.db.selectFrom("containers").selectAll().orderBy("createdAt").orderBy("id").execute()

  /** The newest first. */
  list(personId: string): Promise<ContainerRow[]> {
    return this.db
      .selectFrom("containers")
      .selectAll()
      .where("personId", "=", personId)
      .orderBy("createdAt", "desc")
      .orderBy("id", "desc")
      .execute()
  }

  find(id: string): Promise<ContainerRow | undefined> {
    return this.db.selectFrom("containers").selectAll().where("id", "=", id).executeTakeFirst()
  }

  /** How many containers of an engine the person has. */
  async count(personId: string): Promise<number> {
    const row = await this.counted(personId).executeTakeFirstOrThrow()
    return Number(row.count)
  }

  /**
   * False when the person has `limit` containers of an engine, counted by the statement that inserts, so that two requests cannot both be the
   * last; or when the id is taken. External ones are not counted.
   */
  async insert(row: ContainerRow, limit: number): Promise<boolean> {
    const { db } = this
    const inserted = await db
      .insertInto("containers")
      .columns([
        "id",
        "personId",
        "name",
        "kind",
        "image",
        "memoryMb",
        "storageGb",
        "instanceType",
        "pullPolicy",
        "desired",
        "status",
        "statusDetail",
        "engineId",
        "address",
        "ports",
        "createdAt",
      ])
      .expression(
        db
          .selectNoFrom((eb) => [
            eb.val(row.id).as("id"),
            eb.val(row.personId).as("personId"),
            eb.val(row.name).as("name"),
            eb.val(row.kind).as("kind"),
            eb.val(row.image).as("image"),
            eb.val(row.memoryMb).as("memoryMb"),
            eb.val(row.storageGb).as("storageGb"),
            eb.val(row.instanceType).as("instanceType"),
            eb.val(row.pullPolicy).as("pullPolicy"),
            eb.val(row.desired).as("desired"),
            eb.val(row.status).as("status"),
            eb.val(row.statusDetail).as("statusDetail"),
            eb.val(row.engineId).as("engineId"),
            eb.val(row.address).as("address"),
            eb.val(row.ports).as("ports"),
            eb.val(row.createdAt).as("createdAt"),
          ])
          .where((eb) => eb.or([eb(eb.val(row.kind), "=", eb.val("external" as const)), eb(this.counted(row.personId), "<", limit)])),
      )
      .onConflict((conflict) => conflict.doNothing())
      .returning("id")
      .executeTakeFirst()
    return inserted !== undefined
  }

  /** False when the row is gone. */
  async update(id: string, change: Partial<Omit<ContainerRow, "id">>): Promise<boolean> {
    const row = await this.db.updateTable("containers").set(change).where("id", "=", id).returning("id").executeTakeFirst()
    return row !== undefined
  }

  /** Its mappings go with it. */
  async delete(id: string): Promise<boolean> {
    const row = await this.db.deleteFrom("containers").where("id", "=", id).returning("id").executeTakeFirst()
    return row !== undefined
  }

  private counted(personId: string) {
    return this.db
      .selectFrom("containers")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("personId", "=", personId)
      .where("kind", "=", "engine")
  }
}
