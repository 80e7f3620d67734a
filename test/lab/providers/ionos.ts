import { createHash } from "node:crypto"
import { isIP } from "node:net"
import type { RecordSet, RecordSetType } from "../../../src/providers/provider"
import { quoteText, unquoteText } from "../../../src/providers/record-value"
import type { StandInWorld } from "./contract"
import { fieldsIn, Refusal, type StandIn, type StandInCall, startStandIn } from "./stand-in"
import { RecordConflict } from "./zone-server"
import { NoSuchRecord, ZoneRecords } from "./zone-records"

// IONOS Hosting's DNS API 1.0.2 as its OpenAPI document has it (https://developer.hosting.ionos.com/docs/dns): all zones in one list, records inside
// the zone and filtered by whole name and type, PATCH that replaces records of a name and type, records that can be switched off, priorities apart,
// TXT in quotes whatever way it came, errors as lists of `code` and `message`, 401 for zones of others.

type Fields = Record<string, unknown>

type RecordFields = { name: string; type: string; content: string; ttl: number; prio: number }

export type IonosStandIn = StandIn & {
  /** Zones whose records come from elsewhere. */
  slaves: Set<string>
  /** Records that are switched off, which no name server shows. */
  hidden: (RecordFields & { zone: string })[]
}

/** The id that the stand-in gives a zone. */
export const ionosZoneId = (name: string) => uuidOf(`zone ${name}`)

const types: RecordSetType[] = ["A", "AAAA", "CNAME", "MX", "SRV", "TXT", "CAA"]

export async function startIonos({ server, zones, credential }: StandInWorld): Promise<IonosStandIn> {
  const slaves = new Set<string>()
  const hidden: IonosStandIn["hidden"] = []
  let count = 0
  const records = new Map(zones.map((zone) => [zone, new ZoneRecords(server, zone, () => uuidOf(`record ${++count}`))]))

  const answer = async (call: StandInCall): Promise<Response> => {
    if (call.headers.get("x-api-key") !== credential) return denied()
    const [version, root, zoneId, word, recordId, ...rest] = call.path.split("/").slice(1)
    if (version !== "v1" || root !== "zones" || rest.length > 0) return fault(404, "NOT_FOUND", "The requested resource does not exist.")
    if (zoneId === undefined) {
      return Response.json(zones.map((name) => ({ id: ionosZoneId(name), name, type: slaves.has(name) ? "SLAVE" : "NATIVE" })))
    }
    const zone = zones.find((name) => ionosZoneId(name) === zoneId)
    const own = zone === undefined ? undefined : records.get(zone)
    if (zone === undefined || own === undefined) return denied()
    if (word === undefined && call.method === "GET") {
      const visible = (await own.list()).map((record) => shown(record.id, zone, fieldsOf(record), false))
      const others = hidden.filter((record) => record.zone === zone)
      const off = others.map((record) => shown(uuidOf(JSON.stringify(record)), zone, record, true))
      return Response.json({ id: zoneId, name: zone, type: "NATIVE", records: [...visible, ...off].filter(matching(call.query)) })
    }
    if (word === undefined && call.method === "PATCH") {
      await patch(zone, fieldsIn(call, badBody))
      return new Response(null, { status: 200 })
    }
    if (word === "records" && recordId !== undefined && call.method === "DELETE") {
      return own.remove(recordId).then(
        () => new Response(null, { status: 200 }),
        (error: unknown) => {
          if (error instanceof NoSuchRecord) return fault(404, "RECORD_NOT_FOUND", "Record does not exist.")
          throw error
        },
      )
    }
    return fault(405, "METHOD_NOT_ALLOWED", "Method not allowed.")
  }

  const patch = async (zone: string, body: unknown) => {
    if (!Array.isArray(body) || body.length === 0) throw new Refusal(badBody())
    const items = body.map((item) => parse(zone, item as Fields))
    const sets = new Map<string, RecordSet>()
    for (const { set, isHidden } of items) {
      const key = `${set.name} ${set.type}`
      const gathered = sets.get(key) ?? { ...set, values: [] }
      sets.set(key, isHidden ? gathered : { ...gathered, ttlSeconds: set.ttlSeconds, values: [...gathered.values, ...set.values] })
    }
    await server
      .change(zone, () => [...sets.values()])
      .catch((error: unknown) => {
        throw error instanceof RecordConflict ? new Refusal(fault(400, "INVALID_RECORD", `Record is invalid: ${error.message}`)) : error
      })
    const kept = hidden.filter((record) => record.zone !== zone || !sets.has(`${record.name} ${record.type}`))
    const off = items.filter(({ isHidden }) => isHidden).map(({ set }) => hiddenRecord(zone, set))
    hidden.splice(0, hidden.length, ...kept, ...off)
  }

  const standIn = await startStandIn({
    answer,
    denied,
    // Without a body and without a word on when to come back.
    rateLimited: () => new Response(null, { status: 429 }),
    serverError: () => Response.json([{ code: "INTERNAL_SERVER_ERROR" }], { status: 500 }),
  })
  return { ...standIn, slaves, hidden }
}

function parse(zone: string, item: Fields): { set: RecordSet; isHidden: boolean } {
  const { name, type: kind, content, ttl, prio, disabled } = item
  const bad = (...invalidFields: string[]) =>
    new Refusal(
      Response.json([{ code: "INVALID_RECORD", message: "Record is invalid.", parameters: { errorRecord: item, invalidFields } }], {
        status: 400,
      }),
    )
  const type = types.find((known) => known === kind)
  if (type === undefined) throw bad("type")
  if (typeof name !== "string" || (name !== zone && !name.endsWith(`.${zone}`))) throw bad("name")
  if (typeof content !== "string" || content === "") throw bad("content")
  const ttlSeconds = Number(ttl ?? 3600)
  if (!(ttlSeconds >= 60 && ttlSeconds <= 2_592_000)) throw bad("ttl")
  if (type === "A" && isIP(content) !== 4) throw bad("content")
  if (type === "AAAA" && isIP(content) !== 6) throw bad("content")
  if (type === "SRV" && !/^\d+ \d+ \S+$/.test(content)) throw bad("content")
  const hasPriority = type === "MX" || type === "SRV"
  const value = type === "TXT" ? unquoteText(content) : hasPriority ? `${Number(prio ?? 0)} ${content}` : content
  return { set: { name: name.toLowerCase(), type, ttlSeconds, values: [value] }, isHidden: disabled === true }
}

function fieldsOf({ name, type, value, ttlSeconds }: { name: string; type: RecordSetType; value: string; ttlSeconds: number }) {
  const hasPriority = type === "MX" || type === "SRV"
  const [prio = "", ...rest] = value.split(" ")
  const content = type === "TXT" ? quoteText(value) : hasPriority ? rest.join(" ") : value
  return { name, type, content, ttl: ttlSeconds, prio: hasPriority ? Number(prio) : 0 }
}

const shown = (id: string, rootName: string, { name, type, content, ttl, prio }: RecordFields, disabled: boolean) => {
  return { id, name, rootName, type, content, changeDate: "2026-01-01T00:00:00.000Z", ttl, prio, disabled }
}

function hiddenRecord(zone: string, { values, ...rest }: RecordSet) {
  return { zone, ...fieldsOf({ ...rest, value: values[0] ?? "" }) }
}

const matching = (query: URLSearchParams) => (record: { name: string; type: string }) => {
  const [suffix, name, wanted] = ["suffix", "recordName", "recordType"].map((key) => query.get(key))
  if (suffix && !record.name.endsWith(suffix)) return false
  return (!name || record.name === name) && (!wanted || wanted.split(",").includes(record.type))
}

function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex")
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-")
}

const fault = (status: number, code: string, message: string) => Response.json([{ code, message }], { status })

const denied = () => fault(401, "UNAUTHORIZED", "The customer is not authorized to do this operation.")

const badBody = () => fault(400, "INVALID_DATA", "The request body is invalid or not supported by the endpoint.")
