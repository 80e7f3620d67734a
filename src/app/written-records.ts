import type { DnsRecord, RecordType } from "../connect/model"
import type { RecordReport, WrittenDnsRecord } from "../connect/needs"
import type { ConnectionRow } from "../db/connect-schema"
import type { Db } from "../db/open"
import type { Log } from "../log"
import { ZoneStore } from "../zones/store"
import type { Holder, Sight, Writing } from "../zones/written-record-model"
import { WrittenRecordStore } from "../zones/written-record-store"
import { WrittenRecords } from "../zones/written-records"
import type { ConnectHouse } from "./connect-house"

/** The records written at providers, which the connections' own looks tell of too; the house is asked for at each use. */
export function openWrittenRecords(db: Db, house: () => ConnectHouse, log: Log, now: () => number): WrittenRecords {
  return new WrittenRecords({
    store: new WrittenRecordStore(db),
    zones: new ZoneStore(db),
    holders: (holders) => holdersOf(db, holders),
    look: async (records) => {
      const wanted = records.map(({ name, type, value, priority }): DnsRecord => {
        const record = { host: name, type: type as RecordType, value, ttl: 300 }
        return priority === undefined ? record : { ...record, priority }
      })
      return (await house().world.judge(wanted)).map(stands)
    },
    take: (personId) => house().questions.take(personId),
    log,
    now,
  })
}

/** The records of a connection as they are kept. */
export const connectionWriting = (
  { personId, hostname, id }: ConnectionRow,
  zone: string,
  credential: { id: string; provider: string },
  records: WrittenDnsRecord[],
): Writing => ({
  personId,
  zone,
  hostname,
  holder: { kind: "connection", id },
  credential: { kind: "application", id: credential.id, provider: credential.provider },
  records: records.map(({ host, ...rest }) => ({ name: host, ...rest })),
})

/** Undefined where no server of the zone said anything. */
function stands({ propagated, authorities }: RecordReport): boolean | undefined {
  if (propagated) return true
  return authorities.some(({ outcome }) => outcome === "answer" || outcome === "nodata" || outcome === "nxdomain") ? false : undefined
}

async function holdersOf(db: Db, holders: Holder[]): Promise<Map<string, Sight[]>> {
  const idsOf = (kind: Holder["kind"]) => [...new Set(holders.filter((one) => one.kind === kind).map(({ id }) => id))]
  const mappings = await db.selectFrom("domainMappings").select("id").where("id", "in", idsOf("mapping")).execute()
  const connections = await db
    .selectFrom("connections")
    .select(["id", "desiredRecords", "observedRecords"])
    .where("id", "in", idsOf("connection"))
    .where("state", "!=", "archived")
    .execute()
  return new Map<string, Sight[]>([
    ...mappings.map(({ id }): [string, Sight[]] => [`mapping ${id}`, []]),
    ...connections.map((row): [string, Sight[]] => [`connection ${row.id}`, sightsOf(row)]),
  ])
}

/** What was observed stands in the order of what is wanted. */
function sightsOf({ desiredRecords, observedRecords }: Pick<ConnectionRow, "desiredRecords" | "observedRecords">): Sight[] {
  const observed = JSON.parse(observedRecords) as { propagated: boolean; observed_at: string }[]
  return (JSON.parse(desiredRecords) as DnsRecord[]).flatMap(({ host, type, value }, index) => {
    const seen = observed[index]
    return seen === undefined ? [] : [{ name: host, type, value, stands: seen.propagated, at: Date.parse(seen.observed_at) }]
  })
}
