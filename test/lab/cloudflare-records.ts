import { randomBytes } from "node:crypto"
import { isIP } from "node:net"
import { runCommand } from "./process"

// The records of a zone at the stand-in, and which of them may share a name. Where the real one is laxer (a CNAME beside a TXT) this is as
// strict as the DNS server behind it must be. A CNAME at the apex is accepted as the real one does, which flattens it; the server here drops it.

/** A zone at the provider; `status` is `active` unless given. */
export type CloudflareZone = { id: string; name: string; status?: "active" | "pending" | "initializing" | "moved" }

export type CloudflareRecord = {
  id: string
  type: string
  name: string
  content: string
  ttl: number
  proxied: boolean
  priority?: number
  data?: Record<string, unknown>
}

/** A record as the name servers are to show it. */
export type PublishedRecord = { name: string; type: string; ttl: number; content: string }

/** What one accepted API call changes in a zone, all at once. */
export type ZoneChange = { remove: PublishedRecord[]; add: PublishedRecord[] }

/** What a proxied record resolves to: an address of the provider in place of the content. */
const proxyAddress = "198.18.0.1"

/** Brings changes to a Knot server by dynamic update (RFC 2136), one message a change, so that the zone never shows half of it. */
export function knotApply(server: { address: string; port: number }): (zone: string, change: ZoneChange) => Promise<void> {
  return async (zone, change) => {
    const lines = [
      `server ${server.address} ${server.port}`,
      `zone ${zone}.`,
      ...change.remove.map((record) => `update del ${record.name}. ${record.type} ${dataOf(record)}`),
      ...change.add.map((record) => `update add ${record.name}. ${record.ttl} ${record.type} ${dataOf(record)}`),
      "send",
      "quit",
    ]
    await runCommand(["knsupdate", "-t", "5"], { input: `${lines.join("\n")}\n` })
  }
}

export type Fields = Record<string, unknown>

/** An error of the API: HTTP status, and the code and message of the envelope. */
export class ApiFault extends Error {
  constructor(
    readonly status: number,
    readonly code: number,
    message: string,
    readonly chain: { code: number; message: string }[] = [],
  ) {
    super(message)
  }
}

/** The records of a zone while one call changes them. */
export class Draft {
  constructor(
    private zone: CloudflareZone,
    public records: CloudflareRecord[],
  ) {}

  create(fields: Fields): CloudflareRecord {
    return this.place({ id: randomBytes(16).toString("hex"), ...parseRecord(this.zone, fields) })
  }

  change(id: string, fields: Fields, isPatch: boolean): CloudflareRecord {
    const old = this.delete(id)
    return this.place({ id, ...parseRecord(this.zone, isPatch ? { ...old, ...fields } : fields) })
  }

  delete(id: string): CloudflareRecord {
    const record = this.records.find((candidate) => candidate.id === id)
    if (record === undefined) throw noRecord()
    this.records = this.records.filter((candidate) => candidate !== record)
    return record
  }

  private place(record: CloudflareRecord): CloudflareRecord {
    const there = this.records.filter(({ name }) => name === record.name)
    if (there.some((other) => other.type === record.type && other.content === record.content)) {
      throw new ApiFault(400, 81058, "An identical record already exists.")
    }
    if (record.type === "CNAME" && there.length > 0) {
      throw new ApiFault(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")
    }
    if (there.some(({ type }) => type === "CNAME")) throw new ApiFault(400, 81054, "A CNAME record with that host already exists.")
    this.records = [...this.records, record]
    return record
  }
}

function parseRecord(zone: CloudflareZone, fields: Fields): Omit<CloudflareRecord, "id"> {
  const type = String(fields.type ?? "")
  const given = String(fields.name ?? "").toLowerCase()
  const name = given === "@" ? zone.name : given === zone.name || given.endsWith(`.${zone.name}`) ? given : `${given}.${zone.name}`
  const { content, data } = contentOf(type, fields)
  const ttl = Number(fields.ttl ?? 1)
  const proxied = fields.proxied === true
  if (given === "") throw new ApiFault(400, 9000, "DNS name is invalid.")
  if (type === "A" && isIP(content) !== 4) throw new ApiFault(400, 9005, "Content for A record must be a valid IPv4 address.")
  if (type === "AAAA" && isIP(content) !== 6) throw new ApiFault(400, 9006, "Content for AAAA record must be a valid IPv6 address.")
  if (type === "CNAME" && !/^[a-z0-9_.-]+$/i.test(content)) throw new ApiFault(400, 9007, "Content for CNAME record is invalid.")
  if (!["A", "AAAA", "CNAME", "TXT", "MX", "NS", "CAA", "SRV"].includes(type)) throw new ApiFault(400, 1004, "DNS Validation Error")
  if (ttl !== 1 && !(ttl >= 60 && ttl <= 86400)) throw new ApiFault(400, 9021, "Invalid TTL. Must be between 60 and 86400, or 1 for auto.")
  if (proxied && !["A", "AAAA", "CNAME"].includes(type)) throw new ApiFault(400, 9004, "This record type cannot be proxied.")
  const priority = type === "MX" ? { priority: Number(fields.priority ?? 10) } : {}
  return { type, name, content, ttl, proxied, ...priority, ...(data ? { data } : {}) }
}

/** A CAA and an SRV are given by their parts, and shown with a content made of them. */
function contentOf(type: string, fields: Fields): { content: string; data?: Record<string, unknown> } {
  const data = typeof fields.data === "object" && fields.data !== null ? (fields.data as Record<string, unknown>) : undefined
  if (type !== "CAA" && type !== "SRV") return { content: String(fields.content ?? "") }
  const parts = type === "CAA" ? ["flags", "tag", "value"] : ["priority", "weight", "port", "target"]
  if (data === undefined || parts.some((part) => data[part] === undefined))
    throw new ApiFault(400, 9101, `${parts.join(", ")} are required data fields.`)
  const shown = type === "CAA" ? { ...data, value: JSON.stringify(data.value) } : data
  return { content: parts.map((part) => String((shown as Record<string, unknown>)[part])).join(" "), data }
}

/** The zone's records when its name servers show these: what is no longer shown is gone, and what nobody made here has come. */
export function reconciled(records: CloudflareRecord[], shown: PublishedRecord[]): CloudflareRecord[] {
  const keyOf = (record: PublishedRecord) => JSON.stringify([record.name, record.type, dataOf(record)])
  const wanted = new Map(shown.map((record) => [keyOf(record), record]))
  const kept = records.filter((record) => [...published([record]).values()].some((one) => wanted.delete(keyOf(one))))
  return [...kept, ...[...wanted.values()].map(madeElsewhere)]
}

function madeElsewhere({ name, type, ttl, content }: PublishedRecord): CloudflareRecord {
  const record = { id: randomBytes(16).toString("hex"), name, type, ttl, proxied: false }
  const [first = "", ...rest] = content.split(" ")
  if (type === "MX") return { ...record, priority: Number(first), content: rest.join(" ") }
  if (type === "SRV")
    return { ...record, content, data: { priority: Number(first), weight: Number(rest[0]), port: Number(rest[1]), target: rest[2] } }
  if (type === "CAA")
    return { ...record, content, data: { flags: Number(first), tag: rest[0], value: rest.slice(1).join(" ").slice(1, -1) } }
  return { ...record, content }
}

/** The records as the name servers show them, by a key that tells them apart. */
export function published(records: CloudflareRecord[]): Map<string, PublishedRecord> {
  const shown = records.map((record) => {
    const ttl = record.ttl === 1 ? 300 : record.ttl
    if (record.proxied) return { name: record.name, type: "A", ttl, content: proxyAddress }
    const content = record.type === "MX" ? `${record.priority} ${record.content}` : record.content
    return { name: record.name, type: record.type, ttl, content }
  })
  return new Map(shown.map((record) => [JSON.stringify(record), record]))
}

/** The content as a zone file has it. */
export function dataOf({ type, content }: PublishedRecord): string {
  if (type === "TXT" && !content.startsWith('"')) return `"${content.replaceAll(/["\\]/g, "\\$&")}"`
  if (["CNAME", "NS", "MX", "SRV"].includes(type) && !content.endsWith(".")) return `${content}.`
  return content
}

/** The answer to an id that no record has. */
export const noRecord = () => new ApiFault(404, 81044, "Record does not exist.")
