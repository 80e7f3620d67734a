import type { RecordSet, RecordSetType } from "../../../src/providers/provider"
import { fromZoneFile, zoneFileValue } from "../../../src/providers/record-value"
import type { StandInWorld } from "./contract"
import { fieldsIn, Refusal, type StandIn, type StandInCall, startStandIn } from "./stand-in"
import { RecordConflict } from "./zone-server"

// deSEC's API as https://desec.readthedocs.io/en/latest/dns/rrsets.html documents it: RRsets, bulk PUT as one transaction, values as zone files have
// them, a least TTL for each domain.

const minTtlSeconds = 60

export function startDesec({ server, zones, credential }: StandInWorld): Promise<StandIn> {
  const answer = async (call: StandInCall): Promise<Response> => {
    if (call.headers.get("authorization") !== `Token ${credential}`) return denied()
    const [root, domain, word, subname, type, ...rest] = call.path.split("/").filter((part) => part !== "")
    if (root !== "domains" || rest.length > 0) return notFound()
    if (domain === undefined) return list(call)
    if (!zones.includes(domain) || word !== "rrsets") return notFound()
    if (call.method === "GET" && type !== undefined) {
      const name = subname === "@" ? domain : `${subname}.${domain}`
      const set = (await server.sets(domain)).find((candidate) => candidate.name === name && candidate.type === type)
      return set ? Response.json(shown(set, domain)) : notFound()
    }
    if (call.method !== "PUT" || subname !== undefined) return Response.json({ detail: "Method not allowed." }, { status: 405 })
    const items = fieldsIn(call, () => Response.json({ detail: "JSON parse error" }, { status: 400 }))
    const sets = Array.isArray(items) ? items.map((item) => parse(item as Record<string, unknown>, domain)) : []
    await server.change(domain, () => sets).catch(refuseConflict)
    return Response.json(sets.filter(({ values }) => values.length > 0).map((set) => shown(set, domain)))
  }

  const list = (call: StandInCall) => {
    const name = call.query.get("owns_qname")
    if (name === null && zones.length > 500) return Response.json({ detail: "Pagination required." }, { status: 400 })
    const owner = [...zones].sort((a, b) => b.length - a.length).find((zone) => name === zone || name?.endsWith(`.${zone}`))
    const found = name === null ? zones : owner === undefined ? [] : [owner]
    return Response.json(found.map((zone) => ({ name: zone, minimum_ttl: minTtlSeconds })))
  }

  return startStandIn({
    answer,
    denied,
    rateLimited: (seconds) =>
      Response.json(
        { detail: `Request was throttled. Expected available in ${seconds} seconds.` },
        { status: 429, headers: { "retry-after": String(seconds) } },
      ),
  })
}

const denied = () => Response.json({ detail: "Invalid token." }, { status: 401 })

const notFound = () => Response.json({ detail: "Not found." }, { status: 404 })

function parse(item: Record<string, unknown>, domain: string): RecordSet {
  const { subname, type, ttl, records } = item
  const bad = (field: string, why: string) => new Refusal(Response.json([{ [field]: [why] }], { status: 400 }))
  if (typeof subname !== "string" || subname === "@") throw bad("subname", "Subname can only use (lowercase) a-z, 0-9, ., -, and _.")
  if (typeof ttl !== "number" || ttl < minTtlSeconds) throw bad("ttl", `Ensure this value is greater than or equal to ${minTtlSeconds}.`)
  if (!Array.isArray(records)) throw bad("records", "This field is required.")
  const kind = String(type) as RecordSetType
  const values = records.map((record) => {
    const text = String(record)
    const isRelative = ["CNAME", "MX", "SRV"].includes(kind) && !text.endsWith(".")
    if (isRelative || (kind === "TXT" && !/^"(.|\n)*"$/.test(text))) throw bad("non_field_errors", "Record content malformed.")
    return fromZoneFile(kind, text)
  })
  return { name: subname === "" ? domain : `${subname}.${domain}`, type: kind, ttlSeconds: ttl, values }
}

function refuseConflict(error: unknown): never {
  if (!(error instanceof RecordConflict)) throw error
  throw new Refusal(Response.json({ non_field_errors: [`RRset with conflicting type present: ${error.message}`] }, { status: 400 }))
}

const shown = (set: RecordSet, domain: string) => ({
  domain,
  subname: set.name === domain ? "" : set.name.slice(0, -domain.length - 1),
  name: `${set.name}.`,
  type: set.type,
  ttl: set.ttlSeconds,
  records: set.values.map((value) => zoneFileValue(set.type, value)),
})
