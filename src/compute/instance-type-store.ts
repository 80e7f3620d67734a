import type { Db } from "../db/open"
import type { InstanceTypeRow } from "../db/schema"

/** Every query on `instance_types`. */
export class InstanceTypeStore {
  constructor(private db: Db) {}

  list = () => this.db.selectFrom("instanceTypes").selectAll().orderBy("position").orderBy("name").execute()

  find = (name: string) => this.db.selectFrom("instanceTypes").selectAll().where("name", "=", name).executeTakeFirst()

  /** Makes it, behind the others, or changes it. */
  put(type: Omit<InstanceTypeRow, "position">): Promise<InstanceTypeRow> {
    return this.db
      .insertInto("instanceTypes")
      .columns(["name", "cpus", "pids", "position"])
      .expression((eb) =>
        eb
          .selectFrom("instanceTypes")
          .select((one) => [
            one.val(type.name).as("name"),
            one.val(type.cpus).as("cpus"),
            one.val(type.pids).as("pids"),
            one(one.fn.coalesce(one.fn.max("position"), one.lit(-1)), "+", one.lit(1)).as("position"),
          ])
          // Without it SQLite reads ON CONFLICT as the ON of a join.
          .where((one) => one(one.lit(1), "=", one.lit(1))),
      )
      .onConflict((conflict) => conflict.column("name").doUpdateSet({ cpus: type.cpus, pids: type.pids }))
      .returningAll()
      .executeTakeFirstOrThrow()
  }

  /** False when there is none, or some container has it. */
  async delete(name: string): Promise<boolean> {
    const row = await this.db
      .deleteFrom("instanceTypes")
      .where("name", "=", name)
      .where((eb) => eb.not(eb.exists(eb.selectFrom("containers").select("id").where("instanceType", "=", name))))
      .returning("name")
      .executeTakeFirst()
    return row !== undefined
  }
}
