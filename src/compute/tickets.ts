import { randomBytes } from "node:crypto"

const lifeMs = 30_000
const maxPerPerson = 20
const maxTickets = 5_000

type Ticket = { personId: string; path: string; credentials: Headers; expiresAt: number }

/**
 * Tickets with which a browser, which cannot set header fields for a WebSocket, opens one without its token in the address: good for one path, once,
 * within 30 seconds. Kept in memory only.
 */
export class Tickets {
  private tickets = new Map<string, Ticket>()

  constructor(private now: () => number = Date.now) {}

  /** Stands for the token that the header fields carry. A person's oldest ticket gives way to the 21st. */
  issue(personId: string, fields: Headers, path: string): { ticket: string; expires_in: number } {
    this.makeRoom(personId)
    const credentials = new Headers()
    for (const name of ["authorization", "cookie"]) {
      const value = fields.get(name)
      if (value !== null) credentials.set(name, value)
    }
    const ticket = randomBytes(32).toString("base64url")
    this.tickets.set(ticket, { personId, path, credentials, expiresAt: this.now() + lifeMs })
    return { ticket, expires_in: lifeMs / 1_000 }
  }

  /** The header fields that were given for it; undefined when it is unknown, used, too old or for another path. Used up in any case. */
  redeem(ticket: string, path: string): Headers | undefined {
    const found = this.tickets.get(ticket)
    this.tickets.delete(ticket)
    return found !== undefined && found.path === path && found.expiresAt > this.now() ? found.credentials : undefined
  }

  private makeRoom(personId: string): void {
    const now = this.now()
    const own: string[] = []
    // In the order of their making.
    for (const [ticket, { personId: owner, expiresAt }] of this.tickets) {
      if (expiresAt <= now) this.tickets.delete(ticket)
      else if (owner === personId) own.push(ticket)
    }
    if (own.length >= maxPerPerson) this.tickets.delete(own[0] ?? "")
    const [oldest] = this.tickets.keys()
    if (this.tickets.size >= maxTickets && oldest !== undefined) this.tickets.delete(oldest)
  }
}
