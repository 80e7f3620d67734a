import type { Db } from "../db/open"
import type { IngressRuleRow } from "../db/schema"

/** Every query on `ingress_rules`. */
export class RuleStore {
  constructor(private db: Db) {}

  /** Those of everybody. */
  all = () => this.db.selectFrom("ingressRules").selectAll().orderBy("containerId").orderBy("port").execute()

  /** Those of all containers of a person. */
  ofPerson = (personId: string) =>
    this.db
      .selectFrom("ingressRules")
      .innerJoin("containers", "containers.id", "ingressRules.containerId")
      .selectAll("ingressRules")
      .where("personId", "=", personId)
      .execute()

  /** By port. */
  list = (containerId: string) =>
    this.db.selectFrom("ingressRules").selectAll().where("containerId", "=", containerId).orderBy("port").execute()

  /** A rule for a port that has one changes its target and keeps its id. */
  put(rule: Omit<IngressRuleRow, "id">): Promise<IngressRuleRow> {
    return this.db
      .insertInto("ingressRules")
      .values(rule)
      .onConflict((conflict) => conflict.columns(["containerId", "port"]).doUpdateSet({ targetPort: rule.targetPort }))
      .returningAll()
      .executeTakeFirstOrThrow()
  }

  async delete(containerId: string, port: number): Promise<boolean> {
    const row = await this.db
      .deleteFrom("ingressRules")
      .where("containerId", "=", containerId)
      .where("port", "=", port)
      .returning("id")
      .executeTakeFirst()
    return row !== undefined
  }
}
