import { isIPv6 } from "node:net"
import type { Delegation } from "./delegations"
import type { Endpoint, Reply } from "./exchange"
import type { ServerAnswer } from "./lookup"
import type { Name } from "./name"
import { isWithin, showName } from "./name"
import { coveredType, typeNumbers } from "./rdata"
import { CLASS_IN, type DnsRecord, type Message, type Question, rcodes } from "./wire"

/** What a reply means to somebody who asked a server of `zone`. */
export type Verdict =
  | { kind: "records"; values: string[]; ttlSeconds: number; delegation?: Delegation; signatures?: string[] }
  | { kind: "alias"; target: Name }
  | { kind: "nodata" | "nxdomain" }
  | { kind: "referral"; delegation: Delegation }
  | { kind: "failed"; outcome: "servfail" | "refused" | "lame" | "malformed" | "unreachable"; detail: string; noRoute?: boolean }

/** Reads a reply: records of other names, classes or outside the zone's bailiwick are as good as not there. `port` is that of servers found in glue. */
export function judge(reply: Reply, zone: Name, question: Question, port: number): Verdict {
  if (reply.kind !== "message") {
    return {
      kind: "failed",
      outcome: reply.kind,
      detail: reply.detail,
      ...(reply.kind === "unreachable" && reply.noRoute ? { noRoute: true } : {}),
    }
  }
  const given = reply.message
  if (given.rcode === rcodes.REFUSED) return { kind: "failed", outcome: "refused", detail: "it refused the question" }
  if (given.rcode !== rcodes.NOERROR && given.rcode !== rcodes.NXDOMAIN) {
    const name = Object.entries(rcodes).find(([, code]) => code === given.rcode)?.[0] ?? `response code ${given.rcode}`
    return { kind: "failed", outcome: "servfail", detail: `it answered ${name}` }
  }
  const own = given.answers.filter((record) => record.class === CLASS_IN && record.name === question.name && isWithin(record.name, zone))
  if (!given.authoritative || given.answers.length === 0) {
    const delegation = given.rcode === rcodes.NOERROR ? referralIn(given, zone, question.name, port) : undefined
    if (delegation) return { kind: "referral", delegation }
  }
  if (!given.authoritative) {
    const upward = given.authorities.find((record) => record.type === typeNumbers.NS)
    const detail = upward ? `it only refers to the servers of ${showName(upward.name)}` : "it answered without authority"
    return { kind: "failed", outcome: "lame", detail: `it does not serve ${showName(zone)}: ${detail}` }
  }
  const wanted = own.filter((record) => record.type === question.type)
  if (wanted.length > 0) {
    const isApex = question.type === typeNumbers.NS && question.name !== zone
    const delegation = isApex ? delegationFrom(question.name, wanted, given, question.name, port) : undefined
    const signatures = own.filter((record) => record.type === typeNumbers.RRSIG && coveredType(record.value) === question.type)
    return {
      kind: "records",
      values: wanted.map((record) => record.value),
      ttlSeconds: leastTtl(wanted),
      ...(delegation ? { delegation } : {}),
      ...(signatures.length > 0 ? { signatures: signatures.map((record) => record.value) } : {}),
    }
  }
  const alias = own.find((record) => record.type === typeNumbers.CNAME)
  if (alias) return { kind: "alias", target: alias.value }
  return { kind: given.rcode === rcodes.NXDOMAIN ? "nxdomain" : "nodata" }
}

export const leastTtl = (records: DnsRecord[]): number => records.reduce((least, record) => Math.min(least, record.ttl), 0x7fffffff)

function referralIn(given: Message, zone: Name, name: Name, port: number): Delegation | undefined {
  const servers = given.authorities.filter((record) => record.type === typeNumbers.NS && record.class === CLASS_IN)
  const child = servers.find((record) => record.name !== zone && isWithin(record.name, zone) && isWithin(name, record.name))?.name
  if (child === undefined) return undefined
  const named = servers.filter((record) => record.name === child)
  return delegationFrom(child, named, given, zone, port)
}

const MAX_SERVERS = 13
const MAX_GLUE = 4

/** Glue counts only where its owner lies within `bailiwick`, the zone that the answering server speaks for. */
function delegationFrom(zone: Name, records: DnsRecord[], given: Message, bailiwick: Name, port: number): Delegation {
  const names = [...new Set(records.map((record) => record.value))].slice(0, MAX_SERVERS)
  const servers = names.map((name) => {
    const isGlue = (record: DnsRecord) =>
      record.name === name && record.class === CLASS_IN && (record.type === typeNumbers.A || record.type === typeNumbers.AAAA)
    const glue = isWithin(name, bailiwick) ? given.additionals.filter(isGlue).slice(0, MAX_GLUE) : []
    return { name, addresses: glue.map((record) => ({ address: record.value, port })) }
  })
  return { zone, servers, ttlSeconds: leastTtl(records) }
}

/** An address for people: the port only where it is not 53. */
export function showAddress(address: string, port: number): string {
  if (port === 53) return address
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`
}

/** The verdict on one server as the look-up reports it; an alias or a referral is for the resolver to follow. */
export function toAnswer(from: Endpoint, verdict: Exclude<Verdict, { kind: "alias" | "referral" }>): ServerAnswer {
  const where = { server: showName(from.server), address: showAddress(from.address, from.port) }
  if (verdict.kind === "records") {
    const { values, ttlSeconds, signatures } = verdict
    return { ...where, outcome: "answer", values, ttlSeconds, ...(signatures ? { signatures } : {}) }
  }
  if (verdict.kind === "failed") return { ...where, outcome: verdict.outcome, values: [], detail: verdict.detail }
  return { ...where, outcome: verdict.kind, values: [] }
}
