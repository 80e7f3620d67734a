/**
 * Look-up of a name: canonical name → descent (cached delegation or roots → … → the name's zone) → every server of the zone, at once → CNAMEs
 * followed from the start, in whatever zone they lead to → what each server said.
 *
 * Truth list:
 * - Final answers are never cached; delegations are, for 15 minutes at most (delegations.ts).
 * - The servers asked are those that the parent names: that is where the world goes. Servers that only the zone's own NS set names are not asked, unless one
 *   server holds parent and child and no referral is to be had.
 * - No DNSSEC validation (signatures are brought along where they are asked for), no DS of a top-level domain, no DNAME, no search lists, no 0x20; a name server whose name is a CNAME (forbidden by RFC 2181 section 10.3) has no address.
 * - Name servers may have any address, private and loopback ones too: a house has its own.
 */
import { isIPv6 } from "node:net"
import type { Delegation } from "./delegations"
import { DelegationCache } from "./delegations"
import { Descent, type Found } from "./descent"
import { askOverHttps } from "./doh"
import type { Endpoint } from "./exchange"
import type { DnsLookup, Lookup, LookupFault, LookupOptions, RecordType, ServerAnswer } from "./lookup"
import { canonicalName, type Name, parentOf, showName, WireError } from "./name"
import { typeNumbers } from "./rdata"
import type { Root } from "./root-hints"
import { LookupProblem, Session } from "./session"
import { toAnswer, type Verdict } from "./verdict"
import { CLASS_IN } from "./wire"

export type ResolverOptions = {
  roots: readonly Root[]
  /** Port at which authoritative servers other than the roots are asked. */
  port?: number
  /** URL of a recursive resolver (RFC 8484) for networks that close port 53 outward. */
  doh?: string
  budgetMs?: number
  queryTimeoutMs?: number
  maxQueries?: number
  maxDelegations?: number
  now?: () => number
}

const MAX_ALIASES = 8
const MAX_CUTS = 4
const DOH_SHARE = 0.25
const usefulOutcomes = new Set<ServerAnswer["outcome"]>(["answer", "nodata", "nxdomain"])

/** Look-ups since the start by how they ended: `ok`, or what went wrong with them; the queries that they took, and those that nobody replied to. */
export type LookupCounts = { results: Record<"ok" | LookupFault, number>; queries: number; unanswered: number }

type ZoneAnswers = { zone: Name; answers: ServerAnswer[]; targets: Set<Name>; problem?: string; fault?: LookupFault }

/** Asks the DNS from the root hints down, and every authoritative server of the name's zone; one look-up takes `budgetMs` at most. */
export class Resolver implements DnsLookup {
  private stopping = new AbortController()
  private cache: DelegationCache
  private descent: Descent
  private lookups: LookupCounts = { results: noResults(), queries: 0, unanswered: 0 }
  private options: Required<Omit<ResolverOptions, "doh">> & { doh: string | undefined }

  constructor(options: ResolverOptions) {
    this.options = {
      port: 53,
      budgetMs: 10_000,
      queryTimeoutMs: 1500,
      maxQueries: 250,
      maxDelegations: 1000,
      now: Date.now,
      ...options,
      doh: options.doh,
    }
    this.cache = new DelegationCache(this.options.maxDelegations, this.options.now)
    this.descent = new Descent(rootDelegation(options.roots), this.cache, this.options.port)
  }

  /** Ends the look-ups under way; later ones end at once, with a problem. */
  stop(): void {
    this.stopping.abort()
  }

  /** A copy of what was counted. */
  counts(): LookupCounts {
    return { ...this.lookups, results: { ...this.lookups.results } }
  }

  /** Never throws for what the network or the name is like: it is in the Lookup. */
  async lookup(rawName: string, type: RecordType, options?: LookupOptions): Promise<Lookup> {
    const found = await this.find(rawName, type, options)
    this.lookups.results[found.fault ?? "ok"]++
    return found
  }

  private async find(rawName: string, type: RecordType, { signed = false }: LookupOptions = {}): Promise<Lookup> {
    const result: Lookup = { name: rawName, type, zone: undefined, via: "authoritative", answers: [] }
    const { budgetMs, doh } = this.options
    const ownBudgetMs = doh ? Math.round(budgetMs * (1 - DOH_SHARE)) : budgetMs
    const session = new Session({ ...this.options, budgetMs: ownBudgetMs, stopped: this.stopping.signal, signed })
    const startedAt = this.options.now()
    try {
      result.name = canonicalName(rawName)
      await this.follow(session, result)
    } catch (error) {
      if (error instanceof WireError)
        return { ...result, problem: `"${rawName}" cannot be asked for: ${error.message}.`, fault: "bad_name" }
      if (!(error instanceof LookupProblem)) throw error
      result.problem = error.message
      result.fault = error.fault
    } finally {
      session.end()
    }
    this.lookups.queries += session.queries
    this.lookups.unanswered += session.silences
    const isBlocked = session.rootsAsked && session.replies === 0
    if (!(isBlocked || session.rootsUseless) || this.stopping.signal.aborted) return result
    return this.withoutPort53(result, isBlocked, budgetMs - (this.options.now() - startedAt))
  }

  /** Nobody replied, or somebody between here and the root servers replied in their place: either way port 53 is of no use. */
  private async withoutPort53(result: Lookup, isBlocked: boolean, remainingMs: number): Promise<Lookup> {
    const { doh, roots, budgetMs } = this.options
    const count = new Set(roots.map((root) => root.name)).size
    const none = count === 1 ? "the only root server did not answer" : `none of ${count} root servers answered`
    const closed = isBlocked ? `Port 53 seems closed outward: ${none}` : `Port 53 seems to be intercepted: ${none} with authority`
    const problem = `${closed}, and no DoH resolver is configured.`
    const lost: Lookup = { ...result, zone: undefined, answers: [], problem, fault: "port_closed" }
    if (!doh) return lost
    const timeoutMs = Math.max(1, Math.min(remainingMs, budgetMs))
    const answer = await askOverHttps(doh, result.name, result.type, timeoutMs, this.stopping.signal)
    const said =
      answer.outcome === "unreachable"
        ? "was asked over HTTPS and did not answer either"
        : "was asked over HTTPS and its answer may be cached"
    return { ...lost, via: "doh", answers: [answer], problem: `${closed}; ${answer.server} ${said}.` }
  }

  /** Fills in `result` as far as it gets; throws LookupProblem. */
  private async follow(session: Session, result: Lookup): Promise<void> {
    const type = typeNumbers[result.type]
    const cameFrom = new Map<Name, Name | undefined>([[result.name, undefined]])
    const leadsTo = (name: Name | undefined, target: Name): boolean =>
      name !== undefined && (name === target || leadsTo(cameFrom.get(name), target))
    // A Map is walked in the order of insertion, entries added on the way included.
    for (const name of cameFrom.keys()) {
      // The records of a delegation stand with the parent.
      const place = result.type === "DS" ? parentOf(name) : name
      let found = await this.descent.find(session, place)
      let said = await this.askZone(session, found, name, type)
      if (said.problem && found.isCached) {
        // The delegation may have moved since it was kept: ask the parent again, once.
        this.cache.drop(found.delegation.zone)
        found = await this.descent.find(session, place)
        said = await this.askZone(session, found, name, type)
      }
      result.zone = said.zone || undefined
      if (said.problem !== undefined && result.problem === undefined) {
        result.problem = said.problem
        result.fault = said.fault
      }
      for (const answer of said.answers) result.answers.push(name === result.name ? answer : { ...answer, name })
      for (const target of said.targets) {
        if (leadsTo(name, target))
          throw new LookupProblem(`The CNAME of ${name} leads back to ${target}, so the look-up would go in a circle.`, "loop")
        if (cameFrom.size > MAX_ALIASES)
          throw new LookupProblem(`${result.name} leads through more than ${MAX_ALIASES} CNAMEs.`, "chain_too_long")
        if (!cameFrom.has(target)) cameFrom.set(target, name)
      }
    }
  }

  private async askZone(session: Session, found: Found, name: Name, type: number): Promise<ZoneAnswers> {
    let { delegation } = found
    if (delegation.zone === "") {
      const answers = (found.failures ?? []).map(({ from, verdict }) => toAnswer(from, verdict))
      session.rootsUseless = found.failures !== undefined
      const problem = found.failures
        ? `No root server gave a usable answer about ${showName(name)}.`
        : `No delegation was found for ${showName(name)}: the root zone has no such top-level domain.`
      return { zone: "", answers, targets: new Set(), problem, fault: found.failures ? "port_closed" : "no_delegation" }
    }
    const isSilent = found.failures?.every(({ verdict }) => verdict.outcome === "unreachable") ?? false
    for (let cut = 0; ; cut++) {
      session.check(`asking the servers of ${delegation.zone}`)
      // Servers that were silent a moment ago are not worth the time that is left.
      const silent = isSilent ? (found.failures ?? []) : []
      const verdicts = silent.length > 0 ? silent : await this.askAll(session, delegation, name, type)
      const answers: ServerAnswer[] = unresolved(delegation)
      const targets = new Set<Name>()
      let below: Delegation | undefined
      for (const { from, verdict } of verdicts) {
        if (verdict.kind === "alias") targets.add(verdict.target)
        else if (verdict.kind === "referral") below ??= verdict.delegation
        else answers.push(toAnswer(from, verdict))
      }
      if (below && cut < MAX_CUTS) {
        this.cache.put(below)
        delegation = below
        continue
      }
      const isUseful = targets.size > 0 || answers.some(({ outcome }) => usefulOutcomes.has(outcome))
      const fault = isUseful ? {} : { problem: uselessness(delegation, answers), fault: "servers_unusable" as const }
      return { zone: delegation.zone, answers, targets, ...fault }
    }
  }

  private async askAll(
    session: Session,
    delegation: Delegation,
    name: Name,
    type: number,
  ): Promise<{ from: Endpoint; verdict: Verdict }[]> {
    await this.descent.seekAddresses(session, delegation.servers)
    const endpoints = delegation.servers.flatMap((server) => {
      const ipv4 = server.addresses.filter(({ address }) => !isIPv6(address))
      const ipv6 = server.addresses.filter(({ address }) => isIPv6(address))
      const chosen = ipv4.length > 0 && ipv6.length > 0 ? [ipv4[0]!, ipv6[0]!] : [...ipv4, ...ipv6].slice(0, 2)
      return chosen.map(({ address, port }) => ({ server: server.name, address, port }))
    })
    const asked = await Promise.all(
      endpoints.map(async (from) => ({ from, verdict: await session.ask(from, delegation.zone, { name, type, class: CLASS_IN }, 2) })),
    )
    // An IPv6 address that this host has no route to says nothing about a server that was asked by IPv4.
    const isRoutable = (verdict: Verdict) => !(verdict.kind === "failed" && verdict.noRoute)
    return asked.filter(
      ({ from, verdict }) => isRoutable(verdict) || !asked.some((other) => other.from.server === from.server && isRoutable(other.verdict)),
    )
  }
}

const noResults = (): LookupCounts["results"] => ({
  ok: 0,
  bad_name: 0,
  no_delegation: 0,
  servers_unusable: 0,
  loop: 0,
  chain_too_long: 0,
  out_of_time: 0,
  port_closed: 0,
  stopped: 0,
})

function rootDelegation(roots: readonly Root[]): Delegation {
  const names = [...new Set(roots.map((root) => root.name))]
  const servers = names.map((name) => ({
    name,
    addresses: roots.filter((root) => root.name === name).map(({ address, port }) => ({ address, port })),
  }))
  return { zone: "", servers, ttlSeconds: 0 }
}

const unresolved = (delegation: Delegation): ServerAnswer[] =>
  delegation.servers
    .filter((server) => server.addresses.length === 0)
    .map((server) => ({ server: server.name, address: "", outcome: "unreachable", values: [], detail: "no address was found for it" }))

function uselessness({ zone }: Delegation, answers: ServerAnswer[]): string {
  const reasons = new Set(answers.map(({ outcome, detail }) => (outcome === "unreachable" ? "unreachable" : (detail ?? outcome))))
  const what = reasons.size === 1 ? `: ${[...reasons][0]}` : ""
  return `None of the ${answers.length} name-server addresses of ${zone} gave a usable answer${what}.`
}
