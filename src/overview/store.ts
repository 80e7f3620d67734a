import { sql } from "kysely"
import type { Db } from "../db/open"
import { maxAttention } from "./model"

/** A pending mapping that was looked at so often, or waits so long, is stuck. */
const patientChecks = 5
export const patientMs = 10 * 60_000
/** A renewal that is overdue so long was tried in vain. */
const overdueMs = 12 * 3_600_000

const total = sql<number>`count(*) over ()`.as("total")

/** What a person's things look like from afar; each question is one query, whatever their number. */
export class OverviewStore {
  constructor(private db: Db) {}

  mappingStates = (personId: string) =>
    this.db
      .selectFrom("domainMappings")
      .select(["status", (e) => e.fn.countAll<number>().as("count")])
      .where("personId", "=", personId)
      .groupBy("status")
      .execute()

  connectionStates = (personId: string) =>
    this.db
      .selectFrom("connections")
      .select(["state", (e) => e.fn.countAll<number>().as("count")])
      .where("personId", "=", personId)
      .where("state", "!=", "archived")
      .groupBy("state")
      .execute()

  containerStates = (personId: string) =>
    this.db
      .selectFrom("containers")
      .select(["status", (e) => e.fn.countAll<number>().as("count")])
      .where("personId", "=", personId)
      .groupBy("status")
      .execute()

  stuckMappings = (personId: string, now: number) =>
    this.db
      .selectFrom("domainMappings")
      .select(["id", "domain", "status", "verifyToken", "windowStartedAt", "lastDetail", total])
      .where("personId", "=", personId)
      .where((e) =>
        e.or([
          e("status", "=", "failed"),
          e.and([e("status", "=", "pending"), e.or([e("checks", ">=", patientChecks), e("windowStartedAt", "<=", now - patientMs)])]),
        ]),
      )
      .orderBy(sql`status = 'failed'`, "desc")
      .orderBy("windowStartedAt")
      .limit(maxAttention)
      .execute()

  stuckConnections = (personId: string, now: number) =>
    this.db
      .selectFrom("connections")
      .select(["id", "hostname", "state", "changedAt", "errorCode", "errorDetail", total])
      .where("personId", "=", personId)
      .where((e) =>
        e.or([
          e("state", "in", ["failed", "drifted", "stalled"]),
          e("errorCode", "=", "address_changed"),
          e.and([e("state", "not in", ["live", "archived"]), e("changedAt", "<=", now - patientMs)]),
        ]),
      )
      .orderBy(sql`state in ('failed', 'drifted')`, "desc")
      .orderBy("changedAt")
      .limit(maxAttention)
      .execute()

  /** How many names' records lead to an address that was ours, for somebody else to change. */
  waitingForAddress = async () => {
    const { count } = await this.db
      .selectFrom("connections")
      .select((e) => e.fn.countAll<number>().as("count"))
      .where("state", "=", "live")
      .where("errorCode", "=", "address_changed")
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  failedContainers = (personId: string) =>
    this.db
      .selectFrom("containers")
      .select(["id", "name", "statusDetail", total])
      .where("personId", "=", personId)
      .where("status", "=", "failed")
      .orderBy("name")
      .limit(maxAttention)
      .execute()

  /** Names of a person whose certificate cannot be had or renewed. */
  failingCertificates = (personId: string) =>
    this.ownCertificates(personId).where("a.failures", ">", 0).orderBy("a.lastAttemptAt", "desc").limit(maxAttention).execute()

  /** Names of a person whose certificate should have been renewed long ago, though nothing failed. */
  overdueCertificates = async (personId: string, now: number) => {
    const overdue = this.db
      .selectFrom("certificates")
      .select("hostname")
      .where("renewAt", "<", now - overdueMs)
    return this.ownCertificates(personId)
      .where("h.hostname", "in", overdue)
      .where((e) => e.or([e("a.failures", "is", null), e("a.failures", "=", 0)]))
      .limit(maxAttention)
      .execute()
  }

  /**
   * Names that are held, or lie in the base domain, whose certificate cannot be renewed (often refused, or refused while little of its time is left) or
   * should have been long ago; those that end first come first.
   */
  async renewalsInTrouble(baseDomain: string, now: number, failures: number) {
    const { rows } = await sql<{ hostname: string; failures: number | null; problem: string | null; renewAt: number; notAfter: number }>`
      select c.hostname, a.failures, a.problem, c.renew_at, c.not_after from certificates c
      left join certificate_attempts a on a.hostname = c.hostname
      where c.renew_at < ${now}
        and (a.failures >= ${failures}
          or (a.failures > 0 and c.not_after - ${now} < (c.not_after - c.not_before) / 6)
          or (coalesce(a.failures, 0) = 0 and c.renew_at < ${now - overdueMs}))
        and (c.hostname in (select hostname from held_names) or c.hostname = ${baseDomain}
          or substr(c.hostname, -${baseDomain.length + 1}) = ${`.${baseDomain}`})
      order by c.not_after, c.hostname limit 1000`.execute(this.db)
    return rows
  }

  /** How many names in the house have a certificate, and how many cannot have theirs or renew it. */
  async certificates(): Promise<{ total: number; failing: number }> {
    const { rows } = await sql<{ total: number; failing: number }>`
      select (select count(*) from certificates) as total, (select count(*) from certificate_attempts where failures > 0) as failing`.execute(
      this.db,
    )
    return rows[0] ?? { total: 0, failing: 0 }
  }

  async storageFaults(): Promise<{ count: number; since: number | null }> {
    const { count, since } = await this.db
      .selectFrom("storageFaults")
      .select((e) => [e.fn.countAll<number>().as("count"), e.fn.min("foundAt").as("since")])
      .executeTakeFirstOrThrow()
    return { count: Number(count), since: since as number | null }
  }

  /** A person's requests of one hour, by mapping and connection, as far as they were written. */
  async hour(personId: string, start: number): Promise<{ id: string; requests: number; errors: number; bytes: number }[]> {
    const end = start + 3_600_000
    const own = sql`
      select id from domain_mappings where person_id = ${personId} union all select id from connections where person_id = ${personId}`
    const counts = sql`sum(requests) as requests, sum(status5xx) as errors, sum(bytes_in + bytes_out) as bytes`
    const of = (table: string) => sql`
      select holder_id as id, ${counts} from ${sql.table(table)} where start >= ${start} and start < ${end} and +holder_id in (${own}) group by holder_id`
    const { rows } = await sql<{ id: string; requests: number; errors: number; bytes: number }>`
      select id, sum(requests) as requests, sum(errors) as errors, sum(bytes) as bytes
      from (${of("traffic_minutes")} union all ${of("traffic_hours")}) group by id order by sum(requests) desc`.execute(this.db)
    return rows
  }

  /** The names of mappings and connections; an archived one has none any more. */
  async names(ids: string[]): Promise<{ id: string; kind: "mapping" | "connection"; domain: string }[]> {
    const mappings = await this.db.selectFrom("domainMappings").select(["id", "domain"]).where("id", "in", ids).execute()
    const connections = await this.db
      .selectFrom("connections")
      .select(["id", "hostname as domain"])
      .where("id", "in", ids)
      .where("state", "!=", "archived")
      .execute()
    return [
      ...mappings.map(({ id, domain }) => ({ id, kind: "mapping" as const, domain })),
      ...connections.map(({ id, domain }) => ({ id, kind: "connection" as const, domain })),
    ]
  }

  private ownCertificates(personId: string) {
    return this.db
      .selectFrom("heldNames as h")
      .leftJoin("domainMappings as m", (join) => join.onRef("m.id", "=", "h.holderId").on("h.kind", "=", "mapping"))
      .leftJoin("connections as v", (join) => join.onRef("v.id", "=", "h.holderId").on("h.kind", "=", "connection"))
      .leftJoin("certificateAttempts as a", "a.hostname", "h.hostname")
      .leftJoin("certificates as c", "c.hostname", "h.hostname")
      .where(sql<boolean>`coalesce(m.person_id, v.person_id) = ${personId}`)
      .select(["h.hostname", "h.kind", "h.holderId", "a.problem", "a.lastAttemptAt", "a.nextAttemptAt", "c.renewAt", "c.notAfter", total])
  }
}
