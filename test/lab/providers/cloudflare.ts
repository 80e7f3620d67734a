import type { RecordSet, RecordSetType } from "../../../src/providers/provider"
import { fromZoneFile, zoneFileValue } from "../../../src/providers/record-value"
import { cloudflareApi } from "../cloudflare"
import { ApiFault, dataOf, type PublishedRecord } from "../cloudflare-records"
import type { StandInWorld } from "./contract"
import { type StandIn, startStandIn } from "./stand-in"
import { RecordConflict } from "./zone-server"

/** The id that the stand-in gives a zone. */
export const cloudflareZoneId = (name: string) => Buffer.from(name).toString("hex").padEnd(32, "0").slice(-32)

/** Cloudflare's v4 API of test/lab/cloudflare, in front of the zones of a contract. */
export function startCloudflareStandIn({ server, zones, foreignZones, credential }: StandInWorld): Promise<StandIn> {
  const api = cloudflareApi({
    zones: [...zones, ...foreignZones].map((name) => ({ id: cloudflareZoneId(name), name })),
    tokens: { [credential]: zones.map(cloudflareZoneId) },
    load: async (zone) => (await server.sets(zone)).flatMap(recordsOf),
    apply: async (zone, { remove, add }) => {
      await server
        .change(zone, (sets) => {
          const same = (one: PublishedRecord) => (other: PublishedRecord) => one.name === other.name && one.type === other.type
          const touched = [...remove, ...add].filter((record, index, all) => all.findIndex(same(record)) === index)
          return touched.map((record) => {
            const gone = new Set(remove.map(keyOf))
            const rest = sets.flatMap(recordsOf).filter((other) => same(record)(other) && !gone.has(keyOf(other)))
            const there = [...rest, ...add.filter(same(record))]
            const type = record.type as RecordSetType
            const values = [...new Set(there.map((one) => fromZoneFile(type, dataOf(one))))]
            return { name: record.name, type, ttlSeconds: there.at(-1)?.ttl ?? 0, values }
          })
        })
        .catch((error: unknown) => {
          throw error instanceof RecordConflict ? new ApiFault(400, 81053, error.message) : error
        })
    },
  })
  return startStandIn({
    answer: (call) => {
      const url = new URL(`http://stand-in/client/v4${encodeURI(call.path)}?${call.query}`)
      const body = call.method === "GET" ? undefined : call.body
      return api.answer(new Request(url, { method: call.method, headers: call.headers, body }))
    },
    denied: () => fault(403, 9109, "Invalid access token"),
    rateLimited: (seconds) => fault(429, 10429, "Rate limited. Please wait.", { "retry-after": String(seconds) }),
    serverError: () => fault(500, 1000500, "Internal error"),
  })
}

const recordsOf = ({ name, type, ttlSeconds: ttl, values }: RecordSet): PublishedRecord[] =>
  values.map((value) => ({ name, type, ttl, content: type === "TXT" ? zoneFileValue("TXT", value) : value }))

const keyOf = (record: PublishedRecord) => JSON.stringify([record.name, record.type, dataOf(record)])

const fault = (status: number, code: number, message: string, headers: Record<string, string> = {}) =>
  Response.json({ success: false, errors: [{ code, message }], messages: [], result: null }, { status, headers })
