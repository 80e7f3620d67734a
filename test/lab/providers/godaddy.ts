import { isIP } from "node:net"
import type { RecordSet, RecordSetType } from "../../../src/providers/provider"
import type { StandInWorld } from "./contract"
import { fieldsIn, Refusal, type StandIn, type StandInCall, startStandIn } from "./stand-in"
import { RecordConflict } from "./zone-server"

// GoDaddy's Domains API v1 (https://developer.godaddy.com/doc/endpoint/domains): sso-key authentication, domains in pages with a marker, records by
// type and name, plain texts, SRV records at their host with service and protocol apart, no CAA, 404 where there is nothing to delete, errors as
// `code`, `message` and `fields`.

const usualDomainsAPage = 100
const maxDomainsAPage = 1000
const types: RecordSetType[] = ["A", "AAAA", "CNAME", "MX", "SRV", "TXT"]

type Fields = Record<string, unknown>

export type GodaddyStandIn = StandIn & {
  /** The account is too small to use the API. */
  closeTo(isClosed: boolean): void
}

export async function startGodaddy({ server, zones, foreignZones, credential }: StandInWorld): Promise<GodaddyStandIn> {
  let isClosed = false

  const answer = async (call: StandInCall): Promise<Response> => {
    const header = call.headers.get("authorization")
    if (header !== `sso-key ${credential}`) return denied()
    if (isClosed) return fault(403, "ACCESS_DENIED", "Authenticated user is not allowed access")
    const [version, root, domain, word, type, relative, ...rest] = call.path.split("/").slice(1)
    if (version !== "v1" || root !== "domains" || rest.length > 0) return fault(404, "NOT_FOUND", "Resource not found")
    if (domain === undefined) return listDomains(call)
    if (foreignZones.includes(domain)) return fault(403, "ACCESS_DENIED", "Authenticated user is not allowed access")
    if (!zones.includes(domain)) return fault(404, "UNKNOWN_DOMAIN", "The given domain is not registered, or does not have a zone file")
    const kind = types.find((known) => known === type)
    if (word !== "records" || kind === undefined || relative === undefined) {
      return fault(422, "INVALID_VALUE_ENUM", `type must be one of: ${types.join(", ")}, NS, SOA`)
    }
    const sets = async () => (await server.sets(domain)).filter((set) => set.type === kind && placeOf(domain, set).name === relative)
    if (call.method === "GET") return Response.json((await sets()).flatMap((set) => shown(domain, set)))
    const removals = (await sets()).map(({ name, ttlSeconds }): RecordSet => ({ name, type: kind, ttlSeconds, values: [] }))
    if (call.method === "DELETE") {
      if (removals.length === 0) return fault(404, "NOT_FOUND", "No records were found of that type and name")
      await server.change(domain, () => removals)
      return new Response(null, { status: 204 })
    }
    if (call.method !== "PUT") return fault(405, "METHOD_NOT_ALLOWED", "Method not allowed")
    const body: unknown = fieldsIn(call, () => fault(400, "INVALID_BODY", "Request was malformed"))
    if (!Array.isArray(body) || body.length === 0) return fault(422, "INVALID_BODY", "records must hold one record or more")
    const wanted = gather(body.map((item) => parse(domain, kind, relative, item as Fields)))
    const others = removals.filter((set) => !wanted.some(({ name }) => name === set.name))
    await server
      .change(domain, () => [...others, ...wanted])
      .catch((error: unknown) => {
        throw error instanceof RecordConflict ? new Refusal(fault(422, "INVALID_BODY", error.message)) : error
      })
    return new Response(null, { status: 200 })
  }

  const listDomains = (call: StandInCall) => {
    const limit = Number(call.query.get("limit") ?? usualDomainsAPage)
    if (!(limit >= 1 && limit <= maxDomainsAPage)) return fault(422, "INVALID_VALUE", "limit must be between 1 and 1000")
    const marker = call.query.get("marker")
    const sorted = [...zones].sort()
    const from = marker === null ? sorted : sorted.filter((name) => name > marker)
    return Response.json(from.slice(0, limit).map((domain, index) => ({ domainId: index + 1, domain, status: "ACTIVE", locked: true })))
  }

  const standIn = await startStandIn({
    answer,
    denied,
    rateLimited: (seconds) =>
      Response.json(
        { code: "TOO_MANY_REQUESTS", message: "Too many requests received within interval", retryAfterSec: seconds },
        { status: 429 },
      ),
    serverError: () => fault(504, "GATEWAY_TIMEOUT", "Gateway timeout"),
  })
  return {
    ...standIn,
    closeTo: (value) => {
      isClosed = value
    },
  }
}

/** The name of a set as the API has it, with what it keeps apart of an SRV. */
function placeOf(domain: string, { name, type }: RecordSet): { name: string; service?: string; protocol?: string } {
  const relative = name === domain ? "@" : name.slice(0, -domain.length - 1)
  if (type !== "SRV") return { name: relative }
  const [service, protocol, ...host] = relative.split(".")
  return { name: host.join(".") || "@", service, protocol }
}

function shown(domain: string, set: RecordSet): Fields[] {
  const place = placeOf(domain, set)
  return set.values.map((value) => {
    const common = { type: set.type, ttl: set.ttlSeconds, ...place }
    const words = value.split(" ")
    if (set.type === "MX") return { ...common, data: words[1], priority: Number(words[0]) }
    if (set.type !== "SRV") return { ...common, data: value }
    const [priority, weight, port] = words.map(Number)
    return { ...common, data: words[3], priority, weight, port }
  })
}

function parse(domain: string, type: RecordSetType, relative: string, item: Fields): RecordSet {
  const { data, ttl, priority, weight, port, service, protocol } = item
  const bad = (path: string, message: string) =>
    new Refusal(fault(422, "INVALID_BODY", "Request body doesn't fulfill schema", { path, message }))
  if (typeof data !== "string" || data === "") throw bad("records[0].data", "is required")
  const ttlSeconds = Number(ttl ?? 3600)
  if (!(ttlSeconds >= 600 && ttlSeconds <= 86_400)) throw bad("records[0].ttl", "is out of range")
  if (type === "A" && isIP(data) !== 4) throw bad("records[0].data", "must be an IPv4 address")
  if (type === "AAAA" && isIP(data) !== 6) throw bad("records[0].data", "must be an IPv6 address")
  const name = relative === "@" ? domain : `${relative}.${domain}`.toLowerCase()
  if (type === "MX") {
    if (!Number.isInteger(priority)) throw bad("records[0].priority", "is required")
    return { name, type, ttlSeconds, values: [`${String(priority)} ${data}`] }
  }
  if (type !== "SRV") return { name, type, ttlSeconds, values: [data] }
  const isLabel = (text: unknown): text is string => typeof text === "string" && /^_[a-z0-9-]+$/.test(text)
  if (!isLabel(service) || !isLabel(protocol)) throw bad("records[0].service", "and protocol are required")
  return {
    name: `${service}.${protocol}.${name}`,
    type,
    ttlSeconds,
    values: [`${Number(priority)} ${Number(weight)} ${Number(port)} ${data}`],
  }
}

/** Records of one name as one set. */
function gather(records: RecordSet[]): RecordSet[] {
  const sets = new Map<string, RecordSet>()
  for (const record of records) {
    const set = sets.get(record.name)
    if (set?.values.includes(record.values[0] ?? "")) {
      throw new Refusal(fault(422, "DUPLICATE_RECORD", "Another record with the same attributes already exists"))
    }
    sets.set(record.name, { ...record, values: [...(set?.values ?? []), ...record.values] })
  }
  return [...sets.values()]
}

function fault(status: number, code: string, message: string, field?: Fields): Response {
  return Response.json({ code, message, ...(field ? { fields: [{ code, ...field }] } : {}) }, { status })
}

const denied = () => fault(401, "UNABLE_TO_AUTHENTICATE", "Unauthorized : Could not authenticate API key/secret")
