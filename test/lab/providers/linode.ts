import { isIP } from "node:net"
import type { RecordSetType } from "../../../src/providers/provider"
import type { StandInWorld } from "./contract"
import { fieldsIn, Refusal, type StandIn, type StandInCall, startStandIn } from "./stand-in"
import { RecordConflict } from "./zone-server"
import { countingIds, NoSuchRecord, type ZoneRecord, ZoneRecords } from "./zone-records"

// Linode's API v4 (https://techdocs.akamai.com/linode-api/reference/get-domain-records): pages of at most 500, filters in a header, numbers as ids,
// TTLs in steps, priority and weight apart, SRV by service and protocol, CAA without flags.

const ttlSteps = [300, 3600, 7200, 14_400, 28_800, 57_600, 86_400, 172_800, 345_600, 604_800, 1_209_600, 2_419_200]
const domainTtlSeconds = 86_400

type Fields = Record<string, unknown>

export type LinodeStandIn = StandIn & {
  /** Domains that get their records from elsewhere. */
  slaves: Set<string>
  /** Whether new records get the domain's own TTL, whatever they are made with, as was seen at the real one. */
  forgetTtl(forgets: boolean): void
}

/** The id that the stand-in gives the domain at that place of the world's zones. */
export const linodeDomainId = (index: number) => 5_000_000 + index

export async function startLinode({ server, zones, foreignZones, credential }: StandInWorld): Promise<LinodeStandIn> {
  const slaves = new Set<string>()
  const newId = countingIds(700_000)
  const domains = zones.map((name, index) => ({ id: linodeDomainId(index), name, records: new ZoneRecords(server, name, newId) }))
  let forgets = false

  const answer = async (call: StandInCall): Promise<Response> => {
    const header = call.headers.get("authorization")
    if (header === null) return fault(401, "Authorization header required")
    if (header !== `Bearer ${credential}`) return denied()
    const [root, domainId, word, recordId, ...rest] = call.path.split("/").slice(1)
    if (root !== "domains" || rest.length > 0) return fault(404, "Not found")
    if (domainId === undefined)
      return paged(
        call,
        domains.map(({ id, name }) => ({ id, domain: name, type: slaves.has(name) ? "slave" : "master", status: "active", ttl_sec: 0 })),
      )
    const domain = domains.find(({ id }) => String(id) === domainId)
    if (domain === undefined) {
      const isForeign = Number(domainId) >= 9_000_000 && Number(domainId) < 9_000_000 + foreignZones.length
      return isForeign ? fault(403, "Unauthorized") : fault(404, "Not found")
    }
    if (word !== "records") return fault(404, "Not found")
    if (call.method === "GET" && recordId === undefined) {
      return paged(
        call,
        (await domain.records.list()).map((record) => shown(record, domain.name)),
      )
    }
    try {
      if (call.method === "POST" && recordId === undefined) {
        const fields = parse(domain.name, fieldsIn(call, badBody))
        const record = await domain.records.create(forgets ? { ...fields, ttlSeconds: domainTtlSeconds } : fields)
        if (record === undefined) return fault(400, "Record already exists", "name")
        return Response.json(shown(record, domain.name))
      }
      const old = (await domain.records.list()).find(({ id }) => id === recordId)
      if (old === undefined || recordId === undefined) return fault(404, "Not found")
      if (call.method === "PUT") {
        const fields = { ...shown(old, domain.name), ...fieldsIn(call, badBody), type: old.type }
        return Response.json(shown(await domain.records.update(recordId, parse(domain.name, fields)), domain.name))
      }
      if (call.method === "DELETE") {
        await domain.records.remove(recordId)
        return Response.json({})
      }
    } catch (error) {
      if (error instanceof NoSuchRecord) return fault(404, "Not found")
      if (error instanceof RecordConflict) return fault(400, "Record conflict - CNAMES must be unique", "name")
      throw error
    }
    return fault(405, "Method Not Allowed")
  }

  const standIn = await startStandIn({
    answer,
    denied,
    rateLimited: (seconds) => {
      const response = fault(429, "Too many requests")
      response.headers.set("retry-after", String(seconds))
      return response
    },
    serverError: () => fault(500, "Internal server error"),
  })
  return {
    ...standIn,
    slaves,
    forgetTtl: (value) => {
      forgets = value
    },
  }
}

function parse(domain: string, fields: Fields): Omit<ZoneRecord, "id"> {
  const bad = (field: string, reason: string) => new Refusal(fault(400, reason, field))
  const type = String(fields.type) as RecordSetType
  const target = String(fields.target ?? "")
  const asked = Number(fields.ttl_sec ?? 0)
  const ttlSeconds = asked === 0 ? domainTtlSeconds : nearest(asked)
  if (!["A", "AAAA", "CNAME", "TXT", "MX", "CAA", "SRV"].includes(type))
    throw bad("type", "type must be one of A, AAAA, NS, MX, CNAME, TXT, SRV, PTR, CAA")
  if (type === "A" && isIP(target) !== 4) throw bad("target", "Invalid IPv4 address")
  if (type === "AAAA" && isIP(target) !== 6) throw bad("target", "Invalid IPv6 address")
  if (["CNAME", "SRV"].includes(type) && !/^[a-z0-9_.-]+[^.]$/i.test(target)) throw bad("target", "Invalid hostname")
  if (String(fields.name ?? "").includes("@")) throw bad("name", "Invalid hostname")
  if (type === "SRV") {
    if (!fields.service || !fields.protocol) throw bad("service", "service and protocol are required")
    const label = (text: unknown) => `_${String(text).replace(/^_/, "")}`
    const value = `${Number(fields.priority)} ${Number(fields.weight)} ${Number(fields.port)} ${target}`
    return { name: `${label(fields.service)}.${label(fields.protocol)}.${domain}`, type, value, ttlSeconds }
  }
  const name = String(fields.name ?? "").toLowerCase()
  const value =
    type === "MX" ? `${Number(fields.priority ?? 0)} ${target || "."}` : type === "CAA" ? `0 ${String(fields.tag)} "${target}"` : target
  if (type === "CAA" && !["issue", "issuewild", "iodef"].includes(String(fields.tag))) throw bad("tag", "Invalid tag")
  return { name: name === "" ? domain : `${name}.${domain}`, type, value, ttlSeconds }
}

function shown({ id, name, type, value, ttlSeconds }: ZoneRecord, domain: string): Fields {
  const relative = name === domain ? "" : name.slice(0, -domain.length - 1)
  const common = {
    id: Number(id),
    type,
    name: relative,
    target: value,
    ttl_sec: ttlSeconds,
    priority: 0,
    weight: 0,
    port: 0,
    service: null,
    protocol: null,
    tag: null,
  }
  const words = value.split(" ")
  if (type === "MX") return { ...common, priority: Number(words[0]), target: words[1] === "." ? "" : words[1] }
  if (type === "SRV") {
    const [service, protocol] = relative.split(".")
    const [priority, weight, port] = words.map(Number)
    return { ...common, service, protocol, priority, weight, port, target: words[3] }
  }
  if (type === "CAA") return { ...common, tag: words[1], target: words.slice(2).join(" ").slice(1, -1) }
  return common
}

function paged(call: StandInCall, items: Fields[]): Response {
  const size = Number(call.query.get("page_size") ?? 100)
  const page = Number(call.query.get("page") ?? 1)
  if (!(size >= 25 && size <= 500)) return fault(400, "Must be 25-500", "page_size")
  const filter = JSON.parse(call.headers.get("x-filter") ?? "{}") as Fields
  const found = items.filter((item) => matches(item, filter))
  const pages = Math.max(1, Math.ceil(found.length / size))
  if (page > pages) return fault(404, "Not found", "page")
  return Response.json({ data: found.slice((page - 1) * size, page * size), page, pages, results: found.length })
}

const matches = (item: Fields, filter: Fields): boolean =>
  Object.entries(filter).every(([key, wanted]) => {
    if (key === "+or") return (wanted as Fields[]).some((part) => matches(item, part))
    if (key === "+and") return (wanted as Fields[]).every((part) => matches(item, part))
    return item[key] === wanted
  })

const nearest = (seconds: number) => ttlSteps.toSorted((a, b) => Math.abs(a - seconds) - Math.abs(b - seconds))[0] ?? domainTtlSeconds

const badBody = () => fault(400, "Invalid JSON")

const denied = () => fault(401, "Invalid Token")

function fault(status: number, reason: string, field?: string): Response {
  return Response.json({ errors: [{ ...(field === undefined ? {} : { field }), reason }] }, { status })
}
