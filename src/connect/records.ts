import { isIP } from "node:net"
import { type DnsRecord, invalid, type RecordType, recordTypes, shown } from "./model"

/** Where customers' names are pointed: a CNAME target, and the addresses behind it where they are known. */
export type EdgeAddress = { cname: string; ipv4: string[]; ipv6: string[] }

/** What placeholders stand for in the records of one hostname. `apex` is the domain it is registered under. */
export type Place = { hostname: string; apex: string; edge: EdgeAddress }

const defaultTtlSeconds = 300
const maxRecords = 20
const placeholder = /\{([a-z0-9_]*)\}/g

/**
 * A record template: a list of records whose host and value may hold `{hostname}`, `{apex}`, `{host}` (the part in front of the apex, `@` for the
 * apex itself), `{edge_cname}`, `{edge_ipv4}` and `{edge_ipv6}`. Throws `invalid` naming the record, its field and the rule.
 */
export function parseTemplate(raw: unknown, field: string): DnsRecord[] {
  if (!Array.isArray(raw) || raw.length > maxRecords) throw invalid(`${field} must be a list of at most ${maxRecords} records`)
  return raw.map((one, index) => parseRecord(one, `${field}[${index}]`))
}

function parseRecord(raw: unknown, at: string): DnsRecord {
  if (typeof raw !== "object" || raw === null) throw invalid(`${at} must be an object with host, type and value`)
  const { host, type, value, ttl, priority } = raw as Record<string, unknown>
  if (typeof type !== "string" || !recordTypes.includes(type.toUpperCase() as RecordType))
    throw invalid(`${at}.type: ${shown(type)} is none of ${recordTypes.join(", ")}`)
  const record: DnsRecord = {
    host: parseText(host ?? "{hostname}", `${at}.host`, 253),
    type: type.toUpperCase() as RecordType,
    value: parseText(value, `${at}.value`, 4096),
    ttl: parseNumber(ttl ?? defaultTtlSeconds, `${at}.ttl`, 30, 86_400),
  }
  if (priority !== undefined && priority !== null) record.priority = parseNumber(priority, `${at}.priority`, 0, 65_535)
  else if (record.type === "MX" || record.type === "SRV") record.priority = 0
  return record
}

function parseText(raw: unknown, at: string, most: number): string {
  const text = typeof raw === "string" ? raw.trim() : ""
  if (text === "" || text.length > most || /[\x00-\x1f\x7f]/.test(text)) throw invalid(`${at} must be a text of 1 to ${most} characters`)
  const unknown = [...text.matchAll(placeholder)].find(([, name]) => !Object.hasOwn(placeholders, name ?? ""))
  if (unknown !== undefined)
    throw invalid(
      `${at}: ${unknown[0]} is no placeholder: there are ${Object.keys(placeholders)
        .map((name) => `{${name}}`)
        .join(", ")}`,
    )
  return text
}

function parseNumber(raw: unknown, at: string, least: number, most: number): number {
  if (typeof raw !== "number" || !Number.isInteger(raw) || raw < least || raw > most)
    throw invalid(`${at} must be a whole number from ${least} to ${most}`)
  return raw
}

/** What a placeholder stands for; several values make several records, none leaves the record out. */
const placeholders: Record<string, (place: Place) => string[]> = {
  hostname: ({ hostname }) => [hostname],
  apex: ({ apex }) => [apex],
  host: ({ hostname, apex }) => [hostname === apex ? "@" : hostname.slice(0, -apex.length - 1)],
  edge_cname: ({ edge }) => [edge.cname],
  edge_ipv4: ({ edge }) => edge.ipv4,
  edge_ipv6: ({ edge }) => edge.ipv6,
}

/**
 * The records of one hostname: those of the template with its placeholders filled in, checked. Throws `invalid` for a record that is none then, and for
 * one that lies outside the hostname's own domain, since nobody proves those.
 */
export function fillTemplate(template: DnsRecord[], place: Place): DnsRecord[] {
  const filled = template.flatMap((record) => {
    const hosts = fill(record.host, place).map((host) => (host === "@" ? place.apex : host.toLowerCase().replace(/\.$/, "")))
    const { type, ttl, priority } = record
    const rest = priority === undefined ? { ttl } : { ttl, priority }
    return hosts.flatMap((host) => fill(record.value, place).map((value): DnsRecord => Object.assign({ host, type, value }, rest)))
  })
  for (const record of filled) check(record, place)
  return filled
}

function fill(text: string, place: Place): string[] {
  const [match] = text.matchAll(placeholder)
  if (match === undefined) return [text]
  const values = placeholders[match[1]!]?.(place) ?? []
  return values.flatMap((value) => fill(text.slice(0, match.index) + value + text.slice(match.index + match[0].length), place))
}

const owner = /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

function check(record: DnsRecord, { hostname, apex }: Place): void {
  const what = `the ${record.type} record of ${record.host}`
  if (record.host.length > 253 || !owner.test(record.host)) throw invalid(`dns_records: ${shown(record.host)} is not a name`)
  const domain = hostname.replace(/^\*\./, "")
  const isOurs =
    record.host === hostname ||
    record.host === domain ||
    record.host.endsWith(`.${domain}`) ||
    record.host === `www.${apex}` ||
    record.host === apex
  if (!isOurs) throw invalid(`dns_records: ${what} is neither at ${hostname} nor at ${apex}`)
  if (record.type === "A" && isIP(record.value) !== 4) throw invalid(`dns_records: the value of ${what} must be an IPv4 address`)
  if (record.type === "AAAA" && isIP(record.value) !== 6) throw invalid(`dns_records: the value of ${what} must be an IPv6 address`)
  if ((record.type === "CNAME" || record.type === "MX") && !owner.test(record.value.toLowerCase().replace(/\.$/, "")))
    throw invalid(`dns_records: the value of ${what} must be a hostname`)
  if (record.type === "CNAME" || record.type === "MX") record.value = record.value.toLowerCase().replace(/\.$/, "")
}

/**
 * The records for a hostname without a template: a CNAME to the edge; at an apex, where no CNAME may stand (RFC 1034 section 3.6.2), the edge's addresses,
 * unless they are not known or the provider flattens.
 */
export function defaultRecords({ hostname, apex, edge }: Place, flattens: boolean): DnsRecord[] {
  const record = (type: RecordType, value: string): DnsRecord => ({ host: hostname, type, value, ttl: defaultTtlSeconds })
  const addresses = [...edge.ipv4.map((value) => record("A", value)), ...edge.ipv6.map((value) => record("AAAA", value))]
  if (hostname !== apex || flattens || addresses.length === 0) return [record("CNAME", edge.cname)]
  return addresses
}
