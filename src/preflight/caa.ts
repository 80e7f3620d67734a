/** CAA records (RFC 8659) as a CA reads them, with the parameters of RFC 8657. */
import type { PreflightIssuer } from "./report"

/** A CAA record; `tag` in lower case. */
export type CaaRecord = { isCritical: boolean; tag: string; value: string }

/** Why an issuer may not: `named` says that a record names it, with a parameter that does not fit. */
export type CaaRefusal = { reason: "not_named" | "nobody" | "critical" | "account" | "method"; record: string }

export type CaaQuestion = {
  wildcard: boolean
  /** The ACME account that orders; that of the issuer where it is left out. */
  accountUri?: string
  /** The challenge that will be used; any of the issuer's where it is left out. */
  method?: string
}

/** Property tags that every CA we know of reads, so that the critical flag on them forbids nothing. */
const understood = new Set(["issue", "issuewild", "iodef", "issuemail"])

/** Reads a record in presentation form, such as `0 issue "ca.example"`; undefined for what is none. */
export function parseCaa(text: string): CaaRecord | undefined {
  const match = /^(\d{1,3}) ([a-z0-9]+) "((?:[^"\\]|\\.)*)"$/is.exec(text)
  if (match === null) return undefined
  const value = (match[3] ?? "").replace(/\\(.)/g, "$1")
  return { isCritical: (Number(match[1]) & 128) !== 0, tag: (match[2] ?? "").toLowerCase(), value }
}

type IssueValue = { domain: string; parameters: Map<string, string> }

/** The value of `issue` and `issuewild` (RFC 8659 section 4.2); undefined where it is malformed, which allows nobody. */
export function parseIssueValue(value: string): IssueValue | undefined {
  const [domain = "", ...rest] = value.split(";").map((part) => part.trim())
  if (domain !== "" && !/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i.test(domain)) return undefined
  const parameters = new Map<string, string>()
  for (const part of rest) {
    if (part === "") continue
    const match = /^([a-z0-9-]+)\s*=\s*([\x21-\x3a\x3c-\x7e]*)$/i.exec(part)
    const tag = match?.[1]?.toLowerCase()
    // Given twice, a parameter can be met by nobody (RFC 8657 sections 3 and 4).
    if (match === null || tag === undefined || parameters.has(tag)) return undefined
    parameters.set(tag, match[2] ?? "")
  }
  return { domain: domain.toLowerCase(), parameters }
}

/** Why the relevant record set keeps the issuer from certifying; undefined where it does not. `records` in presentation form; none allows everybody. */
export function refusalOf(records: string[], issuer: PreflightIssuer, question: CaaQuestion): CaaRefusal | undefined {
  const parsed = records.map((text) => ({ text, caa: parseCaa(text) }))
  const unknown = parsed.find(({ caa }) => caa?.isCritical === true && !understood.has(caa.tag))
  if (unknown !== undefined) return { reason: "critical", record: unknown.text }
  const having = (tag: string) => parsed.filter(({ caa }) => caa?.tag === tag)
  const wild = question.wildcard ? having("issuewild") : []
  const relevant = wild.length > 0 ? wild : having("issue")
  if (relevant.length === 0) return undefined
  const identities = new Set(issuer.caaIdentities.map((identity) => identity.toLowerCase()))
  let refusal: CaaRefusal | undefined
  for (const { text, caa } of relevant) {
    const value = parseIssueValue(caa?.value ?? "")
    if (value === undefined || !identities.has(value.domain)) continue
    const reason = misfit(value.parameters, issuer, question)
    if (reason === undefined) return undefined
    refusal ??= { reason, record: text }
  }
  const namesNobody = relevant.every(({ caa }) => (parseIssueValue(caa?.value ?? "")?.domain ?? "") === "")
  return refusal ?? { reason: namesNobody ? "nobody" : "not_named", record: relevant.map(({ text }) => text).join(", ") }
}

function misfit(parameters: Map<string, string>, issuer: PreflightIssuer, question: CaaQuestion): "account" | "method" | undefined {
  const [account, methods] = [parameters.get("accounturi"), parameters.get("validationmethods")]
  if (account !== undefined && account !== (question.accountUri ?? issuer.accountUri)) return "account"
  if (methods === undefined) return undefined
  const offered = question.method === undefined ? issuer.challengeTypes : [question.method]
  return methods.split(",").some((method) => offered.includes(method.trim().toLowerCase())) ? undefined : "method"
}

/** Those of the issuers that the relevant CAA record set allows, in the order given; pure. */
export function allowedIssuers(records: string[], issuers: PreflightIssuer[], question: CaaQuestion): PreflightIssuer[] {
  return issuers.filter((issuer) => refusalOf(records, issuer, question) === undefined)
}
