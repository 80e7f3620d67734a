import { AppError } from "../errors"

/** A place in the list of sessions, newest first: after `passed` of those made at `createdAt`. */
export type SessionPlace = { createdAt: number; passed: number }

/** Which sessions are asked for; `person` is an id or a username. */
export type SessionQuery = { person: string | undefined; place: SessionPlace | undefined; limit: number }

const standardPage = 100
const maxPage = 500

/** Reads `person`, `limit` (1 to 500) and `cursor`, as the page before gave it; throws `invalid`. */
export function parseSessionQuery(query: URLSearchParams): SessionQuery {
  const person = query.get("person") || undefined
  if (person !== undefined && person.length > 64) throw new AppError("invalid", "person is longer than 64 characters")
  const limit = Number(query.get("limit") || standardPage)
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= maxPage)) {
    throw new AppError("invalid", `limit must be a whole number from 1 to ${maxPage}`)
  }
  const cursor = query.get("cursor") || undefined
  const [, createdAt, passed] = /^(\d{1,15})-(\d{1,9})$/.exec(cursor ?? "") ?? []
  if (cursor !== undefined && createdAt === undefined) throw new AppError("invalid", "cursor must be the next_cursor of the page before")
  const place = createdAt === undefined ? undefined : { createdAt: Number(createdAt), passed: Number(passed) }
  return { person, place, limit }
}

/** The cursor to what follows these rows, which began at `place`. */
export function nextCursor(place: SessionPlace | undefined, rows: { createdAt: number }[]): string {
  const last = rows.at(-1)?.createdAt ?? 0
  // Ids are no places: they are shown as numbers that say nothing of their order.
  const own = rows.filter(({ createdAt }) => createdAt === last).length
  return `${last}-${own + (place?.createdAt === last ? place.passed : 0)}`
}
