import { isIP } from "node:net"
import type { RecordSetType } from "../../../src/providers/provider"
import { quoteText, unquoteText } from "../../../src/providers/record-value"
import type { StandInWorld } from "./contract"
import { fieldsIn, Refusal, type StandIn, type StandInCall, startStandIn } from "./stand-in"
import { RecordConflict } from "./zone-server"
import { countingIds, NoSuchRecord, type ZoneRecord, ZoneRecords } from "./zone-records"

// DNSimple's API v2 (https://developer.dnsimple.com/v2/): everything below an account, pages of at most 100, names relative to the zone, priorities
// apart, TXT stored as quoted strings whatever way they came, errors as `message` and `errors`.

const maxItemsAPage = 100
const usualItemsAPage = 30

type Fields = Record<string, unknown>

export type DnsimpleStandIn = StandIn & {
  /** Zones whose records come from elsewhere. */
  secondary: Set<string>
  /** Zones that the token is not scoped to. */
  outOfScope: Set<string>
  /** Makes the credential a user's, who has another account too. */
  asUser(isUser: boolean): void
  /** Records that DNSimple itself made and keeps. */
  managed: { name: string; type: string; content: string; parent_id: number | null; system_record: boolean }[]
}

export const dnsimpleAccount = 1010
const otherAccount = 1009

export async function startDnsimple({ server, zones, credential }: StandInWorld): Promise<DnsimpleStandIn> {
  const secondary = new Set<string>()
  const outOfScope = new Set<string>()
  const managed: DnsimpleStandIn["managed"] = []
  let isUser = false
  const newId = countingIds(69_061)
  const records = new Map(zones.map((zone) => [zone, new ZoneRecords(server, zone, newId)]))

  const answer = async (call: StandInCall): Promise<Response> => {
    if (call.headers.get("authorization") !== `Bearer ${credential}`) return denied()
    const [account, word, name = "", kind, id, ...rest] = call.path.split("/").slice(1)
    if (account === "whoami") {
      return Response.json({ data: isUser ? { user: { id: 1 }, account: null } : { user: null, account: { id: dnsimpleAccount } } })
    }
    if (account === "accounts") return Response.json({ data: [{ id: otherAccount }, { id: dnsimpleAccount }] })
    if (word !== "zones" || rest.length > 0) return notFound("Not Found")
    if (outOfScope.has(name)) return Response.json({ message: `Permission Denied. Required Scope: zones:${name}:read` }, { status: 403 })
    const zone = Number(account) === dnsimpleAccount ? records.get(name) : undefined
    if (zone === undefined) return notFound(`Zone \`${name}\` not found`)
    if (kind === undefined && call.method === "GET") {
      return Response.json({
        data: { id: 1, account_id: dnsimpleAccount, name, reverse: false, secondary: secondary.has(name), active: true },
      })
    }
    if (kind !== "records") return notFound("Not Found")
    if (call.method === "GET" && id === undefined) {
      const own = (await zone.list()).map((record) => shown(name, record))
      const system = {
        id: 1,
        zone_id: name,
        name: "",
        type: "SOA",
        content: "ns1.dnsimple.com",
        ttl: 3600,
        priority: null,
        system_record: true,
      }
      const others = managed.map((record, index) => ({ id: index + 2, zone_id: name, ttl: 3600, priority: null, ...record }))
      return paged(call, [system, ...own, ...others])
    }
    try {
      if (call.method === "POST" && id === undefined) {
        const record = await zone.create(parse(name, fieldsIn(call, badBody)))
        if (record === undefined) return invalid({ base: ["You've already created this record."] })
        return Response.json({ data: shown(name, record) }, { status: 201 })
      }
      const old = (await zone.list()).find((record) => record.id === id)
      if (old === undefined || id === undefined) return notFound(`Record \`${id}\` not found`)
      if (call.method === "PATCH") {
        const fields = { ...shown(name, old), ...fieldsIn(call, badBody), type: old.type }
        return Response.json({ data: shown(name, await zone.update(id, parse(name, fields))) })
      }
      if (call.method === "DELETE") {
        await zone.remove(id)
        return new Response(null, { status: 204 })
      }
    } catch (error) {
      if (error instanceof NoSuchRecord) return notFound(`Record \`${id}\` not found`)
      if (error instanceof RecordConflict) return invalid({ base: [error.message] })
      throw error
    }
    return Response.json({ message: "Method not allowed" }, { status: 405 })
  }

  const standIn = await startStandIn({
    answer,
    denied,
    rateLimited: (seconds) =>
      Response.json(
        { message: "quota exceeded" },
        {
          status: 429,
          headers: {
            "x-ratelimit-limit": "2400",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": String(Math.ceil(Date.now() / 1000) + seconds),
          },
        },
      ),
  })
  return {
    ...standIn,
    secondary,
    outOfScope,
    managed,
    asUser: (value) => {
      isUser = value
    },
  }
}

function parse(zone: string, { name, type: kind, content, ttl, priority }: Fields): Omit<ZoneRecord, "id"> {
  const type = String(kind) as RecordSetType
  const text = String(content ?? "")
  const ttlSeconds = Number(ttl ?? 3600)
  const bad = (field: string, why: string) => new Refusal(invalid({ [field]: [why] }))
  if (!["A", "AAAA", "CNAME", "TXT", "MX", "CAA", "SRV"].includes(type)) throw bad("record_type", "unsupported")
  if (typeof name !== "string" || name.includes("@")) throw bad("name", "is invalid")
  if (text === "") throw bad("content", "can't be blank")
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 60 || ttlSeconds > 2_147_483_647)
    throw bad("ttl", "must be greater than or equal to 60")
  if (type === "A" && isIP(text) !== 4) throw bad("content", "is not a valid IPv4 address")
  if (type === "AAAA" && isIP(text) !== 6) throw bad("content", "is not a valid IPv6 address")
  if (type === "SRV" && !/^\d+ \d+ \S+$/.test(text)) throw bad("content", "is invalid")
  if ((type === "MX" || type === "SRV") && !Number.isInteger(priority)) throw bad("priority", "is not a number")
  if (type === "TXT" && text.startsWith('"') && !/^"(?:[^"\\]|\\.){0,1020}"(?: "(?:[^"\\]|\\.){0,1020}")*$/s.test(text)) {
    throw bad("content", "is not a valid TXT value")
  }
  const value = type === "TXT" ? unquoteText(text) : type === "MX" || type === "SRV" ? `${String(priority)} ${text}` : text
  return { name: name === "" ? zone : `${name}.${zone}`.toLowerCase(), type, value, ttlSeconds }
}

function shown(zone: string, { id, name, type, value, ttlSeconds }: ZoneRecord): Fields {
  const hasPriority = type === "MX" || type === "SRV"
  const [priority = "", ...rest] = value.split(" ")
  return {
    id: Number(id),
    zone_id: zone,
    parent_id: null,
    name: name === zone ? "" : name.slice(0, -zone.length - 1),
    content: type === "TXT" ? quoteText(value) : hasPriority ? rest.join(" ") : value,
    ttl: ttlSeconds,
    priority: hasPriority ? Number(priority) : null,
    type,
    regions: ["global"],
    system_record: false,
  }
}

function paged(call: StandInCall, all: Fields[]): Response {
  const name = call.query.get("name")
  const type = call.query.get("type")
  const items = all.filter((item) => (name === null || item.name === name) && (type === null || item.type === type))
  const page = Number(call.query.get("page") ?? 1)
  const size = Number(call.query.get("per_page") ?? usualItemsAPage)
  if (!(size >= 1 && size <= maxItemsAPage)) return Response.json({ message: "per_page is out of range" }, { status: 400 })
  const pagination = { current_page: page, per_page: size, total_entries: items.length, total_pages: Math.ceil(items.length / size) }
  return Response.json({ data: items.slice((page - 1) * size, page * size), pagination })
}

const denied = () => Response.json({ message: "Authentication failed" }, { status: 401 })

const notFound = (message: string) => Response.json({ message }, { status: 404 })

const badBody = () => Response.json({ message: "Problems parsing JSON" }, { status: 400 })

const invalid = (errors: Record<string, string[]>) => Response.json({ message: "Validation failed", errors }, { status: 400 })
