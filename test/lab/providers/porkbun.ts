import type { RecordSetType } from "../../../src/providers/provider"
import type { StandInWorld } from "./contract"
import { fieldsIn, Refusal, type StandIn, type StandInCall, startStandIn } from "./stand-in"
import { RecordConflict } from "./zone-server"
import { countingIds, NoSuchRecord, type ZoneRecord, ZoneRecords } from "./zone-records"

// Porkbun's API v3 (https://porkbun.com/api/json/v3/documentation): POST with the keys in the body, numbers as texts, errors with status 400 and a
// code, domains in chunks of 1000, TTLs of at least 600 seconds, priorities apart, TXT as plain text.

const domainsAPage = 1000
const minTtlSeconds = 600

export type PorkbunStandIn = StandIn & {
  /** Domains whose owner has not switched API access on. */
  closed: Set<string>
  /** Records of a type that no zone file can hold. */
  aliases: { name: string; content: string }[]
}

export async function startPorkbun({ server, zones, credential }: StandInWorld): Promise<PorkbunStandIn> {
  const [apikey, secretapikey] = credential.split(":")
  const closed = new Set<string>()
  const aliases: PorkbunStandIn["aliases"] = []
  const newId = countingIds(106_926_652)
  const records = new Map(zones.map((zone) => [zone, new ZoneRecords(server, zone, newId)]))

  const answer = async (call: StandInCall): Promise<Response> => {
    if (call.method !== "POST") return fault(404, "NOT_FOUND", "Not found.")
    const body = fieldsIn(call, () => fault(400, "INVALID_JSON", "All requests must provide minimal required data."))
    if (body.apikey === undefined || body.secretapikey === undefined)
      return fault(400, "MISSING_API_KEYS", "All API requests require an API key.")
    if (body.apikey !== apikey) return denied()
    if (body.secretapikey !== secretapikey) return fault(400, "INVALID_API_KEYS_002", "Invalid API key. (002)")
    const [part, verb, domain = "", id, ...rest] = call.path.split("/").slice(1)
    if (part === "domain" && verb === "listAll" && domain === "") return listAll(Number(body.start ?? 0))
    if (part !== "dns" || rest.length > 0) return fault(404, "NOT_FOUND", "Not found.")
    const zone = records.get(domain)
    if (zone === undefined) return fault(400, "INVALID_DOMAIN", "Invalid domain.")
    if (closed.has(domain)) return fault(400, "DOMAIN_NOT_OPTED_IN", "Domain is not opted in to API access.")
    if (verb === "retrieve") {
      const shown = (await zone.list()).filter((record) => id === undefined || record.id === id).map(shownRecord)
      const others = aliases.map((alias, index) => ({ id: String(index + 1), type: "ALIAS", ttl: "600", prio: null, notes: "", ...alias }))
      return success({ cloudflare: "disabled", records: [...shown, ...others] })
    }
    try {
      if (verb === "create" && id === undefined) {
        const record = await zone.create(parse(domain, body))
        if (record === undefined) {
          return fault(400, "DUPLICATE_RECORD", "A record with this exact name, type and content already exists.")
        }
        return success({ id: Number(record.id) })
      }
      if (verb === "edit" && id !== undefined) {
        await zone.update(id, parse(domain, body))
        return success({})
      }
      if (verb === "delete" && id !== undefined) {
        await zone.remove(id)
        return success({})
      }
    } catch (error) {
      if (error instanceof NoSuchRecord) return fault(400, "INVALID_RECORD_ID", "Invalid record ID.")
      if (error instanceof RecordConflict) throw unable(verb ?? "")
      throw error
    }
    return fault(404, "NOT_FOUND", "Not found.")
  }

  const listAll = (start: number) => {
    const domains = zones.slice(start, start + domainsAPage).map((domain) => ({
      domain,
      status: "ACTIVE",
      tld: "test",
      createDate: "2024-01-01 00:00:00",
      autoRenew: "1",
      notLocal: 0,
      apiAccess: closed.has(domain) ? 0 : 1,
    }))
    return success({ domains })
  }

  const standIn = await startStandIn({
    answer,
    isWrite: ({ path }) => /^\/dns\/(create|edit|delete)\//.test(path),
    denied,
    rateLimited: (seconds) =>
      Response.json(
        { status: "ERROR", message: "Rate limit exceeded.", code: "RATE_LIMIT_EXCEEDED", ttlRemaining: seconds },
        { status: 429 },
      ),
    // As it comes from what stands in front of the API.
    serverError: () =>
      new Response("<html><head><title>503 Service Temporarily Unavailable</title></head></html>", {
        status: 503,
        headers: { "content-type": "text/html" },
      }),
  })
  return { ...standIn, closed, aliases }
}

function parse(domain: string, body: Record<string, unknown>): Omit<ZoneRecord, "id"> {
  const type = String(body.type) as RecordSetType
  const ttlSeconds = Number(body.ttl ?? minTtlSeconds)
  const content = body.content
  const label = String(body.name ?? "")
  if (!["A", "AAAA", "CNAME", "TXT", "MX", "CAA", "SRV"].includes(type)) throw new Refusal(fault(400, "INVALID_TYPE", "Invalid type."))
  if (!(ttlSeconds >= minTtlSeconds)) throw new Refusal(fault(400, "INVALID_TTL", "The minimum TTL is 600 seconds."))
  if (typeof content !== "string" || content === "" || label.includes("@")) throw unable("create")
  if (type === "CNAME" && content.endsWith(".")) throw unable("create")
  const hasPriority = type === "MX" || type === "SRV"
  const value = hasPriority ? `${Number(body.prio ?? 0)} ${content}` : content
  return { name: label === "" ? domain : `${label}.${domain}`.toLowerCase(), type, value, ttlSeconds }
}

function shownRecord({ id, name, type, value, ttlSeconds }: ZoneRecord) {
  const hasPriority = type === "MX" || type === "SRV"
  const [prio = "", ...rest] = value.split(" ")
  const content = hasPriority ? rest.join(" ") : value
  return { id, name, type, content, ttl: String(ttlSeconds), prio: hasPriority ? prio : null, notes: "" }
}

const success = (fields: object) => Response.json({ status: "SUCCESS", ...fields })

const fault = (status: number, code: string, message: string) => Response.json({ status: "ERROR", message, code }, { status })

const unable = (verb: string) => new Refusal(fault(400, "UNABLE", `${verb} error: We were unable to ${verb} the DNS record.`))

const denied = () => fault(400, "INVALID_API_KEYS_001", "Invalid API key. (001)")
