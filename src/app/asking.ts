import type { ConfigInForce } from "../config"
import type { Db } from "../db/open"
import type { RouteTable } from "../edge/route-table"
import { canonicalHost } from "../hostname"
import { AskedNames } from "../ledger/asked-names"
import type { Log } from "../log"
import { registrableDomain } from "../registrable-domain"

export type AskingNeeds = {
  config: ConfigInForce
  db: Db
  table: RouteTable
  /** False for a name whose DNS leads elsewhere. */
  mayOrder: (hostname: string) => boolean
  log: Log
  now: () => number
}

/**
 * `GET /internal/ask`, for proxies that ask before they order a certificate: 200 `{"allow":true}` or 403 `{"allow":false}`, from memory, by `?domain=`
 * (as Caddy asks) or `?host=` (as kamal-proxy does). Whoever may ask learns nothing else. A name with a route of its own was proved; those below a wildcard
 * are anybody's to think up, so there is a budget of them.
 */
export class Asking {
  private below: AskedNames
  private unwatch: () => void = () => {}

  constructor(private needs: AskingNeeds) {
    const { config, db, log, now } = needs
    this.below = new AskedNames({
      db,
      budgets: () => ({ domain: config.current.askDomainBudget, overall: config.current.askBudget }),
      registeredDomain: registrableDomain,
      onFault: (error) => log.warn("a name that a proxy may certify could not be written down", { error }),
      now,
    })
  }

  /** Reads what was allowed before; to be done before anybody asks. */
  async start(): Promise<void> {
    await this.below.load()
    this.unwatch = this.needs.table.watchChanges(() => this.below.changed())
  }

  stop(): void {
    this.unwatch()
  }

  /** Undefined for every other request. */
  answer(request: Request): Response | undefined {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname !== "/internal/ask") return undefined
    if (request.method !== "GET" && request.method !== "HEAD") return new Response(null, { status: 405, headers: { allow: "GET" } })
    const hostname = canonicalHost(searchParams.get("domain") ?? searchParams.get("host") ?? "")
    const allow = hostname !== undefined && this.mayIssue(hostname)
    return Response.json({ allow }, { status: allow ? 200 : 403, headers: { "cache-control": "no-store" } })
  }

  private mayIssue(hostname: string): boolean {
    const route = this.needs.table.match(hostname)
    if (route === undefined || !this.needs.mayOrder(route.host)) return false
    return route.host === hostname || this.below.allows(hostname)
  }
}
