import { isIP } from "node:net"
import type { RecordSetType } from "../../../src/providers/provider"
import { quoteText, unquoteText } from "../../../src/providers/record-value"
import type { StandInWorld } from "./contract"
import { fieldsIn, Refusal, type StandIn, type StandInCall, startStandIn } from "./stand-in"
import { RecordConflict } from "./zone-server"
import { countingIds, NoSuchRecord, type ZoneRecord, ZoneRecords } from "./zone-records"

// name.com's Core API v1 as its OpenAPI document has it (https://docs.name.com): Basic authentication, pages of 1000 with `nextPage`, records that a
// PUT overwrites as a whole, TTLs of at least 300 seconds, no CAA, errors as `message` and `details`, 403 for domains that are served from elsewhere.

const itemsAPage = 1000
const minTtlSeconds = 300

type Fields = Record<string, unknown>

export type NamecomStandIn = StandIn & {
  /** Domains that are expired, or whose name servers are not name.com's. */
  servedElsewhere: Set<string>
}

export async function startNamecom({ server, zones, credential }: StandInWorld): Promise<NamecomStandIn> {
  const servedElsewhere = new Set<string>()
  const newId = countingIds(12_345)
  const records = new Map(zones.map((zone) => [zone, new ZoneRecords(server, zone, newId)]))
  const expected = `Basic ${Buffer.from(credential).toString("base64")}`

  const answer = async (call: StandInCall): Promise<Response> => {
    if (call.headers.get("authorization") !== expected) return denied()
    if (["POST", "PUT"].includes(call.method) && call.headers.get("content-type") !== "application/json") {
      return fault(415, "Unsupported Media Type", "The Content-Type header must be application/json")
    }
    const [root, domain, word, id, ...rest] = call.path.split("/").slice(1)
    if (root !== "domains" || rest.length > 0) return notFound()
    if (domain === undefined && call.method === "GET") {
      return paged(
        call,
        "domains",
        zones.map((domainName) => ({ domainName, locked: true, autorenewEnabled: true, privacyEnabled: false })),
      )
    }
    const zone = records.get(domain ?? "")
    if (domain === undefined || zone === undefined || word !== "records") return notFound()
    if (call.method === "GET" && id === undefined) {
      const own = (await zone.list()).map((record) => shown(domain, record))
      return paged(call, "records", own)
    }
    if (servedElsewhere.has(domain)) return fault(403, "Permission Denied", "The nameservers of the domain are not name.com's.")
    try {
      if (call.method === "POST" && id === undefined) {
        const record = await zone.create(parse(domain, fieldsIn(call, badBody)))
        if (record === undefined) return fault(400, "Invalid Argument", "Duplicate Record")
        return Response.json(shown(domain, record))
      }
      if (id === undefined) return fault(405, "Method Not Allowed", "")
      if (call.method === "PUT") return Response.json(shown(domain, await zone.update(id, parse(domain, fieldsIn(call, badBody)))))
      if (call.method === "DELETE") {
        await zone.remove(id)
        return new Response(null, { status: 204 })
      }
    } catch (error) {
      if (error instanceof NoSuchRecord) return notFound()
      if (error instanceof RecordConflict) return fault(400, "Invalid Argument", error.message)
      throw error
    }
    return fault(405, "Method Not Allowed", "")
  }

  const standIn = await startStandIn({
    answer,
    denied,
    rateLimited: (seconds) => {
      const response = fault(429, "Too Many Requests", "Rate limit exceeded")
      response.headers.set("x-ratelimit-reset", String(Math.ceil(Date.now() / 1000) + seconds))
      return response
    },
    serverError: () => fault(500, "Internal Server Error", ""),
  })
  return { ...standIn, servedElsewhere }
}

function parse(domain: string, { host, type: kind, answer, ttl, priority }: Fields): Omit<ZoneRecord, "id"> {
  const bad = (details: string) => new Refusal(fault(400, "Invalid Argument", details))
  const type = String(kind) as RecordSetType
  const text = String(answer ?? "")
  const ttlSeconds = Number(ttl ?? minTtlSeconds)
  if (!["A", "AAAA", "CNAME", "MX", "SRV", "TXT"].includes(type)) throw bad("Parameter Value Error - Invalid Record Type")
  if (typeof host !== "string" || text === "") throw bad("host, type and answer are required")
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < minTtlSeconds || ttlSeconds > 2_147_483_647) throw bad("TTL must be at least 300")
  if (type === "A" && isIP(text) !== 4) throw bad("Parameter Value Error - Invalid IPv4")
  if (type === "AAAA" && isIP(text) !== 6) throw bad("Parameter Value Error - Invalid IPv6")
  if (type === "SRV" && !/^\d+ \d+ [^. ]\S*$/.test(text)) throw bad("Parameter Value Error - Invalid Srv Format")
  const hasPriority = type === "MX" || type === "SRV"
  if (hasPriority && !Number.isInteger(priority)) throw bad("priority is required")
  const name = host === "" || host === "@" ? domain : `${host}.${domain}`.toLowerCase()
  return { name, type, value: type === "TXT" ? unquoteText(text) : hasPriority ? `${String(priority)} ${text}` : text, ttlSeconds }
}

function shown(domain: string, { id, name, type, value, ttlSeconds }: ZoneRecord): Fields {
  const hasPriority = type === "MX" || type === "SRV"
  const [priority = "", ...rest] = value.split(" ")
  const isPlain = /^[^"\\]*$/.test(value) && Buffer.byteLength(value) <= 255
  return {
    id: Number(id),
    domainName: domain,
    host: name === domain ? "" : name.slice(0, -domain.length - 1),
    fqdn: `${name}.`,
    type,
    answer: type === "TXT" ? (isPlain ? value : quoteText(value)) : hasPriority ? rest.join(" ") : value,
    ttl: ttlSeconds,
    ...(hasPriority ? { priority: Number(priority) } : {}),
  }
}

/** Smaller pages than the API's own are its callers' wish, so they are taken. */
function paged(call: StandInCall, key: string, items: Fields[]): Response {
  const size = Math.min(itemsAPage, Number(call.query.get("perPage") ?? itemsAPage))
  const page = Number(call.query.get("page") ?? 1)
  const last = Math.max(1, Math.ceil(items.length / size))
  const isLast = page >= last
  return Response.json({
    [key]: items.slice((page - 1) * size, page * size),
    nextPage: isLast ? 0 : page + 1,
    lastPage: isLast ? 0 : last,
    totalCount: items.length,
  })
}

const fault = (status: number, message: string, details: string) => Response.json({ message, details }, { status })

const denied = () => Response.json({ message: "Unauthorized" }, { status: 401 })

const notFound = () => Response.json({ message: "Not Found" }, { status: 404 })

const badBody = () => fault(400, "Invalid Argument", "The body is not JSON")
