import type { RecordSet, RecordSetType } from "../../../src/providers/provider"
import { fromZoneFile, zoneFileValue } from "../../../src/providers/record-value"
import type { StandInWorld } from "./contract"
import { fieldsIn, Refusal, type StandIn, type StandInCall, startStandIn } from "./stand-in"
import { RecordConflict } from "./zone-server"

// Hetzner's Cloud API as https://docs.hetzner.cloud/reference/cloud#dns documents it: zones by id or name, record sets that are made, set and removed by
// actions, which are still running when the call is answered.

export const hetznerZoneId = (name: string) => [...name].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 1_000_003, 7)

export function startHetzner({ server, zones, foreignZones, credential }: StandInWorld): Promise<StandIn> {
  let lastAction = 0
  const owned = new Map(zones.flatMap((zone) => [[zone, zone] as const, [String(hetznerZoneId(zone)), zone] as const]))
  for (const zone of foreignZones) if (owned.has(String(hetznerZoneId(zone)))) throw new Error(`the id of ${zone} is taken`)
  const pending = new Map<number, () => Promise<void>>()
  const actionOf = (id: number, status: string, error: unknown = null) => ({
    action: { id, status, progress: status === "success" ? 100 : 0, error },
  })

  /** Some changes are made at once, and some only after the call is answered: here when somebody looks how they are getting on. */
  const start = async (work: () => Promise<void>): Promise<Response> => {
    const id = ++lastAction
    if (id % 4 === 0) pending.set(id, work)
    else await work()
    return Response.json(actionOf(id, pending.has(id) ? "running" : "success"), { status: 201 })
  }

  const progress = async (id: number): Promise<Response> => {
    const work = pending.get(id)
    pending.delete(id)
    const error = await work?.().then(
      () => undefined,
      (thrown: unknown) => ({ code: "action_failed", message: String(thrown) }),
    )
    return Response.json(actionOf(id, error === undefined ? "success" : "error", error))
  }

  const answer = async (call: StandInCall): Promise<Response> => {
    if (call.headers.get("authorization") !== `Bearer ${credential}`) return denied()
    const [root, id = "", word, relative, type, actions, action] = call.path.split("/").filter((part) => part !== "")
    if (root === "actions") return progress(Number(id))
    const zone = owned.get(id)
    if (root !== "zones" || zone === undefined) throw fault(404, "not_found", "zone not found")
    if (word === undefined) return Response.json({ zone: describeZone(zone) })
    if (word !== "rrsets") throw fault(404, "not_found", "endpoint not found")
    const change = (sets: RecordSet[]) => start(() => server.change(zone, () => sets).catch(refuseConflict))
    if (relative === undefined) {
      const body = bodyOf(call)
      const set = parse(body, zone, String(body.name), String(body.type), 3600)
      if (await find(zone, set.name, set.type)) throw fault(409, "uniqueness_error", "RRSet already exists")
      return change([set])
    }
    const name = relative === "@" ? zone : `${relative}.${zone}`
    const set = await find(zone, name, type ?? "")
    if (set === undefined) throw fault(404, "not_found", "RRSet not found")
    if (call.method === "GET") return Response.json({ rrset: shown(set, relative) })
    if (call.method === "DELETE" && actions === undefined) return change([{ ...set, values: [] }])
    if (call.method !== "POST" || actions !== "actions") throw fault(405, "method_not_allowed", "method not allowed")
    if (action === "set_records") return change([{ ...parse(bodyOf(call), zone, relative, set.type, 60), ttlSeconds: set.ttlSeconds }])
    if (action === "change_ttl") return change([{ ...set, ttlSeconds: ttlOf(bodyOf(call).ttl) }])
    throw fault(404, "not_found", "action not found")
  }

  const find = async (zone: string, name: string, type: string) =>
    (await server.sets(zone)).find((set) => set.name === name && set.type === type)

  return startStandIn({
    answer,
    denied,
    // The only header the documents name is the moment at which the whole budget is back.
    rateLimited: (seconds) => {
      const headers = {
        "ratelimit-limit": "3600",
        "ratelimit-remaining": "0",
        "ratelimit-reset": String(Math.ceil(Date.now() / 1000) + seconds),
      }
      return Response.json(
        { error: { code: "rate_limit_exceeded", message: "limit of 3600 requests per hour reached" } },
        { status: 429, headers },
      )
    },
    serverError: () => Response.json({ error: { code: "service_error", message: "error within a service" } }, { status: 500 }),
  })
}

const denied = () => Response.json({ error: { code: "unauthorized", message: "unable to authenticate" } }, { status: 401 })

const fault = (status: number, code: string, message: string) =>
  new Refusal(Response.json({ error: { code, message, details: {} } }, { status }))

const describeZone = (name: string) => ({
  id: hetznerZoneId(name),
  name,
  mode: "primary",
  ttl: 3600,
  status: "ok",
  authoritative_nameservers: { assigned: ["hydrogen.ns.hetzner.com.", "oxygen.ns.hetzner.com.", "helium.ns.hetzner.de."], delegated: [] },
})

const bodyOf = (call: StandInCall) => fieldsIn(call, () => fault(400, "json_error", "invalid JSON").response)

function parse(body: Record<string, unknown>, zone: string, relative: string, type: string, usualTtl: number): RecordSet {
  if (relative !== relative.toLowerCase() || relative.endsWith(".") || relative.endsWith(zone))
    throw fault(422, "invalid_input", "invalid name")
  if (!Array.isArray(body.records) || body.records.length === 0) throw fault(422, "invalid_input", "records is required")
  const kind = type as RecordSetType
  const values = body.records.map((record) => {
    const value = String((record as { value?: unknown }).value)
    if (kind === "TXT" && !/^("(?:[^"\\]|\\.){0,1020}"\s*)+$/s.test(value))
      throw fault(422, "invalid_input", "TXT values must be quoted strings")
    if (["CNAME", "MX", "SRV"].includes(kind) && !value.endsWith("."))
      throw fault(422, "invalid_input", "a host without a trailing dot is relative")
    return fromZoneFile(kind, value)
  })
  return { name: relative === "@" ? zone : `${relative}.${zone}`, type: kind, ttlSeconds: ttlOf(body.ttl ?? usualTtl), values }
}

function ttlOf(ttl: unknown): number {
  if (typeof ttl !== "number" || ttl < 60 || ttl > 2_147_483_647) throw fault(422, "invalid_input", "ttl must be between 60 and 2147483647")
  return ttl
}

function refuseConflict(error: unknown): never {
  throw error instanceof RecordConflict ? fault(422, "invalid_input", error.message) : error
}

const shown = (set: RecordSet, relative: string) => ({
  id: `${relative}/${set.type}`,
  name: relative,
  type: set.type,
  ttl: set.ttlSeconds,
  labels: {},
  protection: { change: false },
  records: set.values.map((value) => ({ value: zoneFileValue(set.type, value), comment: "" })),
})
