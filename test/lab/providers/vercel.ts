import { createHash, randomBytes } from "node:crypto"
import type { RecordSetType } from "../../../src/providers/provider"
import type { StandInWorld } from "./contract"
import { fieldsIn, Refusal, type StandIn, type StandInCall, startStandIn } from "./stand-in"
import { NoSuchRecord, type ZoneRecord, ZoneRecords } from "./zone-records"
import { RecordConflict } from "./zone-server"

// Vercel's REST API as https://vercel.com/docs/rest-api/dns documents it: records of a domain in pages of 20 to 100 that are turned by a timestamp, MX
// with a field for its preference, SRV with an object that comes back as one value. A token that is none, and a domain of somebody else, are both 403.

export function startVercel({ server, zones, foreignZones, credential }: StandInWorld): Promise<StandIn> {
  // A record is changed without naming its domain, so its id tells which one it is in.
  const mark = (zone: string) => `rec_${createHash("sha256").update(zone).digest("hex").slice(0, 12)}`
  const records = new Map(
    zones.map((zone) => [zone, new ZoneRecords(server, zone, () => `${mark(zone)}${randomBytes(6).toString("hex")}`)]),
  )

  const answer = async (call: StandInCall): Promise<Response> => {
    if (call.headers.get("authorization") !== `Bearer ${credential}`) return denied()
    const [version, root, first = "", word, id] = call.path.split("/").filter((part) => part !== "")
    if (root !== "domains") throw fault(404, "not_found", "Not found")
    if (version === "v1" && first === "records" && call.method === "PATCH") return change(call, word ?? "")
    if (foreignZones.includes(first)) throw fault(403, "forbidden", "Not authorized")
    const list = records.get(first)
    if (list === undefined) throw fault(404, "not_found", "The domain was not found.")
    const operation = `${call.method} ${version}${word === undefined ? "" : ` ${word}`}${id === undefined ? "" : " id"}`
    if (operation === "GET v5")
      return Response.json({ domain: { name: first, intendedNameservers: ["ns1.vercel-dns.com", "ns2.vercel-dns.com"] } })
    if (operation === "GET v5 records") return page(call, first, await list.list())
    if (operation === "POST v2 records") {
      const created = await list.create(parse(call, first)).catch(refuse)
      if (created === undefined) throw fault(400, "record_exists", "The record already exists")
      return Response.json({ uid: created.id, updated: Date.now() })
    }
    if (operation !== "DELETE v2 records id") throw fault(405, "method_unknown", "This endpoint does not respond to the method")
    await list.remove(id ?? "").catch(refuse)
    return Response.json({})
  }

  const change = async (call: StandInCall, id: string) => {
    for (const [zone, list] of records) {
      if (id.startsWith(mark(zone))) return Response.json(shown(await list.update(id, parse(call, zone)).catch(refuse), zone))
    }
    throw fault(404, "not_found", "The record was not found.")
  }

  return startStandIn({
    answer,
    denied,
    rateLimited: (seconds) => {
      const reset = Math.ceil(Date.now() / 1000) + seconds
      const error = {
        code: "rate_limited",
        message: `Rate limit exceeded, retry in ${seconds} seconds`,
        limit: { remaining: 0, reset, total: 100 },
      }
      return Response.json(
        { error },
        { status: 429, headers: { "x-ratelimit-limit": "100", "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(reset) } },
      )
    },
    serverError: () =>
      Response.json({ error: { code: "internal_server_error", message: "An unexpected internal error occurred" } }, { status: 500 }),
  })
}

const denied = () => Response.json({ error: { code: "forbidden", message: "Not authorized", invalidToken: true } }, { status: 403 })

const fault = (status: number, code: string, message: string) => new Refusal(Response.json({ error: { code, message } }, { status }))

function refuse(error: unknown): never {
  if (error instanceof NoSuchRecord) throw fault(404, "not_found", "The record was not found.")
  throw error instanceof RecordConflict ? fault(400, "bad_request", error.message) : error
}

/** The newest first; there is no clock in a zone, so the place in it stands for the time at which a record was made. */
function page({ query }: StandInCall, domain: string, records: ZoneRecord[]): Response {
  const made = records.map((record, index) => ({ ...shown(record, domain), createdAt: 1_700_000_000_000 + index }))
  const until = Number(query.get("until") ?? Number.MAX_SAFE_INTEGER)
  const limit = Math.min(100, Number(query.get("limit") ?? 20))
  const older = made.filter(({ createdAt }) => createdAt < until).reverse()
  const slice = older.slice(0, limit)
  const next = older.length > limit ? (slice.at(-1)?.createdAt ?? null) : null
  return Response.json({ records: slice, pagination: { count: slice.length, next, prev: slice[0]?.createdAt ?? null } })
}

function parse(call: StandInCall, domain: string): Omit<ZoneRecord, "id"> {
  const fields = fieldsIn(call, () => fault(400, "bad_request", "Invalid JSON").response)
  const relative = String(fields.name ?? "")
  const ttlSeconds = Number(fields.ttl ?? 60)
  if (ttlSeconds < 60 || ttlSeconds > 2_147_483_647) throw fault(400, "bad_request", "`ttl` should be between 60 and 2147483647")
  const type = String(fields.type) as RecordSetType
  return { name: relative === "" || relative === "@" ? domain : `${relative}.${domain}`, type, ttlSeconds, value: valueOf(type, fields) }
}

function valueOf(type: RecordSetType, fields: Record<string, unknown>): string {
  const host = (text: unknown) => String(text).replace(/\.$/, "")
  if (type === "SRV") {
    const { priority, weight, port, target } = (fields.srv ?? {}) as Record<string, unknown>
    if (target === undefined) throw fault(400, "bad_request", "`srv` is required")
    return `${priority} ${weight} ${port} ${host(target)}`
  }
  if (typeof fields.value !== "string" || fields.value === "") throw fault(400, "bad_request", "`value` is required")
  if (type === "MX") {
    if (typeof fields.mxPriority !== "number") throw fault(400, "bad_request", "`mxPriority` is required")
    return `${fields.mxPriority} ${host(fields.value)}`
  }
  return type === "CNAME" ? host(fields.value) : fields.value
}

function shown({ id, name, type, value, ttlSeconds: ttl }: ZoneRecord, domain: string) {
  const record = {
    id,
    slug: "",
    name: name === domain ? "" : name.slice(0, -domain.length - 1),
    type,
    value,
    creator: "usr",
    ttl,
    updated: null,
  }
  const [first = "", ...rest] = value.split(" ")
  if (type === "CNAME") return { ...record, value: `${value}.` }
  if (type === "MX") return { ...record, value: `${rest.join(" ")}.`, mxPriority: Number(first) }
  return type === "SRV" ? { ...record, value: `${value}.` } : record
}
