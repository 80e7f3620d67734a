import type { RecordSetType } from "../../../src/providers/provider"
import type { StandInWorld } from "./contract"
import { fieldsIn, Refusal, type StandIn, type StandInCall, startStandIn } from "./stand-in"
import { countingIds, NoSuchRecord, type ZoneRecord, ZoneRecords } from "./zone-records"
import { RecordConflict } from "./zone-server"

// DigitalOcean's API v2 as https://docs.digitalocean.com/reference/api documents it for domains and their records: pages of 20 to 200 records, filters by
// whole name and type, hosts that are relative without a trailing dot, `@` for the domain itself. That a text may have 512 octets in all and no
// backslash, and that the text of a CAA wants a dot behind it, is not documented but known from its users.

const maxPerPage = 200

export function startDigitalOcean({ server, zones, credential }: StandInWorld): Promise<StandIn> {
  const newId = countingIds(28_448_429)
  const records = new Map(zones.map((zone) => [zone, new ZoneRecords(server, zone, newId)]))

  const answer = async (call: StandInCall): Promise<Response> => {
    if (call.headers.get("authorization") !== `Bearer ${credential}`) return denied()
    const [root, domain = "", word, id, ...rest] = call.path.split("/").filter((part) => part !== "")
    const list = records.get(domain)
    if (root !== "domains" || list === undefined || rest.length > 0) throw notFound()
    if (word === undefined) return Response.json({ domain: { name: domain, ttl: 1800, zone_file: "" } })
    if (word !== "records") throw notFound()
    if (call.method === "GET" && id === undefined) return page(call, domain, await list.list())
    try {
      if (call.method === "POST" && id === undefined) {
        const record = parse(call, domain)
        const created = (await list.create(record)) ?? { ...record, id: newId() }
        return Response.json({ domain_record: shown(created, domain) }, { status: 201 })
      }
      if (call.method === "PUT" && id !== undefined)
        return Response.json({ domain_record: shown(await list.update(id, parse(call, domain)), domain) })
      if (call.method === "DELETE" && id !== undefined) {
        await list.remove(id)
        return new Response(null, { status: 204 })
      }
    } catch (error) {
      if (error instanceof NoSuchRecord) throw notFound()
      throw error instanceof RecordConflict ? unprocessable(error.message) : error
    }
    throw notFound()
  }

  return startStandIn({
    answer,
    denied,
    rateLimited: (seconds) => {
      const headers = { "retry-after": String(seconds), "ratelimit-reset": String(Math.ceil(Date.now() / 1000) + 3600) }
      return Response.json({ id: "too_many_requests", message: "API Rate limit exceeded." }, { status: 429, headers })
    },
    serverError: () => Response.json({ id: "server_error", message: "Unexpected server-side error" }, { status: 500 }),
  })
}

const denied = () => Response.json({ id: "unauthorized", message: "Unable to authenticate you" }, { status: 401 })

const notFound = () =>
  new Refusal(Response.json({ id: "not_found", message: "The resource you requested could not be found." }, { status: 404 }))

const unprocessable = (message: string) => new Refusal(Response.json({ id: "unprocessable_entity", message }, { status: 422 }))

function page({ query }: StandInCall, domain: string, records: ZoneRecord[]): Response {
  const [name, type] = [query.get("name"), query.get("type")]
  const found = records.filter((record) => (name ?? record.name) === record.name && (type ?? record.type) === record.type)
  const size = Math.min(maxPerPage, Number(query.get("per_page") ?? 20))
  const number = Number(query.get("page") ?? 1)
  const slice = found.slice((number - 1) * size, number * size).map((record) => shown(record, domain))
  const pages = number * size < found.length ? { next: `?page=${number + 1}` } : {}
  return Response.json({ domain_records: slice, links: { pages }, meta: { total: found.length } })
}

function parse(call: StandInCall, domain: string): Omit<ZoneRecord, "id"> {
  const fields = fieldsIn(call, () => Response.json({ id: "bad_request", message: "Invalid JSON" }, { status: 400 }))
  const type = String(fields.type) as RecordSetType
  const relative = String(fields.name)
  const name = relative === "@" ? domain : `${relative}.${domain}`
  const ttlSeconds = Number(fields.ttl ?? 1800)
  if (ttlSeconds < 30) throw unprocessable("TTL must be greater than or equal to 30.")
  return { name, type, ttlSeconds, value: valueOf(type, fields, domain) }
}

function valueOf(type: RecordSetType, fields: Record<string, unknown>, domain: string): string {
  const data = String(fields.data ?? "")
  const number = (field: string) => {
    if (typeof fields[field] !== "number") throw unprocessable(`${field} can't be blank`)
    return fields[field]
  }
  const host = () => (data === "@" ? domain : data.endsWith(".") ? data.slice(0, -1) : `${data}.${domain}`)
  if (type === "TXT" && (data.includes("\\") || data.length > 512)) throw unprocessable("Data is invalid")
  if (type === "CNAME") return host()
  if (type === "MX") return `${number("priority")} ${host()}`
  if (type === "SRV") return `${number("priority")} ${number("weight")} ${number("port")} ${host()}`
  if (type !== "CAA") return data
  if (!data.endsWith(".") && data !== ";") throw unprocessable("Data needs to end with a dot (.)")
  return `${number("flags")} ${String(fields.tag)} "${data.replace(/\.$/, "")}"`
}

function shown({ id, name, type, value, ttlSeconds: ttl }: ZoneRecord, domain: string) {
  const empty = { priority: null, port: null, weight: null, flags: null, tag: null }
  const relative = name === domain ? "@" : name.slice(0, -domain.length - 1)
  const record = { ...empty, id: Number(id), type, name: relative, data: value, ttl }
  const words = value.split(" ")
  const host = (text = "") => (text === domain ? "@" : text)
  if (type === "CNAME") return { ...record, data: host(value) }
  if (type === "MX") return { ...record, priority: Number(words[0]), data: host(words[1]) }
  if (type === "SRV")
    return { ...record, priority: Number(words[0]), weight: Number(words[1]), port: Number(words[2]), data: host(words[3]) }
  if (type === "CAA") return { ...record, flags: Number(words[0]), tag: words[1], data: words.slice(2).join(" ").slice(1, -1) }
  return record
}
