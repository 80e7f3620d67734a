import type { Db } from "../db/open"
import type { OwnedDomainRow } from "../db/schema"
import type { OwnedDomain } from "./model"

/** Every query on `owned_domains`. Knows rows, not rules. */
export class ZoneStore {
  constructor(private db: Db) {}

  /** The oldest first. */
  async list(personId: string): Promise<OwnedDomain[]> {
    const rows = await this.db
      .selectFrom("ownedDomains")
      .selectAll()
      .where("personId", "=", personId)
      .orderBy("createdAt")
      .orderBy("id")
      .execute()
    return rows.map(parseRow)
  }

  async find(personId: string, id: string): Promise<OwnedDomain | undefined> {
    const row = await this.db
      .selectFrom("ownedDomains")
      .selectAll()
      .where("id", "=", id)
      .where("personId", "=", personId)
      .executeTakeFirst()
    return row && parseRow(row)
  }

  /** False when the person has `limit` of them: counted by the statement that inserts, so that two requests cannot both be the last. */
  async insert(domain: OwnedDomain, limit: number): Promise<boolean> {
    const count = this.db
      .selectFrom("ownedDomains")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("personId", "=", domain.personId)
    const row = await this.db
      .insertInto("ownedDomains")
      .columns(["id", "personId", "sealedToken", "zones", "createdAt"])
      .expression(
        this.db
          .selectNoFrom((eb) => [
            eb.val(domain.id).as("id"),
            eb.val(domain.personId).as("personId"),
            eb.val(domain.sealedToken).as("sealedToken"),
            eb.val(JSON.stringify(domain.zones)).as("zones"),
            eb.val(domain.createdAt).as("createdAt"),
          ])
          .where((eb) => eb(count, "<", limit)),
      )
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }

  /** False when the row is gone. */
  async setZones(id: string, zones: string[]): Promise<boolean> {
    const row = await this.db
      .updateTable("ownedDomains")
      .set({ zones: JSON.stringify(zones) })
      .where("id", "=", id)
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }

  /** Puts another token with its zones in the place of the old one; false when the row is gone. */
  async replace(personId: string, id: string, sealedToken: string, zones: string[]): Promise<boolean> {
    const row = await this.db
      .updateTable("ownedDomains")
      .set({ sealedToken, zones: JSON.stringify(zones) })
      .where("id", "=", id)
      .where("personId", "=", personId)
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }

  async delete(personId: string, id: string): Promise<boolean> {
    const row = await this.db
      .deleteFrom("ownedDomains")
      .where("id", "=", id)
      .where("personId", "=", personId)
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }
}

function parseRow(row: OwnedDomainRow): OwnedDomain {
  return { ...row, zones: JSON.parse(row.zones) as string[] }
}
