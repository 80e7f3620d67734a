import type { Db } from "../db/open"
import type { VolumeRow } from "../db/schema"

/** Every query on `volumes`. */
export class VolumeStore {
  constructor(private db: Db) {}

  list = (containerId: string) => this.db.selectFrom("volumes").selectAll().where("containerId", "=", containerId).orderBy("path").execute()

  /** The one that was there, where the path has one already. */
  async ensure(volume: VolumeRow): Promise<VolumeRow> {
    await this.db
      .insertInto("volumes")
      .values(volume)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    return this.db
      .selectFrom("volumes")
      .selectAll()
      .where("containerId", "=", volume.containerId)
      .where("path", "=", volume.path)
      .executeTakeFirstOrThrow()
  }

  async delete(id: string): Promise<boolean> {
    return (await this.db.deleteFrom("volumes").where("id", "=", id).returning("id").executeTakeFirst()) !== undefined
  }
}
