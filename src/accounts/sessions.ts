import { createHash } from "node:crypto"
import { AppError } from "../errors"
import { seconds } from "./model"
import type { SessionStore } from "./sessions-store"

/** Where a person is signed in. */
export class Sessions {
  constructor(
    private store: SessionStore,
    private now: () => number = Date.now,
  ) {}

  /** Newest first, times in Unix seconds; `currentId` is the session that asks. */
  async list(personId: string, currentId: string | undefined) {
    const rows = await this.store.ofPerson(personId, this.now())
    return rows.map((row) => ({
      id: sessionNumber(row.id),
      ip_address: row.address,
      created_at: seconds(row.createdAt),
      expires_at: seconds(row.expiresAt),
      is_current: row.id === currentId,
    }))
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

/** The id under which a session is shown. Stock clients expect a whole number; 48 bits of a hash are one that JavaScript holds exactly, and that tells nothing of the session. */
export function sessionNumber(id: string): number {
  return createHash("sha256").update(id).digest().readUIntBE(0, 6)
}
