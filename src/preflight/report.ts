/** What a finding is about; the order is that in which one goes before another of the same severity. */
export const findingCodes = [
  "no_delegation",
  "dns_unreachable",
  "lame_server",
  "dnssec_broken",
  "loop",
  "cname_conflict",
  "cname_chain_broken",
  "caa_forbids",
  "caa_unreachable",
  "private_address",
  "stale_aaaa",
  "wrong_address",
  "points_nowhere",
  "challenge_at_wrong_name",
  "cdn_in_front",
  "servers_disagree",
  "parent_child_ns_mismatch",
  "rate_limited",
] as const

export type FindingCode = (typeof findingCodes)[number]

/** `blocked`: an order would fail. `warning`: it may. `notice`: it will not, but somebody may want to know. */
export type Severity = "blocked" | "warning" | "notice"

/** One thing that stands in the way: what it is in one sentence, what to do about it in another, and what was seen. */
export type Finding = { code: FindingCode; severity: Severity; sentence: string; fix: string | null; evidence: string[] }

/**
 * A certificate issuer, best first in lists: its CAA identities (RFC 8555 section 9.7.6), and the challenges that will be used with it. `name` is how the
 * report refers to it, such as its directory URL, and `label` what people read in its place.
 */
export type PreflightIssuer = { name: string; label?: string; caaIdentities: string[]; challengeTypes: string[]; accountUri?: string }

/** What a hostname should be like. Names are canonical; `wants.addresses` are ours, of both families, and `wants.cnameTarget` leads to them. */
export type PreflightInput = {
  hostname: string
  wants: { addresses: string[]; cnameTarget: string }
  issuers: PreflightIssuer[]
  /** Where the ownership TXT belongs; without it that is not looked at. */
  ownershipName?: string
  /** What it says; without it every value in the form of our tokens counts. */
  ownershipValue?: string
  /** What else is known to be in the way. */
  more?: Finding[]
  /** Asks for every name one label below the hostname. */
  wildcard?: boolean
}

/** `sentence` and `fix` are those of the first finding, which stand in the order of their importance. `checkedAt` is Unix milliseconds. */
export type PreflightReport = {
  verdict: "ready" | "warning" | "blocked"
  sentence: string
  fix: string | null
  findings: Finding[]
  /** The first issuer that CAA allows; null where it allows none, or could not be read. */
  issuer: string | null
  /** Those that CAA is known to forbid. */
  forbidden: string[]
  checkedAt: number
}

export const labelOf = ({ label, name }: PreflightIssuer): string => label ?? name

const severities: Severity[] = ["blocked", "warning", "notice"]

/** Puts findings in order and takes the verdict from the first. */
export function conclude(
  name: string,
  given: Finding[],
  { issuer: taken, forbidden }: { issuer: PreflightIssuer | null; forbidden: string[] },
  checkedAt: number,
): PreflightReport {
  const rank = ({ severity, code }: Finding) => severities.indexOf(severity) * 100 + findingCodes.indexOf(code)
  const findings = [...given].sort((a, b) => rank(a) - rank(b))
  const first = findings.find(({ severity }) => severity !== "notice")
  const certified = taken === null ? "" : `, and ${labelOf(taken)} may certify it`
  const issuer = taken?.name ?? null
  if (first === undefined || first.severity === "notice") {
    return { verdict: "ready", sentence: `${name} leads here${certified}.`, fix: null, findings, issuer, forbidden, checkedAt }
  }
  return { verdict: first.severity, sentence: first.sentence, fix: first.fix, findings, issuer, forbidden, checkedAt }
}

/** A report as the APIs show it. */
export const preflightReply = ({ verdict, sentence, fix, findings, issuer, checkedAt }: PreflightReport) => ({
  verdict,
  sentence,
  fix,
  findings,
  issuer,
  checked_at: new Date(checkedAt).toISOString(),
})

/** `a`, `a and b`, `a, b and c`. */
export function enumerate(words: string[]): string {
  return words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`
}
