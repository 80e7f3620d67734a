// One hostname, in this order:
//   1. CNAME, A and AAAA of the name, at every name server of its zone
//   2. where nobody could be asked, no such delegation exists or no server of the zone answers, that is all there is to say
//   3. together: the delegation, DNSSEC, CAA up the tree, where the name leads, where its ownership record stands
//   4. findings in order of weight; the first gives the verdict, the sentence and the fix
// Not done here: visiting the name over HTTP, verifying signatures, telling one registrable domain from a public suffix.

import type { DnsLookup, Lookup } from "../dns/lookup"
import { checkCaa } from "./caa-check"
import type { Case } from "./case"
import { CdnFinder } from "./cdn"
import { checkDelegation, deadZone, findDisagreement } from "./delegation-check"
import { checkDnssec } from "./dnssec-check"
import { couldNotAsk, evidenceOf, Lookups, ownAnswers, usefulAnswers } from "./lookups"
import { checkOwnership } from "./ownership-check"
import { checkPointing } from "./pointing-check"
import { conclude, type Finding, type PreflightInput, type PreflightReport } from "./report"

export type PreflightOptions = {
  dns: DnsLookup
  now?: () => number
  /** The whole of one examination. */
  timeLimitMs?: number
  maxLookups?: number
}

/** Says before any order what would make it fail, in one sentence with one fix. Never throws for what DNS is like. */
export class Preflight {
  private cdn = new CdnFinder()

  constructor(private options: PreflightOptions) {}

  /** Takes at most `timeLimitMs` (12 s) and `maxLookups` (40) look-ups. */
  async check(input: PreflightInput): Promise<PreflightReport> {
    const { dns, now = Date.now, timeLimitMs = 12_000, maxLookups = 40 } = this.options
    const lookups = new Lookups(dns, { timeLimitMs, maxLookups })
    try {
      const name = input.wildcard === true ? `*.${input.hostname}` : input.hostname
      const [cname, a, aaaa] = await Promise.all([lookups.ask(name, "CNAME"), lookups.ask(name, "A"), lookups.ask(name, "AAAA")])
      const dead = nothingToAsk(name, cname)
      if (dead !== undefined) return conclude(name, [dead], { issuer: null, forbidden: [] }, now())
      const zone = cname.zone ?? (await zoneByClimbing(lookups, input.hostname))
      const one: Case = { input, lookups, name, zone, cname, a, aaaa, cdn: this.cdn, now }
      const [caa, ...checks] = await Promise.all([
        checkCaa(one),
        checkDelegation(one),
        checkDnssec(one),
        checkPointing(one),
        checkOwnership(one),
      ])
      const findings = [...caa.findings, ...checks.flat(), ...(input.more ?? [])]
      const isProxied = findings.some(({ code }) => code === "cdn_in_front")
      // A network of many places gives each server's question another address.
      const disagreement = findDisagreement(zone, isProxied ? [cname] : [cname, a, aaaa])
      if (disagreement !== undefined) findings.push(disagreement)
      const unasked = [a, aaaa].find(couldNotAsk)
      if (unasked !== undefined) findings.push(unreachable(name, unasked))
      return conclude(name, findings, caa, now())
    } finally {
      lookups.close()
    }
  }
}

/** A DoH resolver does not say which zone a name lies in: the nearest name above that has NS records is it. */
async function zoneByClimbing(lookups: Lookups, hostname: string): Promise<string> {
  for (let name = hostname; name.includes("."); name = name.slice(name.indexOf(".") + 1)) {
    if (ownAnswers(await lookups.ask(name, "NS")).some(({ outcome }) => outcome === "answer")) return name
  }
  return hostname.split(".").slice(-2).join(".")
}

/** Where the look-up of the name itself came to nothing, why. */
function nothingToAsk(name: string, lookup: Lookup): Finding | undefined {
  if (couldNotAsk(lookup) || lookup.fault === "bad_name") return unreachable(name, lookup)
  if (lookup.fault === "servers_unusable") return deadZone(lookup.zone ?? name, lookup)
  const zone = lookup.zone
  // Only a top-level domain was found to say that there is nothing of the kind.
  const isUnknown = zone !== undefined && !zone.includes(".") && usefulAnswers(lookup).every(({ outcome }) => outcome === "nxdomain")
  if (lookup.fault !== "no_delegation" && !isUnknown) return undefined
  const domain = name.split(".").slice(-2).join(".")
  const where = zone === undefined ? "there is no such top-level domain" : `the name servers of ${zone} do not know it`
  return {
    code: "no_delegation",
    severity: "blocked",
    sentence: `${domain} is not delegated: ${where}.`,
    fix: `Register ${domain}, or check that it has not expired and that name servers are entered for it at the registrar.`,
    evidence: evidenceOf(lookup),
  }
}

function unreachable(name: string, lookup: Lookup): Finding {
  return {
    code: "dns_unreachable",
    severity: "warning",
    sentence: `DNS could not be asked about ${name}, so nothing is known about it: ${lookup.problem ?? "no answer came"}`,
    fix: "Try again in a few minutes; if it stays so, see whether this server may send to port 53.",
    evidence: evidenceOf(lookup),
  }
}
