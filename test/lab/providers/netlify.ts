import { createHash, randomBytes } from "node:crypto"
import type { RecordSetType } from "../../../src/providers/provider"
import type { StandInWorld } from "./contract"
import { fieldsIn, Refusal, type StandIn, type StandInCall, startStandIn } from "./stand-in"
import { NoSuchRecord, type ZoneRecord, ZoneRecords } from "./zone-records"
import { RecordConflict } from "./zone-server"

// Netlify's API as https://open-api.netlify.com documents it: DNS zones in pages, all records of a zone at once, made and removed by id and never changed.

export const netlifyZoneId = (name: string) => createHash("sha256").update(name).digest("hex").slice(0, 24)

export function startNetlify({ server, zones, credential }: StandInWorld): Promise<StandIn> {
  const newId = () => randomBytes(12).toString("hex")
  const records = new Map(zones.map((zone) => [netlifyZoneId(zone), { zone, list: new ZoneRecords(server, zone, newId) }]))

  const answer = async (call: StandInCall): Promise<Response> => {
    if (call.headers.get("authorization") !== `Bearer ${credential}`) return denied()
    const [root, zoneId, word, id] = call.path.split("/").filter((part) => part !== "")
    if (root !== "dns_zones") throw fault(404, "Not Found")
    if (zoneId === undefined) return page(call, zones)
    const found = records.get(zoneId)
    if (found === undefined || word !== "dns_records") throw fault(404, "Not Found")
    const { zone, list } = found
    try {
      if (call.method === "GET" && id === undefined) return Response.json((await list.list()).map((record) => shown(record, zone)))
      if (call.method === "POST" && id === undefined) {
        const created = await list.create(parse(call, zone))
        if (created === undefined) throw fault(422, "Record already exists")
        return Response.json(shown(created, zone), { status: 201 })
      }
      if (call.method === "DELETE" && id !== undefined) {
        await list.remove(id)
        return new Response(null, { status: 204 })
      }
    } catch (error) {
      if (error instanceof NoSuchRecord) throw fault(404, "Not Found")
      throw error instanceof RecordConflict ? fault(422, error.message) : error
    }
    throw fault(404, "Not Found")
  }

  return startStandIn({
    answer,
    denied,
    rateLimited: (seconds) => {
      const headers = {
        "x-ratelimit-limit": "500",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": String(Math.ceil(Date.now() / 1000) + seconds),
      }
      return Response.json({ code: 429, message: "Too Many Requests" }, { status: 429, headers })
    },
    serverError: () => Response.json({ code: 500, message: "Internal Server Error" }, { status: 500 }),
  })
}

const denied = () => Response.json({ code: 401, message: "Access Denied" }, { status: 401 })

const fault = (code: number, message: string) => new Refusal(Response.json({ code, message }, { status: code }))

function page({ query }: StandInCall, zones: string[]): Response {
  const size = Math.min(100, Number(query.get("per_page") ?? 100))
  const number = Number(query.get("page") ?? 1)
  const slice = zones.slice((number - 1) * size, number * size)
  const servers = ["dns1.p01.nsone.net", "dns2.p01.nsone.net", "dns3.p01.nsone.net", "dns4.p01.nsone.net"]
  return Response.json(slice.map((name) => ({ id: netlifyZoneId(name), name, dns_servers: servers, records: [], errors: [] })))
}

function parse(call: StandInCall, zone: string): Omit<ZoneRecord, "id"> {
  const fields = fieldsIn(call, () => fault(400, "Bad Request").response)
  const name = String(fields.hostname).toLowerCase()
  if (name !== zone && !name.endsWith(`.${zone}`)) throw fault(422, "hostname must be in the zone")
  const type = String(fields.type) as RecordSetType
  return { name, type, ttlSeconds: Number(fields.ttl ?? 3600), value: valueOf(type, fields) }
}

function valueOf(type: RecordSetType, fields: Record<string, unknown>): string {
  const value = String(fields.value ?? "")
  const number = (field: string) => {
    if (typeof fields[field] !== "number") throw fault(422, `${field} is required`)
    return fields[field]
  }
  if (value === "") throw fault(422, "value is required")
  if (type === "MX") return `${number("priority")} ${value}`
  if (type === "SRV") return `${number("priority")} ${number("weight")} ${number("port")} ${value}`
  return type === "CAA" ? `${number("flag")} ${String(fields.tag)} "${value}"` : value
}

function shown({ id, name, type, value, ttlSeconds: ttl }: ZoneRecord, zone: string) {
  const empty = { priority: null, weight: null, port: null, flag: null, tag: null, site_id: null, managed: false }
  const record = { ...empty, id, hostname: name, type, value, ttl, dns_zone_id: netlifyZoneId(zone) }
  const [first = "", ...rest] = value.split(" ")
  if (type === "MX") return { ...record, priority: Number(first), value: rest.join(" ") }
  if (type === "SRV") return { ...record, priority: Number(first), weight: Number(rest[0]), port: Number(rest[1]), value: rest[2] }
  return type === "CAA" ? { ...record, flag: Number(first), tag: rest[0], value: rest.slice(1).join(" ").slice(1, -1) } : record
}
