import type { Insertable, Selectable } from "kysely"
import type { TimelineTable } from "../db/timeline-schema"

export type TimelineRow = Selectable<TimelineTable>

export type NewTimelineRow = Omit<Insertable<TimelineTable>, "id">

export type TimelineKind = TimelineRow["kind"]

/** What holds a hostname: a mapping or a connection, and whose it is. */
export type Holder = { personId: string; subject: Subject }

export type Subject = { kind: "mapping" | "connection"; id: string }

/** What happened. Without a holder, the one of the moment is looked up; `data` is plain JSON, never with a secret; `at` is now unless it is said. */
export type NewEntry = {
  hostname: string
  kind: TimelineKind
  text: string
  data?: Record<string, unknown>
  holder?: Holder
  at?: number
}

/** An entry as the APIs show it. */
export type EntryReply = {
  id: number
  time: string
  hostname: string
  kind: TimelineKind
  text: string
  data: Record<string, unknown> | null
}

const maxTextChars = 2000
const maxDataChars = 16_000

/** A row of what happened; what is too long is cut, and data that is too much left out. */
export function rowOf({ hostname, kind, text, data, holder }: NewEntry, at: number, observation: string | null): NewTimelineRow {
  const json = data === undefined ? null : JSON.stringify(data)
  return {
    hostname,
    personId: holder?.personId ?? null,
    subjectKind: holder?.subject.kind ?? null,
    subjectId: holder?.subject.id ?? null,
    at,
    kind,
    text: text.length > maxTextChars ? `${text.slice(0, maxTextChars)}…` : text,
    data: json !== null && json.length > maxDataChars ? JSON.stringify({ left_out: "too long" }) : json,
    observation,
  }
}

export function entryReply(row: TimelineRow): EntryReply {
  const data = row.data === null ? null : (JSON.parse(row.data) as Record<string, unknown>)
  return { id: row.id, time: new Date(row.at).toISOString(), hostname: row.hostname, kind: row.kind, text: row.text, data }
}

/** A line of the export: time in UTC, kind, text; below it what the CA said word for word, where it said something. */
export function entryLines(row: TimelineRow): string {
  const { data } = entryReply(row)
  const problem = data?.problem
  const said =
    problem === undefined || problem === null ? "" : `    ${oneLine(typeof problem === "string" ? problem : JSON.stringify(problem))}\n`
  const time = new Date(row.at).toISOString().replace("T", " ").replace("Z", " UTC")
  return `${time}  ${row.kind.padEnd(9)}  ${oneLine(row.text)}\n${said}`
}

/** What others wrote must not look like entries of ours, or steer a terminal. */
// eslint-disable-next-line no-control-regex
const oneLine = (text: string) => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ")
