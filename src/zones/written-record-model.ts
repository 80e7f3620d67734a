import { t } from "elysia"
import type { WrittenRecordRow } from "../db/written-record-schema"

/** A record that may be asked for in the DNS. `priority` is of an MX or SRV alone. */
export type StandingRecord = { name: string; type: string; value: string; priority?: number; ttl: number | null }

/** Records that were written at a provider in one go: for whom, for what, where and by which credential. Hostname, zone and names are canonical. */
export type Writing = {
  personId: string
  zone: string
  hostname: string
  holder: Holder
  credential: { kind: WrittenRecordRow["credentialKind"]; id: string; provider: string }
  records: (StandingRecord & { purpose: WrittenRecordRow["purpose"] })[]
}

/** What a record was written for. */
export type Holder = { kind: WrittenRecordRow["holderKind"]; id: string }

/** What was last seen of one record. */
export type Sight = { name: string; type: string; value: string; stands: boolean; at: number }

const nullable = <T extends ReturnType<typeof t.String> | ReturnType<typeof t.Integer> | ReturnType<typeof t.Boolean>>(schema: T) =>
  t.Union([schema, t.Null()])

const WrittenRecord = t.Object({
  id: t.String(),
  zone: t.String(),
  name: t.String(),
  type: t.String(),
  value: t.String(),
  priority: t.Optional(t.Integer()),
  ttl: nullable(t.Integer()),
  hostname: t.String(),
  purpose: t.String(),
  written_for: t.Union([t.Object({ kind: t.String(), id: t.String() }), t.Null()]),
  written_with: t.Object({ kind: t.String(), id: t.String(), provider: t.String() }),
  written_at: t.String(),
  stands: nullable(t.Boolean()),
  seen_at: nullable(t.String()),
})
export type WrittenRecordReply = typeof WrittenRecord.static

export const WrittenRecordPage = t.Object({ data: t.Array(WrittenRecord), next_cursor: nullable(t.String()) })
export type WrittenRecordPage = typeof WrittenRecordPage.static

export const RecordCheck = t.Object({
  looked_at: t.Integer(),
  standing: t.Integer(),
  missing: t.Integer(),
  unknown: t.Integer(),
  forgotten: t.Integer(),
})
export type RecordCheck = typeof RecordCheck.static

/** A row as the API shows it. `sights` are what else is known of its holder's records; without them the holder is gone. */
export function recordReply(row: WrittenRecordRow, sights: Sight[] | undefined): WrittenRecordReply {
  const own = row.stands === null || row.seenAt === null ? undefined : { stands: row.stands === 1, at: row.seenAt }
  const other = sights?.find(({ name, type, value }) => name === row.name && type === row.type && value === row.value)
  // What was seen before the record was written says nothing of it.
  const seen = [own, other].filter((one) => one !== undefined && one.at >= row.writtenAt).sort((a, b) => b!.at - a!.at)[0]
  return {
    ...recordOf(row),
    id: row.id,
    zone: row.zone,
    hostname: row.hostname,
    purpose: row.purpose,
    written_for: sights === undefined ? null : { kind: row.holderKind, id: row.holderId },
    written_with: { kind: row.credentialKind, id: row.credentialId, provider: row.provider },
    written_at: new Date(row.writtenAt).toISOString(),
    stands: seen?.stands ?? null,
    seen_at: seen === undefined ? null : new Date(seen.at).toISOString(),
  }
}

/** The record of a row, with a priority where its type has one. */
export function recordOf({ name, type, value, priority, ttl }: WrittenRecordRow): StandingRecord {
  const record = { name, type, value, ttl }
  return type === "MX" || type === "SRV" ? { ...record, priority } : record
}
