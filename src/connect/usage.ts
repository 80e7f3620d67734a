import type { Db } from "../db/open"
import { AppError } from "../errors"
import { invalid, notFound, shown } from "./model"

/** What is counted (connect-api.md section 2.9). */
export const usageKinds = ["connect", "active_domain", "cert", "api_call"] as const
export type UsageKind = (typeof usageKinds)[number]

type Limits = Partial<Record<UsageKind, number>>

/** Year and month of a time, UTC. */
const periodOf = (ms: number) => new Date(ms).toISOString().slice(0, 7)

const flushEvery = 100

/** What each person used, by month, and what their plan allows. One plan, `local`, is there from the start and limits nothing. */
export class Usage {
  private calls = new Map<string, number>()
  private unwritten = 0

  constructor(
    private db: Db,
    private now: () => number,
  ) {}

  /** Counts one in the caller's transaction, so that racing ones never pass a limit. Throws `payment_required`. */
  async reserve(trx: Db, personId: string, kind: UsageKind): Promise<void> {
    const { plan, limits } = await planOf(trx, personId)
    const limit = limits[kind]
    if (limit !== undefined && (await usedIn(trx, personId, periodOf(this.now()), kind)) >= limit) {
      throw new AppError("payment_required", `the plan "${plan}" allows ${limit} of ${kind} a month`, {
        reason: "QuotaExceeded",
        details: { kind, limit, plan, upgrade_url: null },
      })
    }
    await this.add(trx, personId, kind, 1)
  }

  /** Counts one in the caller's transaction, whatever the plan says. */
  count = (trx: Db, personId: string, kind: UsageKind): Promise<void> => this.add(trx, personId, kind, 1)

  /** Counts a request of a key; written in batches, so a killed process loses some. */
  noteCall(personId: string): void {
    this.calls.set(personId, (this.calls.get(personId) ?? 0) + 1)
    if (++this.unwritten >= flushEvery) void this.flush().catch(() => undefined)
  }

  /** Writes the requests counted so far. */
  async flush(): Promise<void> {
    const calls = this.calls
    this.calls = new Map()
    this.unwritten = 0
    for (const [personId, used] of calls) {
      // Whoever was deleted meanwhile has no counters any more.
      await this.add(this.db, personId, "api_call", used).catch(() => undefined)
    }
  }

  /** What was used in a month, `2026-11`, by default this one. Throws `invalid`. */
  async report(personId: string, period: string | undefined) {
    if (period !== undefined && !/^\d{4}-(0[1-9]|1[0-2])$/.test(period)) throw invalid("period must be a month such as 2026-11")
    await this.flush()
    const month = period ?? periodOf(this.now())
    const { limits } = await planOf(this.db, personId)
    const usage = []
    for (const kind of usageKinds) {
      usage.push({ kind, used: await usedIn(this.db, personId, month, kind), limit: limits[kind] ?? null })
    }
    return { period: month, usage }
  }

  /** All plans with their limits; a kind that is absent has none. */
  async plans() {
    const rows = await this.db.selectFrom("plans").selectAll().orderBy("key").execute()
    return { data: rows.map((row) => ({ key: row.key, limits: JSON.parse(row.limits) as Limits })) }
  }

  /** Makes or changes a plan. Throws `invalid`. */
  async putPlan(key: string, raw: unknown) {
    if (!/^[a-z0-9-]{1,32}$/.test(key)) throw invalid("the name of a plan has 1 to 32 lower-case letters, digits and dashes")
    const limits = parseLimits(raw)
    const row = { key, limits: JSON.stringify(limits) }
    await this.db
      .insertInto("plans")
      .values(row)
      .onConflict((c) => c.column("key").doUpdateSet({ limits: row.limits }))
      .execute()
    return { key, limits }
  }

  async subscription(personId: string) {
    const { plan, limits } = await planOf(this.db, personId)
    return { plan, limits, status: "active" }
  }

  /** Throws `not_found` for a plan or a person that is not there. */
  async subscribe(personId: string, plan: unknown) {
    if (typeof plan !== "string" || plan === "") throw invalid("plan is required")
    const known = await this.db.selectFrom("plans").select("key").where("key", "=", plan).executeTakeFirst()
    if (known === undefined) throw notFound(`plan ${shown(plan)}`)
    const person = await this.db.selectFrom("people").select("id").where("id", "=", personId).executeTakeFirst()
    if (person === undefined) throw notFound("user")
    await this.db
      .insertInto("subscriptions")
      .values({ personId, plan })
      .onConflict((c) => c.column("personId").doUpdateSet({ plan }))
      .execute()
    return this.subscription(personId)
  }

  private async add(db: Db, personId: string, kind: UsageKind, used: number): Promise<void> {
    await db
      .insertInto("usageCounters")
      .values({ personId, period: periodOf(this.now()), kind, used })
      .onConflict((c) => c.columns(["personId", "period", "kind"]).doUpdateSet((e) => ({ used: e("usageCounters.used", "+", used) })))
      .execute()
  }
}

async function planOf(db: Db, personId: string): Promise<{ plan: string; limits: Limits }> {
  const own = await db
    .selectFrom("subscriptions")
    .innerJoin("plans", "plans.key", "subscriptions.plan")
    .select(["plans.key", "plans.limits"])
    .where("personId", "=", personId)
    .executeTakeFirst()
  const row = own ?? (await db.selectFrom("plans").selectAll().where("key", "=", "local").executeTakeFirst())
  return { plan: row?.key ?? "local", limits: JSON.parse(row?.limits ?? "{}") as Limits }
}

async function usedIn(db: Db, personId: string, period: string, kind: UsageKind): Promise<number> {
  const row = await db
    .selectFrom("usageCounters")
    .select("used")
    .where("personId", "=", personId)
    .where("period", "=", period)
    .where("kind", "=", kind)
    .executeTakeFirst()
  return row?.used ?? 0
}

function parseLimits(raw: unknown): Limits {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) throw invalid('limits must be an object such as {"connect": 3}')
  const limits: Limits = {}
  for (const [kind, limit] of Object.entries(raw)) {
    if (!usageKinds.includes(kind as UsageKind)) throw invalid(`limits: ${shown(kind)} is none of ${usageKinds.join(", ")}`)
    if (limit === null) continue
    if (typeof limit !== "number" || !Number.isInteger(limit) || limit < 0)
      throw invalid(`limits.${kind} must be a whole number, or null for none`)
    limits[kind as UsageKind] = limit
  }
  return limits
}
