import type { ApplicationRow, ConnectionLinkRow, ConnectionRow } from "../db/connect-schema"
import { AppError } from "../errors"
import type { Connections } from "./connections"
import { isLinkSecret, letterOf, linkHash, newLinkSecret, parseLinkWish } from "./link-model"
import type { LinkStore } from "./link-store"
import { challengeName, type DnsRecord, type Principal, rfc3339 } from "./model"

/** Where a hostname's records are entered, as its provider shows it. */
export type Guide = {
  /** Null where the provider is not known by name. */
  provider: string | null
  panelUrl: string | null
  /** What its form wants for a whole name. */
  hostField: (name: string) => string
}

export type LinkNeeds = {
  store: LinkStore
  connections: Pick<Connections, "own">
  byId: (id: string) => Promise<ConnectionRow | undefined>
  /** None for an application whose owner may not act. */
  application: (id: string) => Promise<ApplicationRow | undefined>
  /** Looks at everything now. Throws `HostnameConflict`. */
  look: (id: string) => Promise<unknown>
  guide: (hostname: string) => Promise<Guide>
  /** Where the pages are: `https://connect.<base>`. */
  address: () => string
  now: () => number
}

/** A record as the page shows it; `seen` is what stands there instead, empty for nothing. */
export type LinkRecord = DnsRecord & { hostField: string; purpose: "ownership" | "address"; found: boolean; seen: string }

/** All that a link shows, and nothing else. */
export type LinkView = {
  hostname: string
  application: string
  provider: string | null
  panelUrl: string | null
  records: LinkRecord[]
  state: ConnectionRow["state"]
  errorCode: string | null
  errorDetail: string | null
  redirectUrl: string | null
  /** Unix milliseconds; null where nobody looked yet. */
  checkedAt: number | null
  expiresAt: number
}

const linksPerConnection = 10
const turnMs = 5000
/** How long a page waits for a look, which goes on behind it. */
const lookWaitMs = 10_000
const guideWaitMs = 4000
const guideKeptMs = 5 * 60_000
const mostGuides = 500

const unknownGuide: Guide = { provider: null, panelUrl: null, hostField: (name) => name }

/** Links for customers: whoever has one sees one connection's records and may have them looked at, until it ends, is revoked, or the connection is archived. */
export class Links {
  private guides = new Map<string, { guide: Guide; until: number }>()

  constructor(private needs: LinkNeeds) {}

  /** Throws `invalid`, `not_found`, and `conflict` for an archived connection. The secret stands in this answer and nowhere else; of more than ten links of a connection the oldest end. */
  async create(principal: Principal, id: string, body: Record<string, unknown>) {
    const row = await this.needs.connections.own(principal, id)
    if (row.state === "archived") throw new AppError("conflict", "the connection is archived: make a new one")
    const application = await this.needs.application(row.applicationId)
    if (application === undefined) throw new AppError("not_found", "connection not found")
    const { lifetimeMs, redirectUrl, email } = parseLinkWish(body, application)
    const secret = newLinkSecret()
    const createdAt = this.needs.now()
    const expiresAt = createdAt + lifetimeMs
    const link = { hash: linkHash(secret), connectionId: row.id, redirectUrl, createdAt, expiresAt, checkedAt: 0 }
    await this.needs.store.insert(link, linksPerConnection)
    const url = `${this.needs.address()}/c/${secret}`
    const mailto = letterOf({ url, hostname: row.hostname, application: application.name, email, expiresAt })
    return { url, expires_at: rfc3339(expiresAt), mailto }
  }

  /** The links that have not ended, the newest first, without their addresses, which nobody can be told again. Throws `not_found`. */
  async list(principal: Principal, id: string) {
    const row = await this.needs.connections.own(principal, id)
    const links = await this.needs.store.listOf(row.id, this.needs.now())
    const data = links.map(({ createdAt, expiresAt, redirectUrl }) => ({
      created_at: rfc3339(createdAt),
      expires_at: rfc3339(expiresAt),
      redirect_url: redirectUrl,
    }))
    return { data, next_cursor: null }
  }

  /** Ends every link of the connection. Throws `not_found`; where there are none, nothing happens. */
  async revoke(principal: Principal, id: string): Promise<void> {
    const row = await this.needs.connections.own(principal, id)
    await this.needs.store.removeOf(row.id)
  }

  /** What the link shows; undefined where it is none, or over. */
  async view(secret: string): Promise<LinkView | undefined> {
    const opened = await this.open(secret)
    if (opened === undefined) return undefined
    const { link, row, application } = opened
    const guide = await this.guideOf(row.hostname)
    const observed = JSON.parse(row.observedRecords) as { observed_at: string }[]
    const times = observed.map(({ observed_at: at }) => Date.parse(at))
    return {
      hostname: row.hostname,
      application: application.name,
      provider: guide.provider,
      panelUrl: guide.panelUrl,
      records: recordsOf(row, guide),
      state: row.state,
      errorCode: row.errorCode,
      errorDetail: row.errorDetail,
      redirectUrl: link.redirectUrl,
      checkedAt: times.length === 0 ? null : Math.max(...times),
      expiresAt: link.expiresAt,
    }
  }

  /** Has everything looked at, once in five seconds for a connection; `early` where it was not because of that, undefined where the link is over. */
  async check(secret: string): Promise<"looked" | "early" | undefined> {
    const opened = await this.open(secret)
    if (opened === undefined) return undefined
    const { row } = opened
    if (!(await this.needs.store.takeTurn(row.id, this.needs.now(), turnMs))) return "early"
    await within(lookWaitMs, this.look(row.id), undefined)
    return "looked"
  }

  sweep = (): Promise<void> => this.needs.store.removeEnded(this.needs.now())

  private async look(id: string): Promise<void> {
    try {
      await this.needs.look(id)
    } catch (error) {
      // The connection says by itself what is the matter.
      if (!(error instanceof AppError)) throw error
    }
  }

  private async open(secret: string): Promise<{ link: ConnectionLinkRow; row: ConnectionRow; application: ApplicationRow } | undefined> {
    if (!isLinkSecret(secret)) return undefined
    const link = await this.needs.store.find(linkHash(secret), this.needs.now())
    const row = link === undefined ? undefined : await this.needs.byId(link.connectionId)
    if (link === undefined || row === undefined || row.state === "archived") return undefined
    const application = await this.needs.application(row.applicationId)
    return application && { link, row, application }
  }

  /** Pages are opened again and again, and a zone's name servers seldom change. */
  private async guideOf(hostname: string): Promise<Guide> {
    const now = this.needs.now()
    const known = this.guides.get(hostname)
    if (known !== undefined && known.until > now) return known.guide
    const found = this.needs.guide(hostname).catch((error: unknown) => {
      if (error instanceof AppError) return undefined
      throw error
    })
    const guide = await within(guideWaitMs, found, undefined)
    if (guide === undefined) return known?.guide ?? unknownGuide
    this.guides.delete(hostname)
    this.guides.set(hostname, { guide, until: now + guideKeptMs })
    for (const oldest of this.guides.keys()) if (this.guides.size > mostGuides) this.guides.delete(oldest)
    return guide
  }
}

function recordsOf(row: ConnectionRow, { hostField }: Guide): LinkRecord[] {
  const desired = JSON.parse(row.desiredRecords) as DnsRecord[]
  const observed = JSON.parse(row.observedRecords) as { host: string; type: string; value: string; propagated: boolean }[]
  const web = desired.map((record, index): LinkRecord => {
    const seen = observed[index]
    const isSame = seen?.host === record.host && seen.type === record.type
    const what = { hostField: hostField(record.host), purpose: "address" as const }
    return { ...record, ...what, found: isSame && seen.propagated, seen: isSame && !seen.propagated ? seen.value : "" }
  })
  if (row.proof === "delegated") return web
  const name = challengeName(row.hostname)
  const proof = { host: name, type: "TXT" as const, value: row.challengeValue, ttl: desired[0]?.ttl ?? 300 }
  return [{ ...proof, hostField: hostField(name), purpose: "ownership", found: row.proof !== null, seen: "" }, ...web]
}

/** What comes of it within the time, else `otherwise`; it goes on either way. */
async function within<T, U>(limitMs: number, what: Promise<T>, otherwise: U): Promise<T | U> {
  const limit = Promise.withResolvers<U>()
  const timer = setTimeout(() => limit.resolve(otherwise), limitMs)
  try {
    return await Promise.race([what, limit.promise])
  } finally {
    clearTimeout(timer)
  }
}
