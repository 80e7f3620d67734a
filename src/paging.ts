import { AppError } from "./errors"

/** One page of a list, as the connect API shows it; `next_cursor` is null on the last. */
export type Page<T> = { data: T[]; next_cursor: string | null }

/** Where a page begins: after the row with this time and id, in a list from the newest to the oldest. */
export type After = { at: number; id: string }

const defaultLimit = 20
const maxLimit = 100

/** Reads `limit` (1 to 100, 20 by default; more is taken as 100) and the opaque `cursor` of a query. Throws `invalid` naming the field. */
export function parsePage(query: { limit?: string; cursor?: string }): { limit: number; after: After | undefined } {
  const { limit, cursor } = query
  if (limit !== undefined && !/^[1-9]\d{0,8}$/.test(limit)) throw new AppError("invalid", `limit must be a number from 1 to ${maxLimit}`)
  return { limit: Math.min(maxLimit, Number(limit ?? defaultLimit)), after: cursor === undefined ? undefined : parseCursor(cursor) }
}

/** Makes a page of rows of which one more than `limit` was asked for. */
export function page<Row extends { createdAt: number; id: string }, T>(rows: Row[], limit: number, show: (row: Row) => T): Page<T> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const next = rows.length > limit && last !== undefined ? Buffer.from(`${last.createdAt}.${last.id}`).toString("base64url") : null
  return { data: shown.map(show), next_cursor: next }
}

function parseCursor(cursor: string): After {
  const [, at, id] = /^(\d{1,16})\.([\w-]{1,64})$/.exec(Buffer.from(cursor, "base64url").toString("latin1")) ?? []
  if (at === undefined || id === undefined) throw new AppError("invalid", "cursor must be the next_cursor of an earlier page")
  return { at: Number(at), id }
}
