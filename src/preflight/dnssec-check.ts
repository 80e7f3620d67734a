import { fits, keyTagOf, parseDelegationSigner, parseSignature, type Signature } from "../dns/dnssec"
import type { Lookup, ServerAnswer } from "../dns/lookup"
import type { Case } from "./case"
import { evidenceOf, serverAt, usefulAnswers } from "./lookups"
import type { Finding } from "./report"

const MAX_ZONES = 3
/** Clocks differ: a signature counts a little before its time and a little after it. */
const CLOCK_SKEW_MS = 300_000

/** DNSSEC of the zone and of those above it, up to the top-level domain, as far as one can tell without verifying signatures. */
export async function checkDnssec({ lookups, zone, now }: Case): Promise<Finding[]> {
  let current: string | undefined = zone
  for (let count = 0; current?.includes(".") && count < MAX_ZONES; count++) {
    const [signers, keys, authority] = await Promise.all([
      lookups.ask(current, "DS"),
      lookups.ask(current, "DNSKEY", true),
      lookups.ask(current, "SOA", true),
    ])
    const problem = problemOf(current, signers, [keys, authority], now())
    if (problem !== undefined) return [problem]
    const above: string = current.slice(current.indexOf(".") + 1)
    current = above.includes(".") ? (await lookups.ask(above, "NS")).zone : undefined
  }
  return []
}

/** What is wrong between the DS set at the parent and what the zone's servers give; undefined where nothing is, or where it is not signed. */
function problemOf(zone: string, signers: Lookup, [keys, authority]: [Lookup, Lookup], now: number): Finding | undefined {
  const values = [...new Set(signers.answers.flatMap((answer) => answer.values))]
  // A DoH resolver checks signatures itself, and leaves them out.
  if (values.length === 0 || [signers, keys, authority].some(({ via }) => via === "doh")) return undefined
  const parsed = values.map(parseDelegationSigner).filter((signer) => signer !== undefined)
  const seen = (lookup: Lookup, server: ServerAnswer) => [
    ...values.map((value) => `DS of ${zone} at the parent: ${value}`),
    ...evidenceOf({ ...lookup, answers: [server] }),
    ...(server.signatures ?? []).map((one) => `${serverAt(server.server, server.address)} signs: ${one.split(" ").slice(0, -1).join(" ")}`),
  ]
  const broken = (what: string, fix: string, evidence: string[]): Finding => ({
    code: "dnssec_broken",
    severity: "blocked",
    sentence: `DNSSEC of ${zone} is broken: ${what}. Certificate authorities, and most visitors, refuse its answers.`,
    fix,
    evidence,
  })
  const remove = `Delete the DS record of ${zone} at the registrar, or enter the one that belongs to its present keys.`
  for (const answer of usefulAnswers(keys)) {
    const at = serverAt(answer.server, answer.address)
    if (answer.outcome !== "answer") return broken(`the parent has a DS record for it, and ${at} has no DNSKEY`, remove, seen(keys, answer))
    const verdicts = parsed.flatMap((signer) => answer.values.map((key) => ({ key, fit: fits(zone, signer, key) })))
    const trusted = verdicts.filter(({ fit }) => fit === true).map(({ key }) => keyTagOf(key))
    if (trusted.length === 0) {
      if (verdicts.some(({ fit }) => fit === undefined)) return undefined
      return broken(`no DS record at the parent fits a DNSKEY of ${at}`, remove, seen(keys, answer))
    }
    const signatures = signaturesOf(answer, zone).filter(({ keyTag }) => trusted.includes(keyTag))
    if (signatures.length === 0)
      return broken(`${at} does not sign its DNSKEY with the key that the DS record names`, remove, seen(keys, answer))
    const late = untimely(signatures, now)
    if (late !== undefined) return broken(`the signature of ${at} over its DNSKEY ${late}`, signAgain(zone), seen(keys, answer))
  }
  for (const answer of usefulAnswers(authority).filter(({ outcome }) => outcome === "answer")) {
    const at = serverAt(answer.server, answer.address)
    const signatures = signaturesOf(answer, zone)
    if (signatures.length === 0) return broken(`${at} answers without signatures`, signAgain(zone), seen(authority, answer))
    const late = untimely(signatures, now)
    if (late !== undefined)
      return broken(`the signatures of ${at} are out of date: that over its SOA ${late}`, signAgain(zone), seen(authority, answer))
  }
  return undefined
}

const signAgain = (zone: string) => `Have ${zone} signed again by whoever runs its name servers, or delete its DS record at the registrar.`

const signaturesOf = (answer: ServerAnswer, zone: string): Signature[] =>
  (answer.signatures ?? []).map(parseSignature).filter((one) => one !== undefined && one.signer === zone) as Signature[]

/** What is wrong with the time of all of these signatures; one in its time is enough. */
function untimely(signatures: Signature[], now: number): string | undefined {
  const isNow = ({ inceptsAt, expiresAt }: Signature) => inceptsAt - CLOCK_SKEW_MS <= now && now < expiresAt + CLOCK_SKEW_MS
  if (signatures.some(isNow)) return undefined
  const day = (at: number) => `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`
  const last = Math.max(...signatures.map(({ expiresAt }) => expiresAt))
  if (last <= now) return `expired on ${day(last)}`
  return `begins only on ${day(Math.min(...signatures.map(({ inceptsAt }) => inceptsAt)))}`
}
