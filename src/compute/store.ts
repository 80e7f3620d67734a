import type { Db } from "../db/open"
import type { ContainerRow } from "../db/schema"
import { InstanceTypeStore } from "./instance-type-store"
import { RegistryStore } from "./registry-store"
import { RuleStore } from "./rule-store"
import { VolumeStore } from "./volume-store"

/** Every query on `containers`, and the stores of what belongs to them. Knows rows, not rules. */
export class ContainerStore {
  readonly rules: RuleStore
  readonly instanceTypes: InstanceTypeStore
  readonly volumes: VolumeStore
  readonly registries: RegistryStore

  constructor(private db: Db) {
    this.rules = new RuleStore(db)
    this.instanceTypes = new InstanceTypeStore(db)
    this.volumes = new VolumeStore(db)
    this.registries = new RegistryStore(db)
  }

  /** Those of everybody. */
  all = () => this.db.selectFrom("containers").selectAll().orderBy("createdAt").orderBy("id").execute()

  /** How many there are of everybody, by status; external ones, which have none, are left out. */
  countByStatus = () =>
    this.db
      .selectFrom("containers")
      .select((e) => ["status" as const, e.fn.countAll<number>().as("count")])
      .where("kind", "=", "engine")
      .groupBy("status")
      .execute()

  /** Those of everybody, with the names of their owners, the newest first. */
  allWithOwners = () =>
    this.db
      .selectFrom("containers")
      .innerJoin("people", "people.id", "containers.personId")
      .selectAll("containers")
      .select("people.username as owner")
      .orderBy("containers.createdAt", "desc")
      .orderBy("containers.id", "desc")
      .execute()

  /** The adopted container that this one of the engine is. */
  adoptedAs = (engineId: string) =>
    this.db.selectFrom("containers").select("id").where("engineId", "=", engineId).where("adopted", "=", 1).executeTakeFirst()

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

  /** How many containers of an engine the person has made. */
  async count(personId: string): Promise<number> {
    const row = await this.counted(personId).executeTakeFirstOrThrow()
    return Number(row.count)
  }

  /**
   * False when the person has `limit` containers of an engine, counted by the statement that inserts, so that two requests cannot both be the
   * last; or when the id is taken. External and adopted ones are not counted.
   */
  async insert(row: ContainerRow, limit: number): Promise<boolean> {
    const { db } = this
    const columns = Object.keys(row) as (keyof ContainerRow)[]
    const inserted = await db
      .insertInto("containers")
      .columns(columns)
      .expression(
        db
          .selectNoFrom((eb) => columns.map((column) => eb.val(row[column]).as(column)))
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

  /** Takes an adopted one out of the store; false when it is none, is gone, or a mapping leads to it. */
  async release(id: string): Promise<boolean> {
    const row = await this.db
      .deleteFrom("containers")
      .where("id", "=", id)
      .where("adopted", "=", 1)
      .where((eb) => eb.not(eb.exists(eb.selectFrom("domainMappings").select("domainMappings.id").where("containerId", "=", id))))
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }

  private counted(personId: string) {
    return this.db
      .selectFrom("containers")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("personId", "=", personId)
      .where("kind", "=", "engine")
      .where("adopted", "=", 0)
  }
}
