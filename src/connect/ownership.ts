import type { ConnectionRow, ConnectionState } from "../db/connect-schema"
import { isHeld } from "../db/held-names"
import { AppError } from "../errors"
import { challengeName } from "./model"
import type { ConnectEventType, ConnectNeeds } from "./needs"

const unproven: ConnectionState[] = ["created", "pending_ownership", "verifying", "failed", "dns_writing", "propagating", "stalled"]

/** Proof that a hostname is the customer's: our TXT record, seen at an authoritative server (connect-api.md section 8). */
export class Ownership {
  constructor(private needs: ConnectNeeds) {}

  /** Looks now. Resolves with the proven row, or says what was found instead; throws `HostnameConflict` where the name is somebody else's by now. */
  async check(row: ConnectionRow): Promise<{ row: ConnectionRow; proven: boolean; detail: string }> {
    if (row.proof !== null) return { row, proven: true, detail: "" }
    const { store, note, now } = this.needs
    const waits = row.state === "created" || row.state === "pending_ownership"
    const asking = waits ? ((await store.change(row.id, [row.state], { state: "verifying", changedAt: now() })) ?? row) : row
    const { proven, detail } = await this.needs.checkTxt(challengeName(row.hostname), row.challengeValue)
    note(row, "dns", detail, { ownership: proven })
    if (proven) return { row: await this.hold(asking), proven, detail }
    const back = { state: "pending_ownership" as const, errorCode: "ownership_not_found", errorDetail: detail, changedAt: row.changedAt }
    const after = await store.change(row.id, ["verifying"], back)
    return { row: after ?? asking, proven, detail }
  }

  /** Takes the name for this connection; one that drifted away gives it up to whoever proves it now. */
  private async hold(row: ConnectionRow): Promise<ConnectionRow> {
    const { store, now, note, log } = this.needs
    const at = now()
    const keepsState = row.state === "propagating" || row.state === "stalled" || row.state === "dns_writing"
    const change = {
      proof: keepsState ? ("delegated" as const) : ("txt" as const),
      provedAt: at,
      errorCode: null,
      errorDetail: null,
      checks: 0,
      nextCheckAt: at,
      ...(keepsState ? {} : { state: "verified" as const, changedAt: at }),
    }
    let hasDisplaced = false
    try {
      const held = await store.db.transaction().execute(async (trx) => {
        const holder = await store.holder(row.hostname, trx)
        if (holder?.kind === "connection" && holder.holderId !== row.id) {
          const archive = { state: "archived" as const, changedAt: at, nextCheckAt: null, errorCode: "taken_over" }
          const displaced = await store.change(holder.holderId, ["drifted"], archive, trx)
          hasDisplaced = displaced !== undefined
          if (displaced !== undefined) note(displaced, "state", "drifted → archived: somebody else proved that the name is theirs")
        }
        const after = await store.change(row.id, unproven, change, trx)
        if (after !== undefined) await this.needs.enqueue(trx, this.event(after, "domain.verified"))
        return after
      })
      // The connections of the edge that are made from now on must not get the certificate of whoever held the name.
      if (hasDisplaced) await this.needs.forgetCertificate(row.hostname)
      if (held === undefined) return (await store.byId(row.id)) ?? row
      note(held, "state", `${row.state} → ${held.state}: the ownership record was seen`)
      log.info("domain verified", { domain: row.hostname, connection: row.id, proof: held.proof })
      await this.needs.publish()
      this.needs.kick()
      return held
    } catch (error) {
      if (!isHeld(error)) throw error
      const back = { state: "pending_ownership" as const, errorCode: "HostnameConflict", changedAt: at }
      await store.change(row.id, ["verifying"], back)
      throw conflict(row.hostname)
    }
  }

  /** An event of a connection with its hostname. */
  event(row: ConnectionRow, type: ConnectEventType, more: Record<string, unknown> = {}) {
    const { personId, environment, id: jobId, hostname } = row
    return { personId, environment, type, jobId, data: { hostname, ...more }, at: this.needs.now() }
  }
}

export const conflict = (hostname: string) =>
  new AppError("conflict", `${hostname} is already held by a mapping or another connection`, { reason: "HostnameConflict" })
