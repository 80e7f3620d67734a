import { isIPv4 } from "node:net"
import type { Lookup } from "../dns/lookup"
import { canonicalAddress, isPrivateAddress } from "./address"
import type { Case } from "./case"
import type { Cdn } from "./cdn-data"
import { couldNotAsk, evidenceOf, ownAnswers, usefulAnswers, valuesOf } from "./lookups"
import { enumerate, type Finding } from "./report"

/** Where the name leads, against where it should. */
export async function checkPointing(one: Case): Promise<Finding[]> {
  const { name, cname, a, aaaa, input } = one
  const aliases = valuesOf(cname)
  const circle = [a, aaaa].find(({ fault }) => fault === "loop")
  if (circle !== undefined) {
    const sentence = `The CNAME records of ${name} lead in a circle, so it has no address: ${aliases.join(", ")} leads back to it.`
    const fix = `Change the CNAME record of ${name} to ${input.wants.cnameTarget}.`
    return [{ code: "loop", severity: "blocked", sentence, fix, evidence: [...evidenceOf(cname), circle.problem ?? ""] }]
  }
  const conflict = await findConflict(one, aliases)
  const addresses = [...new Set([...valuesOf(a), ...valuesOf(aaaa)].map(canonicalAddress))]
  if (addresses.length === 0 && [a, aaaa].some(couldNotAsk)) return conflict
  if (addresses.length === 0) return [...conflict, ...withoutAddress(one, aliases)]
  const targets = await Promise.all((["A", "AAAA"] as const).map((type) => one.lookups.ask(input.wants.cnameTarget, type)))
  const ours = new Set([...input.wants.addresses, ...targets.flatMap(valuesOf)].map(canonicalAddress))
  const foreign = addresses.filter((address) => !ours.has(address))
  if (foreign.length === 0) return conflict
  return [...conflict, ...aboutForeign(one, { aliases, addresses, foreign })]
}

/** What a CNAME may not stand beside (RFC 1034 section 3.6.2), or will not be able to. */
async function findConflict({ lookups, name, zone, cname, a, aaaa, input }: Case, aliases: string[]): Promise<Finding[]> {
  const { cnameTarget, addresses } = input.wants
  const address = addresses.length === 0 ? "our address" : enumerate(addresses)
  const isApex = name === zone
  if (aliases.length > 0 && isApex) {
    const sentence = `${name} has a CNAME record (${aliases.join(", ")}) beside the NS and SOA records of the zone, where none may stand: what a resolver makes of that is chance.`
    const fix = `Replace the CNAME record of ${name} by an A record with ${address}, or by an ALIAS to ${cnameTarget} where the DNS provider has that.`
    return [{ code: "cname_conflict", severity: "blocked", sentence, fix, evidence: evidenceOf(cname) }]
  }
  const pointsHere = [...valuesOf(a), ...valuesOf(aaaa)].some((value) => addresses.map(canonicalAddress).includes(value))
  if (isApex || (aliases.length === 0 && pointsHere)) return []
  const others = await Promise.all((["TXT", "MX"] as const).map((type) => lookups.ask(name, type)))
  const present = (aliases.length === 0 ? others : [a, aaaa, ...others]).filter((lookup) =>
    ownAnswers(lookup).some((answer) => answer.outcome === "answer" && !(aliases.length > 0 && isElsewhere(answer.server, cname))),
  )
  if (present.length === 0) return []
  const beside = enumerate(present.map(({ type }) => type))
  const evidence = [cname, ...present].flatMap(evidenceOf)
  if (aliases.length > 0) {
    const sentence = `${name} has a CNAME record (${aliases.join(", ")}) and beside it ${beside}, which may not be: resolvers take the one or the other.`
    const fix = `Delete the ${beside} records of ${name}, or replace its CNAME record by an A record with ${address}.`
    return [{ code: "cname_conflict", severity: "blocked", sentence, fix, evidence }]
  }
  const sentence = `${name} has ${beside} records (${present.flatMap(valuesOf).join(", ").slice(0, 200)}), beside which no CNAME record can stand.`
  const fix = `Give ${name} an A record with ${address} instead of a CNAME record, or delete its ${beside} records first.`
  return [{ code: "cname_conflict", severity: "warning", sentence, fix, evidence }]
}

/** Whether a server has no CNAME at the name: servers that are not in step are another finding. */
const isElsewhere = (server: string, cname: Lookup) =>
  !cname.answers.some((answer) => answer.server === server && answer.outcome === "answer")

function withoutAddress({ name, zone, a, cname, input, cdn }: Case, aliases: string[]): Finding[] {
  const { cnameTarget, addresses } = input.wants
  const evidence = [...evidenceOf(cname), ...evidenceOf(a)]
  if (aliases.length === 0) {
    const sentence = `${name} leads nowhere: it has neither an A, an AAAA nor a CNAME record.`
    return [{ code: "points_nowhere", severity: "blocked", sentence, fix: `${wantedRecord(name, zone, input.wants)}.`, evidence }]
  }
  const end = a.answers.findLast((answer) => answer.name !== undefined)?.name ?? aliases[0] ?? ""
  const network = cdn.ofName(end)
  const behind = network === undefined ? "" : ` at ${network.name}`
  const sentence = `The CNAME record of ${name} leads to ${end}${behind}, ${whyNoAddress(a, end)}.`
  const fix =
    end === cnameTarget
      ? `Whoever runs this server has to give ${cnameTarget} an address${addresses.length === 0 ? "" : ` (${enumerate(addresses)})`}.`
      : `Change the CNAME record of ${name} from ${aliases.join(", ")} to ${cnameTarget}.`
  return [{ code: "cname_chain_broken", severity: "blocked", sentence, fix, evidence }]
}

function whyNoAddress(lookup: Lookup, end: string): string {
  if (lookup.fault === "chain_too_long") return "after more steps than anybody follows"
  if (lookup.fault === "servers_unusable") return "whose name servers do not answer"
  const isDenied = usefulAnswers(lookup).some((answer) => answer.name === end && answer.outcome === "nxdomain")
  return isDenied || lookup.fault === "no_delegation" ? "which does not exist" : "which has no address"
}

type Seen = { aliases: string[]; addresses: string[]; foreign: string[] }

function aboutForeign(one: Case, { aliases, addresses, foreign }: Seen): Finding[] {
  const { name, a, aaaa, input, cdn } = one
  const findings: Finding[] = []
  const evidence = [a, aaaa].flatMap(evidenceOf)
  const inside = foreign.filter(isPrivateAddress)
  if (inside.length > 0) {
    const sentence = `${name} leads to ${enumerate(inside)}, which nobody outside that network can reach, a certificate authority neither.`
    findings.push({ code: "private_address", severity: "blocked", sentence, fix: `${change(one, aliases, inside)}.`, evidence })
  }
  const names = [...aliases, ...a.answers.flatMap((answer) => answer.name ?? [])]
  const network = names.map((each) => cdn.ofName(each)).find(Boolean)
  const proxied = foreign.filter((address) => network !== undefined || cdn.ofAddress(address) !== undefined)
  const front = network ?? proxied.map((address) => cdn.ofAddress(address)).find(Boolean)
  if (front !== undefined) findings.push(behindCdn(one, front, proxied, evidence))
  const rest = foreign.filter((address) => !inside.includes(address) && !proxied.includes(address))
  if (rest.length === 0) return findings
  const hasOurs = addresses.some((address) => isIPv4(address) && !foreign.includes(address))
  const [stale, wrong] = [rest.filter((address) => hasOurs && !isIPv4(address)), rest.filter((address) => !hasOurs || isIPv4(address))]
  if (stale.length > 0) {
    const sentence = `${name} has an AAAA record (${enumerate(stale)}) that leads to another server, while its A record leads here.`
    const fix = `Delete the AAAA record of ${name} (${enumerate(stale)}): visitors and the certificate authority who prefer IPv6 would reach another server.`
    findings.push({ code: "stale_aaaa", severity: "blocked", sentence, fix, evidence })
  }
  if (wrong.length === 0) return findings
  const here = input.wants.addresses.length === 0 ? "" : ` (${enumerate(input.wants.addresses)})`
  const also = hasOurs ? `leads to ${enumerate(wrong)} besides this server` : `leads to ${enumerate(wrong)} and not to this server`
  const fix = hasOurs ? `Delete the A record of ${name} with ${enumerate(wrong)}` : change(one, aliases, wrong)
  findings.push({ code: "wrong_address", severity: "blocked", sentence: `${name} ${also}${here}.`, fix: `${fix}.`, evidence })
  return findings
}

/** With a challenge that a proxy passes on or that needs no visit, a certificate may come nevertheless. */
function behindCdn({ name, input }: Case, cdn: Cdn, addresses: string[], evidence: string[]): Finding {
  const passes = input.issuers.some(({ challengeTypes }) => challengeTypes.some((type) => type !== "tls-alpn-01"))
  const effect = passes
    ? "visitors see its certificate, and validations by TLS-ALPN-01 do not get through"
    : "validation by TLS-ALPN-01, the only one set up here, does not get through"
  return {
    code: "cdn_in_front",
    severity: passes ? "warning" : "blocked",
    sentence: `${name} is behind ${cdn.name} (${enumerate(addresses)}): ${effect}.`,
    fix: `Let ${name} lead here directly: ${cdn.proxySwitch ?? `take it out of ${cdn.name} and point its record to ${input.wants.cnameTarget}`}. If the proxy is meant to stay, nothing has to be done as long as it leads here.`,
    evidence,
  }
}

/** The change that makes a name lead here. */
function change({ name, zone, input }: Case, aliases: string[], wrong: string[]): string {
  const { wants } = input
  if (aliases.length > 0 && name !== zone) return `Change the CNAME record of ${name} from ${aliases.join(", ")} to ${wants.cnameTarget}`
  const kinds = [wrong.some(isIPv4) ? "A" : "", wrong.some((address) => !isIPv4(address)) ? "AAAA" : ""].filter(Boolean)
  return `Delete the ${enumerate(kinds)} record${wrong.length === 1 ? "" : "s"} of ${name} (${enumerate(wrong)}). ${wantedRecord(name, zone, wants)}`
}

function wantedRecord(name: string, zone: string, { addresses, cnameTarget }: { addresses: string[]; cnameTarget: string }): string {
  if (name !== zone) return `Add a CNAME record: ${name} to ${cnameTarget}`
  const records = addresses.map((address) => `${isIPv4(address) ? "an A" : "an AAAA"} record with ${address}`)
  const alias = `an ALIAS record to ${cnameTarget}`
  return records.length === 0 ? `Give ${name} ${alias}` : `Give ${name} ${enumerate(records)}, or ${alias} where the DNS provider has that`
}
