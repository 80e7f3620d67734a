import { randomUUID } from "node:crypto"
import type { RecordSetType } from "../../../src/providers/provider"
import type { StandInWorld } from "./contract"
import { fieldsIn, Refusal, type StandIn, type StandInCall, startStandIn } from "./stand-in"
import { RecordConflict } from "./zone-server"
import { NoSuchRecord, type ZoneRecord, ZoneRecords } from "./zone-records"

// Vultr's API v2 (https://www.vultr.com/api/#tag/dns): pages with a cursor, UUIDs, `{"error", "status"}`, the priority apart, a TXT between quotes,
// names without a trailing dot, and (as was seen at the real one) no further record of a set with another TTL.

type Fields = Record<string, unknown>

export type VultrStandIn = StandIn & {
  /** Whether the key's access control lets the caller in. */
  letIn(isAllowed: boolean): void
}

export async function startVultr({ server, zones, credential }: StandInWorld): Promise<VultrStandIn> {
  const domains = new Map(zones.map((zone) => [zone, new ZoneRecords(server, zone, randomUUID)]))
  let isAllowed = true

  const answer = async (call: StandInCall): Promise<Response> => {
    if (call.headers.get("authorization") !== `Bearer ${credential}`) return denied()
    if (!isAllowed) return fault(401, "Unauthorized IP address: 127.0.0.1")
    const [root, domain, word, id, ...rest] = call.path.split("/").slice(1)
    if (root !== "domains" || rest.length > 0) return fault(404, "Not found")
    if (domain === undefined) {
      return paged(
        call,
        "domains",
        zones.map((name) => ({ domain: name, date_created: "2024-01-01T00:00:00+00:00", dns_sec: "disabled" })),
      )
    }
    const records = domains.get(domain)
    if (records === undefined) return fault(404, "Invalid domain.")
    if (word !== "records") return fault(404, "Not found")
    const all = await records.list()
    if (call.method === "GET" && id === undefined) {
      return paged(
        call,
        "records",
        all.map((record) => shown(record, domain)),
      )
    }
    try {
      if (call.method === "POST" && id === undefined) {
        const record = parse(domain, fieldsIn(call, badBody))
        const other = all.find(({ name, type }) => name === record.name && type === record.type)
        if (other && other.ttlSeconds !== record.ttlSeconds)
          return fault(400, "Unable to create record: TTL differs from the other records.")
        const created = await records.create(record)
        return created ? Response.json({ record: shown(created, domain) }, { status: 201 }) : fault(400, "Duplicate record.")
      }
      const old = all.find((record) => record.id === id)
      if (old === undefined) return fault(404, "Invalid record.")
      if (call.method === "PATCH") {
        const given = fieldsIn(call, badBody)
        if (given.type !== undefined) return fault(400, "The type of a record cannot be changed.")
        await records.update(old.id, parse(domain, { ...shown(old, domain), ...given }))
        return new Response(null, { status: 204 })
      }
      if (call.method === "DELETE") {
        await records.remove(old.id)
        return new Response(null, { status: 204 })
      }
    } catch (error) {
      if (error instanceof NoSuchRecord) return fault(404, "Invalid record.")
      if (error instanceof RecordConflict) return fault(400, `Unable to create record: ${error.message}`)
      throw error
    }
    return fault(405, "Method not allowed")
  }

  const standIn = await startStandIn({
    answer,
    denied,
    rateLimited: (seconds) => {
      const response = fault(429, "Rate limit reached - please try your request again later.")
      response.headers.set("retry-after", String(seconds))
      return response
    },
    serverError: () => fault(500, "Internal server error"),
  })
  return {
    ...standIn,
    letIn: (value) => {
      isAllowed = value
    },
  }
}

function parse(domain: string, fields: Fields): Omit<ZoneRecord, "id"> {
  const bad = (words: string) => new Refusal(fault(400, words))
  const type = String(fields.type) as RecordSetType
  const data = String(fields.data ?? "")
  const name = String(fields.name ?? "").toLowerCase()
  const ttlSeconds = Number(fields.ttl ?? 300)
  if (!["A", "AAAA", "CNAME", "TXT", "MX", "CAA", "SRV"].includes(type)) throw bad("Invalid record type.")
  if (name.includes("@") || data === "" || data.endsWith(".")) throw bad("Invalid record data.")
  if (!(ttlSeconds >= 60 && ttlSeconds <= 604_800)) throw bad("Invalid TTL.")
  const hasPriority = type === "MX" || type === "SRV"
  if (hasPriority && fields.priority === undefined) throw bad("Priority is required.")
  if (type === "TXT" && !/^"[^"\\]*"$/s.test(data)) throw bad("TXT data must be between quotes, and have none inside.")
  const value = hasPriority ? `${Number(fields.priority)} ${data}` : type === "TXT" ? data.slice(1, -1) : data
  return { name: name === "" ? domain : `${name}.${domain}`, type, value, ttlSeconds }
}

function shown({ id, name, type, value, ttlSeconds }: ZoneRecord, domain: string): Fields {
  const hasPriority = type === "MX" || type === "SRV"
  const [priority, ...rest] = value.split(" ")
  const data = hasPriority ? rest.join(" ") : type === "TXT" ? `"${value}"` : value
  const relative = name === domain ? "" : name.slice(0, -domain.length - 1)
  return { id, type, name: relative, data, priority: hasPriority ? Number(priority) : 0, ttl: ttlSeconds }
}

function paged(call: StandInCall, key: string, items: Fields[]): Response {
  const size = Number(call.query.get("per_page") ?? 100)
  if (!(size >= 1 && size <= 500)) return fault(400, "Invalid per_page.")
  const from = Number(
    Buffer.from(call.query.get("cursor") ?? "", "base64")
      .toString()
      .replace("next__", "") || 0,
  )
  const next = from + size < items.length ? Buffer.from(`next__${from + size}`).toString("base64") : ""
  return Response.json({ [key]: items.slice(from, from + size), meta: { total: items.length, links: { next, prev: "" } } })
}

const badBody = () => fault(400, "Invalid JSON.")

const denied = () => fault(401, "Invalid API token.")

const fault = (status: number, error: string) => Response.json({ error, status }, { status })
