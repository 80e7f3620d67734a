import { sql } from "kysely"
import type { Db } from "../db/open"
import { AppError } from "../errors"

/** One name of the list: its certificate, its trouble, or both. */
export type CertificateEntry = {
  hostname: string
  issuer: string | null
  notBefore: number | null
  notAfter: number | null
  renewAt: number | null
  failures: number
  lastAttemptAt: number | null
  nextAttemptAt: number | null
  problem: string | null
  holderKind: "mapping" | "connection" | null
  holderId: string | null
  username: string | null
}

export type CertificateQuery = { q: string; isFailing: boolean; limit: number; after: { end: number; hostname: string } | undefined }

const standardPage = 100
const maxPage = 500

/** Reads `q`, `state=failing`, `limit` and `cursor`; throws `invalid` naming the field. */
export function parseCertificateQuery(query: URLSearchParams): CertificateQuery {
  const limit = query.get("limit") ?? String(standardPage)
  if (!/^[1-9]\d{0,2}$/.test(limit) || Number(limit) > maxPage)
    throw new AppError("invalid", `limit must be a whole number from 1 to ${maxPage}`)
  const state = query.get("state") ?? ""
  if (state !== "" && state !== "failing") throw new AppError("invalid", "state must be failing, or left out")
  const q = (query.get("q") ?? "").trim().toLowerCase()
  if (q.length > 253) throw new AppError("invalid", "q is longer than 253 characters")
  return { q, isFailing: state === "failing", limit: Number(limit), after: parseCursor(query.get("cursor")) }
}

function parseCursor(text: string | null): CertificateQuery["after"] {
  if (text === null || text === "") return undefined
  const [, end, hostname] = /^(\d{1,16})\.(\S{1,255})$/.exec(Buffer.from(text, "base64url").toString("latin1")) ?? []
  if (end === undefined || hostname === undefined) throw new AppError("invalid", "cursor must be the next_cursor of an earlier page")
  return { end: Number(end), hostname }
}

/** Every name that has a certificate or an attempt at one, those that end first before the others. */
export class CertificateList {
  constructor(private db: Db) {}

  /** One more row than `limit` where there is one. */
  async page({ q, isFailing, limit, after }: CertificateQuery): Promise<CertificateEntry[]> {
    let query = this.all()
    // A pattern would give some characters a meaning.
    if (q !== "") query = query.where(sql<boolean>`instr(n.hostname, ${q}) > 0`)
    if (isFailing) query = query.where("a.failures", ">", 0)
    if (after !== undefined) query = query.where(sql<boolean>`(coalesce(c.not_after, 0), n.hostname) > (${after.end}, ${after.hostname})`)
    return query
      .orderBy(sql`coalesce(c.not_after, 0)`)
      .orderBy("n.hostname")
      .limit(limit + 1)
      .execute()
  }

  /** How many there are, cannot be renewed now, and end before a time. */
  async counts(before: number): Promise<{ total: number; failing: number; ending: number }> {
    const { rows } = await sql<{ total: number; failing: number; ending: number }>`
      select (select count(*) from certificates) as total,
        (select count(*) from certificate_attempts where failures > 0) as failing,
        (select count(*) from certificates where not_after < ${before}) as ending`.execute(this.db)
    return rows[0] ?? { total: 0, failing: 0, ending: 0 }
  }

  /** How many certificates each issuer has made of those that are there. */
  async byIssuer(): Promise<Map<string, number>> {
    const rows = await this.db
      .selectFrom("certificates")
      .select(["issuer", (e) => e.fn.countAll<number>().as("count")])
      .groupBy("issuer")
      .execute()
    return new Map(rows.map(({ issuer, count }) => [issuer, Number(count)]))
  }

  /** ACME accounts by directory, with when each was made. */
  async accounts(): Promise<Map<string, { accountUrl: string | null; createdAt: number }>> {
    const rows = await this.db.selectFrom("issuerAccounts").select(["issuer", "accountUrl", "createdAt"]).execute()
    return new Map(rows.map(({ issuer, ...account }) => [issuer, account]))
  }

  private all() {
    const names = this.db
      .selectFrom("certificates")
      .select("hostname")
      .union(this.db.selectFrom("certificateAttempts").select("hostname"))
      .as("n")
    return this.db
      .selectFrom(names)
      .leftJoin("certificates as c", "c.hostname", "n.hostname")
      .leftJoin("certificateAttempts as a", "a.hostname", "n.hostname")
      .leftJoin("heldNames as h", "h.hostname", "n.hostname")
      .leftJoin("domainMappings as m", (join) => join.onRef("m.id", "=", "h.holderId").on("h.kind", "=", "mapping"))
      .leftJoin("connections as v", (join) => join.onRef("v.id", "=", "h.holderId").on("h.kind", "=", "connection"))
      .leftJoin("people as p", (join) => join.on(sql<boolean>`p.id = coalesce(m.person_id, v.person_id)`))
      .select([
        "n.hostname",
        "c.issuer",
        "c.notBefore",
        "c.notAfter",
        "c.renewAt",
        sql<number>`coalesce(a.failures, 0)`.as("failures"),
        "a.lastAttemptAt",
        "a.nextAttemptAt",
        "a.problem",
        "h.kind as holderKind",
        "h.holderId",
        "p.username",
      ])
  }
}
