// Names below a wildcard, of which there are as many as somebody thinks up: each that a proxy may certify costs its CA's limits. A name that has a route of
// its own was proved, and is not counted here. Answers come from memory; the store only lets a restart know what was allowed, and an answer waits for it
// never: while the store is busy or broken, what is known stands.

import type { Db } from "../db/open"

const DAY_MS = 24 * 3_600_000
const WEEK_MS = 7 * DAY_MS
/** A name that nobody asked about for so long has no certificate any more. */
const FORGOTTEN_AFTER_MS = 100 * DAY_MS
const maxRefused = 10_000
const maxLabels = 10

export type AskedNamesOptions = {
  db: Db
  /** How many names may be allowed anew in a week: of one registered domain, and in all. */
  budgets: () => { domain: number; overall: number }
  registeredDomain: (hostname: string) => string | undefined
  /** A name could not be written down. */
  onFault: (error: unknown) => void
  now: () => number
  /** How many names are remembered. */
  size?: number
}

type Known = { firstAt: number; lastAt: number }

/** Which names below wildcards have been allowed a certificate, and how many more may be. */
export class AskedNames {
  /** The one not asked about for longest comes first. */
  private known = new Map<string, Known>()
  private recent = new Map<string, number[]>()
  private recentOverall: number[] = []
  /** Until when a name is refused, so that a flood of one name costs one look. */
  private refused = new Map<string, number>()

  constructor(private options: AskedNamesOptions) {}

  /** What was allowed before the restart. */
  async load(): Promise<void> {
    const { db, now, size = 50_000 } = this.options
    await db
      .deleteFrom("askedNames")
      .where("lastAt", "<", now() - FORGOTTEN_AFTER_MS)
      .execute()
    const rows = await db.selectFrom("askedNames").selectAll().orderBy("lastAt", "desc").limit(size).execute()
    for (const { hostname, firstAt, lastAt } of rows.reverse()) {
      this.known.set(hostname, { firstAt, lastAt })
      this.count(hostname, firstAt)
    }
    this.recentOverall.sort((a, b) => a - b)
  }

  /** Whether a name below a wildcard may have a certificate of its own. Answers at once. */
  allows(hostname: string): boolean {
    if (!isSensible(hostname)) return false
    const { now } = this.options
    const known = this.known.get(hostname)
    if (known !== undefined) {
      this.touch(hostname, known)
      return true
    }
    const refusedUntil = this.refused.get(hostname)
    if (refusedUntil !== undefined && refusedUntil > now() && refusedUntil - now() <= WEEK_MS) return false
    const fullUntil = this.fullUntil(hostname)
    if (fullUntil !== undefined) {
      if (this.refused.size >= maxRefused) this.refused.delete(this.refused.keys().next().value!)
      this.refused.set(hostname, fullUntil)
      return false
    }
    this.admit(hostname)
    return true
  }

  /** The names with a route have changed, and so may the answers. */
  changed(): void {
    this.refused.clear()
  }

  private fullUntil(hostname: string): number | undefined {
    const { budgets, now } = this.options
    const { domain, overall } = budgets()
    // What a clock that was ahead wrote down counts from now on, and not until that time has come.
    const recent = (times: number[]) => times.map((at) => Math.min(at, now())).filter((at) => at > now() - WEEK_MS)
    this.recentOverall = recent(this.recentOverall)
    const domainName = this.domainOf(hostname)
    const own = recent(this.recent.get(domainName) ?? [])
    if (this.recent.has(domainName)) this.recent.set(domainName, own)
    const full = [
      [own, domain],
      [this.recentOverall, overall],
    ] as const
    const ends = full.flatMap(([times, budget]) => (times.length < budget ? [] : [(times[times.length - budget] ?? now()) + WEEK_MS]))
    return ends.length === 0 ? undefined : Math.max(...ends)
  }

  private admit(hostname: string): void {
    const at = this.options.now()
    this.count(hostname, at)
    this.keep(hostname, { firstAt: at, lastAt: at })
  }

  private count(hostname: string, at: number): void {
    const since = this.options.now() - WEEK_MS
    if (at <= since) return
    const domain = this.domainOf(hostname)
    // Set anew, so that the domain that was counted last comes last; those of a week ago go.
    const times = [...(this.recent.get(domain) ?? []), at].filter((one) => one > since).sort((a, b) => a - b)
    this.recent.delete(domain)
    this.recent.set(domain, times)
    this.recentOverall.push(at)
    for (const [oldest, its] of this.recent) {
      if ((its.at(-1) ?? 0) > since) break
      this.recent.delete(oldest)
    }
  }

  /** Written down once a day at most. */
  private touch(hostname: string, known: Known): void {
    const at = this.options.now()
    if (at - known.lastAt >= DAY_MS) return this.keep(hostname, { firstAt: known.firstAt, lastAt: at })
    this.known.delete(hostname)
    this.known.set(hostname, known)
  }

  private keep(hostname: string, known: Known): void {
    const { db, size = 50_000, onFault } = this.options
    this.known.delete(hostname)
    this.known.set(hostname, known)
    const write = async () => {
      await db
        .insertInto("askedNames")
        .values({ hostname, ...known })
        .onConflict((c) => c.column("hostname").doUpdateSet({ lastAt: known.lastAt }))
        .execute()
      for (const oldest of this.known.keys()) {
        if (this.known.size <= size) break
        this.known.delete(oldest)
        await db.deleteFrom("askedNames").where("hostname", "=", oldest).execute()
      }
    }
    write().catch(onFault)
  }

  private domainOf = (hostname: string) => this.options.registeredDomain(hostname) ?? hostname
}

/** No address, not deeper than anybody's names are, and no label again and again, as those have that follow certificates they find in public logs. */
export function isSensible(hostname: string): boolean {
  const labels = hostname.split(".")
  if (labels.length > maxLabels || /^\d+$/.test(labels.at(-1) ?? "")) return false
  const counts = new Map<string, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  return Math.max(...counts.values()) < 3
}
