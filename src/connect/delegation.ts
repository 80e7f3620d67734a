import type { ConnectionRow, ConnectionState } from "../db/connect-schema"
import { AppError } from "../errors"
import { withoutWildcard } from "../hostname"
import { challengeName, type DnsRecord } from "./model"
import type { ConnectNeeds, WrittenDnsRecord } from "./needs"

const writeLimitMs = 30_000

/** Why nothing was written; `code` is what the connection shows. */
export type Unwritten = { code: string; detail: string }

/** Writes records at the customer's provider by the application's delegated credentials. */
export class Delegation {
  constructor(private needs: ConnectNeeds) {}

  /**
   * Writes the connection's records, and its ownership TXT while it is unproven, by the first credential that edits the zone which the parent delegates;
   * undefined when all is written. Never throws for what providers are like.
   */
  async write(row: ConnectionRow): Promise<Unwritten | undefined> {
    const signal = AbortSignal.timeout(writeLimitMs)
    const records = JSON.parse(row.desiredRecords) as DnsRecord[]
    if (row.proof === null) records.unshift({ host: challengeName(row.hostname), type: "TXT", value: row.challengeValue, ttl: 300 })
    const name = withoutWildcard(row.hostname)
    const zone = await this.needs.delegatedZone(name)
    let fault: Unwritten = { code: "credential_missing", detail: "the application has no DNS credential" }
    for (const credential of await this.needs.credentials.opened(row.applicationId)) {
      try {
        const editable = await credential.edit.zoneOf(name, signal)
        if (editable === undefined)
          fault = { code: "zone_not_found", detail: `the ${credential.provider} credential edits no zone around ${name}` }
        else if (editable !== zone) {
          // A zone of that name at a provider proves nothing: anybody can make one there.
          const world = zone === undefined ? "no delegation was found for it" : `the world is led to the zone ${zone}`
          fault = { code: "zone_not_delegated", detail: `the ${credential.provider} credential edits the zone ${editable}, and ${world}` }
        } else {
          await this.needs.credentials.inTurn(credential.id, () => credential.edit.write(editable, records, signal))
          await this.needs.credentials.noteUse(credential.id, undefined)
          await this.needs.wrote(
            row,
            editable,
            credential,
            records.map((record) => Object.assign({ purpose: purposeOf(row, record) }, record)),
          )
          this.needs.note(
            row,
            "record",
            `records written at ${credential.provider}: ${records.map(({ host, type }) => `${host} ${type}`).join(", ")}`,
          )
          return undefined
        }
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        fault = { code: "dns_write_failed", detail: error.message }
        await this.needs.credentials.noteUse(credential.id, error.message)
      }
    }
    this.needs.note(row, "record", `records not written: ${fault.detail}`)
    return fault
  }

  /** Writes one record beside what is there, and answers how to take it away; undefined where no credential edits the delegated zone. */
  async writeTxt(row: ConnectionRow, record: DnsRecord): Promise<(() => Promise<void>) | undefined> {
    const signal = AbortSignal.timeout(writeLimitMs)
    const zone = await this.needs.delegatedZone(withoutWildcard(row.hostname))
    for (const { id, edit } of await this.needs.credentials.opened(row.applicationId)) {
      try {
        const editable = await edit.zoneOf(withoutWildcard(row.hostname), signal)
        if (editable === undefined || editable !== zone) continue
        await this.needs.credentials.inTurn(id, () => edit.write(editable, [record], signal))
        return () => this.needs.credentials.inTurn(id, () => edit.remove(editable, [record], AbortSignal.timeout(writeLimitMs)))
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        await this.needs.credentials.noteUse(id, error.message)
      }
    }
    return undefined
  }

  /**
   * Takes the connection through `dns_writing`: to `propagating` when all is written, with `domain.added` for a new one, else back to `pending_ownership`, or to where a proven
   * one stood.
   */
  async run(row: ConnectionRow, from: ConnectionState[]): Promise<{ row: ConnectionRow; unwritten?: Unwritten }> {
    const { store, now, note } = this.needs
    const begun = await store.change(row.id, from, { state: "dns_writing", changedAt: now(), nextCheckAt: now() + writeLimitMs * 2 })
    if (begun === undefined) return { row: (await store.byId(row.id)) ?? row }
    const unwritten = await this.write(begun)
    const at = now()
    if (unwritten === undefined) {
      const change = {
        state: "propagating" as const,
        setupType: "automatic",
        errorCode: null,
        errorDetail: null,
        changedAt: at,
        checks: 0,
        nextCheckAt: at,
      }
      const after = await store.db.transaction().execute(async (trx) => {
        const changed = await store.change(row.id, ["dns_writing"], change, trx)
        const data = { hostname: row.hostname, setup_type: "automatic" }
        const { personId, environment, id: jobId } = row
        if (changed !== undefined && row.state === "created")
          await this.needs.enqueue(trx, { personId, environment, type: "domain.added", jobId, data, at })
        return changed
      })
      if (after !== undefined) note(after, "state", `${row.state} → propagating: the records are written`)
      this.needs.kick()
      return { row: after ?? begun }
    }
    const state = row.proof === null ? "pending_ownership" : "propagating"
    const change = { state, errorCode: unwritten.code, errorDetail: unwritten.detail, changedAt: at, nextCheckAt: at } as const
    const after = await store.change(row.id, ["dns_writing"], { ...change, ...(row.proof === null ? { setupType: "manual" } : {}) })
    if (after !== undefined) note(after, "state", `dns_writing → ${state}: ${unwritten.detail}`)
    return { row: after ?? begun, unwritten }
  }
}

function purposeOf({ hostname }: ConnectionRow, { host, type }: DnsRecord): WrittenDnsRecord["purpose"] {
  if (type === "TXT" && host === challengeName(hostname)) return "ownership"
  return host === hostname && (type === "A" || type === "AAAA" || type === "CNAME") ? "address" : "template"
}
