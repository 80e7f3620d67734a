import { createHash } from "node:crypto"
import type { SessionRow } from "../db/schema"
import { AppError } from "../errors"
import { seconds } from "./model"
import { nextCursor, type SessionQuery } from "./session-page"
import type { SessionStore } from "./sessions-store"

/** Where people are signed in. */
export class Sessions {
  constructor(
    private store: SessionStore,
    private now: () => number = Date.now,
  ) {}

  /** Newest first, times in Unix seconds; `currentId` is the session that asks. */
  async list(personId: string, currentId: string | undefined) {
    const rows = await this.store.ofPerson(personId, this.now())
    return rows.map((row) => sessionReply(row, currentId))
  }

  /** Everybody's, or those of one person, a page of them: for administrators. */
  async page(query: SessionQuery, currentId: string | undefined) {
    const rows = await this.store.everybodys(query, this.now())
    const shown = rows.slice(0, query.limit)
    const sessions = shown.map(({ username, displayName, ...row }) => {
      const { id, ...rest } = sessionReply(row, currentId)
      return { id, user_id: row.personId, username, display_name: displayName, ...rest }
    })
    return { sessions, next_cursor: rows.length > shown.length ? nextCursor(query.place, shown) : null }
  }

  /** Ends anybody's session; says whose it was. Throws `not_found`. */
  async endAnyones(number: string): Promise<{ user_id: string; username: string }> {
    const rows = await this.store.owners(this.now())
    const row = rows.find(({ id }) => String(sessionNumber(id)) === number)
    if (row === undefined) throw new AppError("not_found", "session not found")
    await this.store.end(row.id, row.personId)
    return { user_id: row.personId, username: row.username }
  }

  /** Holds from the next request on. `number` is the id of the list; throws `not_found` for one that is not there. */
  async end(personId: string, number: string): Promise<void> {
    const rows = await this.store.ofPerson(personId, this.now())
    const row = rows.find(({ id }) => String(sessionNumber(id)) === number)
    if (row === undefined) throw new AppError("not_found", "session not found")
    await this.store.end(row.id, personId)
  }

  /** All but the one that asks. */
  async endOthers(personId: string, currentId: string | undefined) {
    return { status: "ok", ended: await this.store.endOthers(personId, currentId ?? "") }
  }
}

function sessionReply(row: SessionRow, currentId: string | undefined) {
  return {
    id: sessionNumber(row.id),
    ip_address: row.address,
    created_at: seconds(row.createdAt),
    expires_at: seconds(row.expiresAt),
    is_current: row.id === currentId,
  }
}

/** The id under which a session is shown. Stock clients expect a whole number; 48 bits of a hash are one that JavaScript holds exactly, and that tells nothing of the session. */
export function sessionNumber(id: string): number {
  return createHash("sha256").update(id).digest().readUIntBE(0, 6)
}
