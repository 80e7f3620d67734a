import type { Lookup } from "../dns/lookup"
import { allowedIssuers, type CaaRefusal, parseCaa, refusalOf } from "./caa"
import type { Case } from "./case"
import { couldNotAsk, evidenceOf, usefulAnswers, valuesOf } from "./lookups"
import { enumerate, type Finding, labelOf, type PreflightIssuer } from "./report"

/** What was found, and the issuer to take; null where none is allowed, or it is not known. */
type Decision = { findings: Finding[]; issuer: PreflightIssuer | null; forbidden: string[] }

const AT_ONCE = 4

/** Climbs from the hostname to the top-level domain to the first CAA record set (RFC 8659 section 3) and takes the first issuer that it allows. */
export async function checkCaa(one: Case): Promise<Decision> {
  const { hostname, issuers, wildcard = false } = one.input
  const labels = hostname.split(".")
  const names = labels.map((_, index) => labels.slice(index).join("."))
  for (let start = 0; start < names.length; start += AT_ONCE) {
    const level = await Promise.all(names.slice(start, start + AT_ONCE).map((name) => one.lookups.ask(name, "CAA")))
    for (const lookup of level) {
      if (usefulAnswers(lookup).length === 0 && lookup.fault !== "no_delegation")
        return { findings: [unreadable(hostname, lookup)], issuer: null, forbidden: [] }
      if (valuesOf(lookup).length > 0) return decide(hostname, lookup, issuers, wildcard)
    }
  }
  return { findings: [], issuer: issuers[0] ?? null, forbidden: [] }
}

function unreadable(hostname: string, lookup: Lookup): Finding {
  const evidence = evidenceOf(lookup)
  if (couldNotAsk(lookup)) {
    const sentence = `The CAA records of ${lookup.name} could not be looked up, so it is not known who may certify ${hostname}.`
    return { code: "dns_unreachable", severity: "warning", sentence, fix: "Try again in a few minutes.", evidence }
  }
  return {
    code: "caa_unreachable",
    severity: "blocked",
    sentence: `The name servers of ${lookup.zone ?? lookup.name} do not answer when they are asked for the CAA records of ${lookup.name}; certificate authorities then refuse to certify ${hostname}.`,
    fix: `Ask whoever runs the name servers of ${lookup.zone ?? lookup.name} to have them answer questions of type CAA, if only with “no records”.`,
    evidence,
  }
}

/** An issuer counts as allowed where every server's record set allows it: the CA asks only one of them. */
function decide(hostname: string, lookup: Lookup, issuers: PreflightIssuer[], wildcard: boolean): Decision {
  const sets = [...Map.groupBy(usefulAnswers(lookup), ({ values }) => [...values].sort().join("\n")).values()].map(
    ([answer]) => answer!.values,
  )
  const question = { wildcard }
  const allowed = sets.reduce((left, records) => allowedIssuers(records, left, question), issuers)
  const [first] = issuers
  const issuer = allowed[0] ?? null
  const forbidden = issuers.filter((one) => !allowed.includes(one)).map(({ name }) => name)
  const refusal =
    first === undefined ? undefined : sets.map((records) => refusalOf(records, first, question)).find((one) => one !== undefined)
  if (first === undefined || refusal === undefined) return { findings: [], issuer, forbidden }
  // Behind a CNAME the records of its target count.
  const at = lookup.answers.find(({ values }) => values.length > 0)?.name ?? lookup.name
  const place = { hostname, at, through: lookup.name, wildcard, records: valuesOf(lookup) }
  const { sentence, fix } = explain(place, refusal, first)
  const evidence = evidenceOf(lookup)
  if (issuer === null) return { findings: [{ code: "caa_forbids", severity: "blocked", sentence, fix, evidence }], issuer, forbidden }
  const taken = `${sentence} ${labelOf(issuer)}, which it allows, is taken instead.`
  return { findings: [{ code: "caa_forbids", severity: "notice", sentence: taken, fix: null, evidence }], issuer, forbidden }
}

type Place = { hostname: string; at: string; through: string; wildcard: boolean; records: string[] }

function explain({ hostname, at, through, wildcard, records }: Place, { reason, record }: CaaRefusal, issuer: PreflightIssuer) {
  const target = wildcard ? `*.${hostname}` : hostname
  const inherits = at !== through ? `, and ${through} has it by its CNAME record` : at === hostname ? "" : `, and ${hostname} inherits it`
  const name = labelOf(issuer)
  const named = `The CAA record of ${at} (${record})`
  const identity = issuer.caaIdentities[0]
  const isWild = wildcard && records.some((text) => parseCaa(text)?.tag === "issuewild")
  const tag = isWild ? "issuewild" : "issue"
  const add =
    identity === undefined
      ? `Add a CAA record for ${name} to ${at}, or delete ${record}.`
      : `Add the CAA record 0 ${tag} "${identity}" to ${at}.`
  switch (reason) {
    case "critical":
      return {
        sentence: `${named} is marked critical and is of a kind that certificate authorities do not know, so none may certify ${target}${inherits}.`,
        fix: `Delete the CAA record ${record} of ${at}.`,
      }
    case "nobody":
      return { sentence: `${named} forbids every certificate authority to certify ${target}${inherits}.`, fix: add }
    case "account":
      return {
        sentence: `${named} lets ${name} certify ${target} for another account only${inherits}.`,
        fix: issuer.accountUri === undefined ? add : `Add the CAA record 0 ${tag} "${identity}; accounturi=${issuer.accountUri}" to ${at}.`,
      }
    case "method":
      return {
        sentence: `${named} lets ${name} certify ${target} by other means only than ${enumerate(issuer.challengeTypes)}${inherits}.`,
        fix: `Add one of ${enumerate(issuer.challengeTypes)} to the validationmethods of the CAA record of ${at}, or leave that parameter out.`,
      }
    case "not_named":
      return { sentence: `${named} does not allow ${name} to certify ${target}${inherits}.`, fix: add }
  }
}
