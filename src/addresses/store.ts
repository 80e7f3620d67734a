import type { Db } from "../db/open"
import type { PublicAddressRow } from "../db/schema"

/** Every query on `public_addresses`: those that this house has, and had. */
export class PublicAddressStore {
  constructor(private db: Db) {}

  list(): Promise<PublicAddressRow[]> {
    return this.db.selectFrom("publicAddresses").selectAll().orderBy("since").execute()
  }

  /** The house has `address` from now on, and no other of its family; `undefined` for none. Those left before `forgetBefore` are forgotten. */
  async replace(family: 4 | 6, address: string | undefined, now: number, forgetBefore: number): Promise<void> {
    await this.db.transaction().execute(async (trx) => {
      await trx
        .updateTable("publicAddresses")
        .set({ leftAt: now })
        .where("family", "=", family)
        .where("leftAt", "is", null)
        .where("address", "!=", address ?? "")
        .execute()
      await trx.deleteFrom("publicAddresses").where("leftAt", "<", forgetBefore).execute()
      if (address === undefined) return
      await trx
        .insertInto("publicAddresses")
        .values({ address, family, since: now, leftAt: null })
        // One that comes back is no longer a former one.
        .onConflict((c) => c.column("address").doUpdateSet({ since: now, leftAt: null }))
        .execute()
    })
  }
}
