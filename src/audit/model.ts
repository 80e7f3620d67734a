import type { Insertable, Selectable } from "kysely"
import type { AuditTable } from "../db/schema"
import { AppError } from "../errors"

export const outcomes = ["allowed", "denied", "failed"] as const

/** `allowed` was carried out, `denied` was refused for want of a right, `failed` was neither. */
export type Outcome = (typeof outcomes)[number]

export type AuditRow = Selectable<AuditTable>

/** What a request came to; `at` is added when it is written. */
export type AuditEntry = Omit<Insertable<AuditTable>, "id" | "at">

/** Which entries are asked for; all of what is given must hold. Times are Unix milliseconds, `to` is not included. */
export type AuditFilter = {
  /** Only what this person did, and what nobody who was recognised tried at their account. */
  ownerId?: string
  /** An id or a username. */
  person?: string
  /** The beginning of an action, such as `DELETE` or `POST /api/domains`. */
  action?: string
  /** The whole target, or its first ids. */
  target?: string
  outcome?: Outcome
  from?: number
  to?: number
}

/** `before` is the id of the last entry of the page before. */
export type AuditQuery = { filter: AuditFilter; before: number | undefined; limit: number }

/** An entry as the API shows it. */
export type AuditReply = {
  id: number
  time: string
  user_id: string | null
  username: string | null
  token: { kind: "session" | "api_token" | "api_key" | "widget_token" | "ssh_key" | "storage_key"; id: string | null } | null
  address: string
  action: string
  target: string | null
  outcome: Outcome
  status: number | null
}

export const maxPage = 500
const standardPage = 100
const maxFilterLength = 300

/** The filter, place and size in a URL's query; throws `invalid`, naming the field and its rule. */
export function parseQuery(query: URLSearchParams): AuditQuery {
  const filter: AuditFilter = {}
  for (const field of ["person", "action", "target"] as const) {
    const value = query.get(field)
    if (value === null || value === "") continue
    if (value.length > maxFilterLength) throw new AppError("invalid", `${field} is longer than ${maxFilterLength} characters`)
    filter[field] = value
  }
  const outcome = query.get("outcome")
  if (outcome !== null && outcome !== "") filter.outcome = parseOutcome(outcome)
  const [from, to] = [parseTime(query, "from"), parseTime(query, "to")]
  if (from !== undefined) filter.from = from
  if (to !== undefined) filter.to = to
  if (from !== undefined && to !== undefined && from >= to) throw new AppError("invalid", "from must be before to")
  return {
    filter,
    before: parseCount(query, "cursor", Number.MAX_SAFE_INTEGER),
    limit: parseCount(query, "limit", maxPage) ?? standardPage,
  }
}

function parseOutcome(text: string): Outcome {
  const outcome = outcomes.find((known) => known === text)
  if (outcome === undefined) throw new AppError("invalid", `outcome must be one of: ${outcomes.join(", ")}`)
  return outcome
}

function parseCount(query: URLSearchParams, field: string, most: number): number | undefined {
  const text = query.get(field)
  if (text === null || text === "") return undefined
  const value = /^\d{1,16}$/.test(text) ? Number(text) : 0
  if (value < 1 || value > most) throw new AppError("invalid", `${field} must be a whole number from 1 to ${most}`)
  return value
}

function parseTime(query: URLSearchParams, field: string): number | undefined {
  const text = query.get(field)
  if (text === null || text === "") return undefined
  // Without a zone a text would mean another moment on each machine.
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/i.test(text)
  const value = /^\d{1,15}$/.test(text) ? Number(text) : isTime ? Date.parse(text) : Number.NaN
  if (!(value <= 8.64e15)) throw new AppError("invalid", `${field} must be a time as in ISO 8601 with a zone, or Unix milliseconds`)
  return value
}

export function auditReply(row: AuditRow): AuditReply {
  return {
    id: row.id,
    time: new Date(row.at).toISOString(),
    user_id: row.personId,
    username: row.username,
    token: row.tokenKind === null ? null : { kind: row.tokenKind, id: row.tokenId },
    address: row.address,
    action: row.action,
    target: row.target,
    outcome: row.outcome,
    status: row.status,
  }
}
