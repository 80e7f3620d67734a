import type { RecordSet, RecordSetType } from "../../../src/providers/provider"
import { fromZoneFile, zoneFileValue } from "../../../src/providers/record-value"
import type { StandInWorld } from "./contract"
import { fieldsIn, Refusal, type StandIn, type StandInCall, startStandIn } from "./stand-in"
import { RecordConflict } from "./zone-server"

// Gandi's LiveDNS as https://api.gandi.net/docs/livedns documents it: record sets by name and type, values as zone files have them, `@` for the domain.

export function startGandi({ server, zones, credential }: StandInWorld): Promise<StandIn> {
  const answer = async (call: StandInCall): Promise<Response> => {
    if (call.headers.get("authorization") !== `Bearer ${credential}`) return denied()
    const [root, domain, word, relative, type, ...rest] = call.path.split("/").filter((part) => part !== "")
    if (root !== "domains" || rest.length > 0) throw notFound()
    if (domain === undefined) return page(call, zones)
    if (!zones.includes(domain)) throw notFound()
    if (word !== "records" || relative === undefined || type === undefined) throw notFound()
    const name = relative === "@" ? domain : `${relative}.${domain}`
    const find = async () => (await server.sets(domain)).find((set) => set.name === name && set.type === type)
    if (call.method === "GET") {
      const set = await find()
      if (set === undefined) throw notFound()
      return Response.json(shown(set, relative))
    }
    const set =
      call.method === "DELETE"
        ? { name, type: type as RecordSetType, ttlSeconds: 300, values: [] }
        : parse(call, name, type as RecordSetType)
    await server.change(domain, () => [set]).catch(refuseConflict)
    return call.method === "DELETE"
      ? new Response(null, { status: 204 })
      : Response.json({ message: "DNS Record Created" }, { status: 201 })
  }

  return startStandIn({
    answer,
    denied,
    rateLimited: (seconds) =>
      Response.json(
        { code: 429, message: "Too many requests", object: "HTTPTooManyRequests" },
        { status: 429, headers: { "retry-after": String(seconds) } },
      ),
    serverError: () => Response.json({ code: 500, message: "Internal error", object: "HTTPInternalServerError" }, { status: 500 }),
  })
}

const denied = () =>
  Response.json({ code: 401, message: "Unauthorized", object: "HTTPUnauthorized", cause: "Unauthorized" }, { status: 401 })

const notFound = () =>
  new Refusal(Response.json({ code: 404, message: "Can't find the DNS record", object: "dns-record", cause: "Not Found" }, { status: 404 }))

const invalid = (description: string) =>
  new Refusal(Response.json({ status: "error", errors: [{ location: "body", name: "rrset_values", description }] }, { status: 400 }))

function page({ query }: StandInCall, zones: string[]): Response {
  const size = Math.min(100, Number(query.get("per_page") ?? 100))
  const number = Number(query.get("page") ?? 1)
  const slice = zones.slice((number - 1) * size, number * size)
  return Response.json(
    slice.map((fqdn) => ({ fqdn, domain_href: `/domains/${fqdn}` })),
    { headers: { "total-count": String(zones.length) } },
  )
}

function parse(call: StandInCall, name: string, type: RecordSetType): RecordSet {
  const { rrset_ttl: ttl, rrset_values: values } = fieldsIn(call, () => Response.json({ code: 400, message: "Bad JSON" }, { status: 400 }))
  if (!Array.isArray(values) || values.length === 0) throw invalid("rrset_values is required")
  if (typeof ttl !== "number" || ttl < 300 || ttl > 2_592_000) throw invalid("rrset_ttl must be between 300 and 2592000")
  if (type === "TXT" && values.some((value) => !/^".*"$/s.test(String(value)))) throw invalid("a TXT value is a quoted string")
  // Without a trailing dot a host is relative to the domain, which is not what anybody here wants.
  if (["CNAME", "MX", "SRV"].includes(type) && values.some((value) => !String(value).endsWith(".")))
    throw invalid("a host without a trailing dot")
  return { name, type, ttlSeconds: ttl, values: values.map((value) => fromZoneFile(type, String(value))) }
}

function refuseConflict(error: unknown): never {
  throw error instanceof RecordConflict ? invalid(error.message) : error
}

const shown = (set: RecordSet, relative: string) => ({
  rrset_name: relative,
  rrset_type: set.type,
  rrset_ttl: set.ttlSeconds,
  rrset_values: set.values.map((value) => zoneFileValue(set.type, value)),
  rrset_href: "",
})
