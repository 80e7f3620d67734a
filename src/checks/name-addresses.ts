import type { DnsLookup } from "../dns/lookup"
import { list } from "./addresses"
import type { Verdict } from "./check"

/** The addresses of a name; `problem` where nobody could say. */
export type NameAddresses = { addresses: string[]; problem?: string }

const useful = new Set(["answer", "nodata", "nxdomain"])

/** What the authoritative servers of a name say now; CNAMEs are followed. */
export async function authoritativeAddresses(lookup: DnsLookup["lookup"], name: string): Promise<NameAddresses> {
  const both = await Promise.all([lookup(name, "A"), lookup(name, "AAAA")])
  const answers = both.flatMap((one) => one.answers)
  const addresses = [...new Set(answers.flatMap(({ outcome, values }) => (outcome === "answer" ? values : [])))].sort()
  if (addresses.length > 0 || answers.some(({ outcome }) => useful.has(outcome))) return { addresses }
  const { problem, fault } = both[0]
  return fault === "no_delegation" ? { addresses } : { addresses, problem: problem ?? "no name server gave a usable answer" }
}

/** Whether a public name leads to us, who are at `own`. */
export function judgePublicName(name: string, { addresses, problem }: NameAddresses, own: string[]): Verdict {
  const where = own.length > 0 ? list(own) : "this server's public address"
  const types = recordsFor(name, own).map(({ type }) => `an ${type}`)
  const publish = `Publish ${types.length > 0 ? list(types) : "an A"} record for ${name} with ${where}.`
  if (problem !== undefined)
    return {
      status: "unknown",
      verdict: `Where ${name} leads is not known: ${problem.replace(/\.$/, "")}.`,
      remedy: "Look again in a moment.",
    }
  if (addresses.length === 0) return { status: "warn", verdict: `${name} has no address yet.`, remedy: publish }
  if (own.length === 0)
    return {
      status: "unknown",
      verdict: `${name} leads to ${list(addresses)}; whether that is this server is not known, for it knows no public address of its own.`,
      remedy: "Set FREEHOLD_PUBLIC_IPV4.",
    }
  const foreign = addresses.filter((address) => !own.includes(address))
  if (foreign.length === 0) return { status: "ok", verdict: `${name} leads here, to ${list(addresses)}.` }
  if (foreign.length < addresses.length)
    return {
      status: "warn",
      verdict: `${name} leads here, and to ${list(foreign)} too.`,
      remedy: `Take the records with ${list(foreign)} away: visitors are led to either.`,
    }
  return {
    status: "warn",
    verdict: `${name} leads to ${list(addresses)}, which is not this server.`,
    remedy: `Let its record lead to ${where} instead, unless a proxy stands there that leads on to it.`,
  }
}

/** Whether this house's own DNS knows a name of this house; `own` are the machine's addresses in it. */
export function judgePrivateName(name: string, { addresses }: NameAddresses, own: string[]): Verdict {
  if (addresses.length > 0 && addresses.every((address) => own.includes(address)))
    return { status: "ok", verdict: `In this house ${name} leads here, to ${list(addresses)}.` }
  const here = own[0] ?? "the address of this machine"
  const remedy = `Let it lead to ${here} in your router's DNS (or Pi-hole and the like), or in the hosts file of each device.`
  if (addresses.length === 0)
    return { status: "warn", verdict: `This machine's own resolver does not know ${name}, so your devices may not find it either.`, remedy }
  return { status: "warn", verdict: `In this house ${name} leads to ${list(addresses)}, which is not this machine.`, remedy }
}

/** The records that lead a name here. */
export const recordsFor = (name: string, own: string[]): { name: string; type: "A" | "AAAA"; value: string }[] =>
  own.map((value) => ({ name, type: value.includes(":") ? "AAAA" : "A", value }))
