// One look at a connection, in this order (connect-api.md section 7.2):
//   1. ownership    unproven: is our TXT there? Until it is, nothing below opens the gate
//   2. records      every wanted record, value by value, at the zone's own servers
//   3. certificate  all there and proven: preflight, then `issuing_cert` really obtains the certificate
//   4. live         compare-and-swap from `issuing_cert`: usage and the pair of events in the same transaction, so they happen once
//   5. drift        live: two rounds apart in which the servers said something else; back when they agree again
// Looks at one connection at the same time are one look. Not done: a certificate before the records are there, since the CA would look at them too.

import type { ConnectionRow, ConnectionState } from "../db/connect-schema"
import { problemInWords } from "../problem-words"
import { AddressChange } from "./address-change"
import { Delegation, type Unwritten } from "./delegation"
import { Drift } from "./drift"
import type { DnsRecord } from "./model"
import type { ConnectNeeds, RecordReport } from "./needs"
import { Ownership } from "./ownership"

/** What a look found: the row as it is now, and the records, where they were looked at. */
export type Look = { row: ConnectionRow; reports: RecordReport[]; ownership?: string }

const stallAfterMs = 72 * 3_600_000
/** How long a look waits for a certificate; the order goes on behind it. */
const certificateWaitMs = 20_000
const slowestMs = 5 * 60_000
const stalledIntervalMs = 30 * 60_000
const ready: ConnectionState[] = ["verified", "propagating", "stalled"]

/** What is being done with one connection; a look asks for everything that a proof asks for. */
type Flight = "look" | "prove" | "apply"

/** Takes connections from state to state. */
export class Lifecycle {
  readonly ownership: Ownership
  readonly delegation: Delegation
  /** Looks since the start, by what came of them: ownership proven or not, or the look itself failed. */
  readonly looks = { proven: 0, unproven: 0, error: 0 }
  readonly addressChange: AddressChange
  private drift: Drift
  private flights = new Map<string, { kind: Flight; flight: Promise<Look> }>()

  constructor(private needs: ConnectNeeds) {
    this.ownership = new Ownership(needs)
    this.delegation = new Delegation(needs)
    this.addressChange = new AddressChange(needs, this.delegation)
    this.drift = new Drift(needs, this.addressChange, (row, type, more) => this.ownership.event(row, type, more))
  }

  /** Everything that can be done for the connection now. Throws `HostnameConflict`. */
  look(id: string): Promise<Look> {
    return this.single(id, "look", () => this.counted(this.walk(id)))
  }

  /** Ownership alone; the rest follows from the worker. Throws `HostnameConflict`. */
  prove(id: string): Promise<Look> {
    const check = async () => {
      const row = await this.rowOf(id)
      const { row: after, proven, detail } = await this.ownership.check(row)
      await this.plan(after)
      return { row: after, reports: [], ...(proven ? {} : { ownership: detail }) }
    }
    return this.single(id, "prove", () => this.counted(check()))
  }

  /** Writes the connection's records by a delegated credential. */
  apply(id: string): Promise<Look & { unwritten?: Unwritten }> {
    return this.single(id, "apply", async () => {
      const row = await this.rowOf(id)
      // What serves visitors stays as it is called; only the records are repaired.
      if (row.state === "live" || row.state === "drifted" || row.state === "issuing_cert") {
        const unwritten = await this.delegation.write(row)
        if (unwritten === undefined) await this.needs.store.change(id, [row.state], { nextCheckAt: this.needs.now() })
        return { row: await this.rowOf(id), reports: [], ...(unwritten === undefined ? {} : { unwritten }) }
      }
      const { row: after, unwritten } = await this.delegation.run(row, [row.state])
      return { row: after, reports: [], ...(unwritten === undefined ? {} : { unwritten }) }
    })
  }

  /** Looks at what is due, a few at a time. */
  async lookDue(signal: AbortSignal): Promise<void> {
    const due = await this.needs.store.due(this.needs.now(), 200)
    const workers = Array.from({ length: 16 }, async () => {
      for (let row = due.shift(); row !== undefined && !signal.aborted; row = due.shift()) await this.lookOne(row)
    })
    await Promise.all(workers)
  }

  private async counted(look: Promise<Look>): Promise<Look> {
    try {
      const found = await look
      this.looks[found.ownership === undefined ? "proven" : "unproven"]++
      return found
    } catch (error) {
      this.looks.error++
      throw error
    }
  }

  private async lookOne(row: ConnectionRow): Promise<void> {
    try {
      const isUnproven = row.state === "pending_ownership" || row.state === "verifying" || row.state === "created"
      if (isUnproven && (this.needs.agingNow ?? this.needs.now)() - row.createdAt >= this.needs.expiryMs) return await this.expire(row)
      await this.look(row.id)
    } catch (error) {
      // One that cannot be looked at must not keep the others from their turn, nor come back at once.
      this.needs.log.warn("connection could not be looked at", { connection: row.id, domain: row.hostname, error })
      await this.plan(row)
    }
  }

  private async expire(row: ConnectionRow): Promise<void> {
    const { store, note, now } = this.needs
    const change = { state: "failed" as const, errorCode: "ownership_timeout", changedAt: now(), nextCheckAt: null }
    const failed = await store.change(row.id, [row.state], change)
    if (failed !== undefined)
      note(failed, "state", `${row.state} → failed: the ownership record was not found in time, verify again to restart`)
  }

  private async walk(id: string): Promise<Look> {
    let row = await this.rowOf(id)
    if (row.state === "archived") return { row, reports: [] }
    if (row.state === "dns_writing") row = (await this.delegation.run(row, ["dns_writing"])).row
    const { row: asked, proven, detail } = await this.ownership.check(row)
    row = asked
    const reports = await this.needs.judge(JSON.parse(row.desiredRecords) as DnsRecord[])
    row = await this.observe(row, reports)
    const isComplete = reports.length > 0 && reports.every(({ propagated }) => propagated)
    if (row.state === "live" || row.state === "drifted") row = await this.drift.judge(row, reports)
    else if (proven && isComplete) row = await this.goLive(row)
    else if (row.state === "verified" || row.state === "propagating") row = await this.wait(row)
    await this.plan(row)
    return { row: await this.rowOf(id), reports, ...(proven ? {} : { ownership: detail }) }
  }

  private async rowOf(id: string): Promise<ConnectionRow> {
    const row = await this.needs.store.byId(id)
    if (row === undefined) throw new Error(`connection ${id} is gone`)
    return row
  }

  /** Keeps what was seen, and puts what changed on the timeline. */
  private async observe(row: ConnectionRow, reports: RecordReport[]): Promise<ConnectionRow> {
    const at = new Date(this.needs.now()).toISOString()
    const seen = reports.map(({ record, propagated, observedValue }) => ({
      ...record,
      value: observedValue ?? "",
      propagated,
      observed_at: at,
    }))
    const before = JSON.parse(row.observedRecords) as { host: string; type: string; value: string; propagated: boolean }[]
    reports.forEach(({ record, propagated, observedValue, explanation }, index) => {
      const old = before[index]
      const isSame =
        old?.host === record.host && old.type === record.type && old.value === (observedValue ?? "") && old.propagated === propagated
      if (!isSame) this.needs.note(row, "dns", explanation, { host: record.host, type: record.type, observed: observedValue, propagated })
    })
    return (await this.needs.store.change(row.id, [row.state], { observedRecords: JSON.stringify(seen) })) ?? (await this.rowOf(row.id))
  }

  /** Proven and incomplete: on its way, and parked after three days. */
  private async wait(row: ConnectionRow): Promise<ConnectionRow> {
    const { store, now, note } = this.needs
    if (row.state === "verified") {
      const after = await store.change(row.id, ["verified"], { state: "propagating", changedAt: now() })
      if (after !== undefined) note(after, "state", "verified → propagating: not every record is there yet")
      return after ?? this.rowOf(row.id)
    }
    if (now() - row.changedAt < stallAfterMs) return row
    const after = await store.change(row.id, ["propagating"], { state: "stalled", errorCode: "propagation_timeout", changedAt: now() })
    if (after !== undefined) note(after, "state", "propagating → stalled: not every record was there within 72 hours")
    return after ?? this.rowOf(row.id)
  }

  private async goLive(row: ConnectionRow): Promise<ConnectionRow> {
    const { store, now, note } = this.needs
    let current: ConnectionRow | undefined = row
    if (row.state !== "issuing_cert") {
      const { verdict, sentence, fix } = await this.needs.preflight(row)
      if (verdict === "blocked") {
        const detail = fix === null ? sentence : `${sentence} ${fix}`
        if (row.errorDetail !== detail) note(row, "preflight", detail)
        return (await store.change(row.id, ready, { errorCode: "preflight_blocked", errorDetail: detail })) ?? this.rowOf(row.id)
      }
      current = await store.change(row.id, ready, {
        state: "issuing_cert",
        errorCode: null,
        errorDetail: null,
        changedAt: now(),
        checks: 0,
      })
      if (current === undefined) return this.rowOf(row.id)
      note(current, "state", `${row.state} → issuing_cert: every record is there`)
    }
    await this.certify(row.hostname)
    const certificate = await this.needs.certificate(row.hostname)
    if (certificate.state === "issued") return this.finish(current)
    if (certificate.problem === undefined) return current
    // A limit is nobody's fault: the order waits for its time, and so does the connection.
    const problem =
      certificate.isPutOff === true
        ? { errorCode: null, errorDetail: problemInWords(certificate.problem) }
        : { errorCode: "certificate_failed", errorDetail: certificate.problem }
    return (await store.change(row.id, ["issuing_cert"], problem)) ?? this.rowOf(row.id)
  }

  private async certify(hostname: string): Promise<void> {
    const limit = Promise.withResolvers<void>()
    const timer = setTimeout(limit.resolve, certificateWaitMs)
    await Promise.race([this.needs.obtain(hostname), limit.promise])
    clearTimeout(timer)
  }

  /** The pair of events belongs to the first time; whoever comes back from drift recovers. */
  private async finish(row: ConnectionRow): Promise<ConnectionRow> {
    const { store, usage, now, note } = this.needs
    const at = now()
    const change = {
      state: "live" as const,
      errorCode: null,
      errorDetail: null,
      changedAt: at,
      misses: 0,
      drift: null,
      liveAt: row.liveAt ?? at,
    }
    const live = await store.db.transaction().execute(async (trx) => {
      const after = await store.change(row.id, ["issuing_cert"], change, trx)
      if (after === undefined || row.liveAt !== null) return after
      await usage.count(trx, row.personId, "active_domain")
      await usage.count(trx, row.personId, "cert")
      for (const type of ["ssl.issued", "domain.flow.completed"] as const) await this.needs.enqueue(trx, this.ownership.event(after, type))
      return after
    })
    if (live === undefined) return this.rowOf(row.id)
    note(live, "state", "issuing_cert → live: the certificate is there")
    this.needs.kick()
    return live
  }

  /** When the connection is looked at next: soon at first, then less and less often. */
  private async plan(row: ConnectionRow): Promise<void> {
    const { store, now, intervalMs, driftIntervalMs } = this.needs
    const doubled = Math.min(Math.max(intervalMs, slowestMs), intervalMs * 2 ** Math.min(20, Math.max(0, row.checks - 10)))
    const pauses: Partial<Record<ConnectionState, number>> = {
      live: driftIntervalMs,
      drifted: driftIntervalMs,
      stalled: Math.max(intervalMs, stalledIntervalMs),
    }
    const isOver = row.state === "failed" || row.state === "archived"
    // A live one that was not as it should be is looked at again soon, so that two rounds need no half hour.
    const pause = row.state === "live" && row.misses > 0 ? Math.min(driftIntervalMs, 60_000) : (pauses[row.state] ?? doubled)
    await store.change(row.id, [row.state], { checks: row.checks + 1, nextCheckAt: isOver ? null : now() + pause })
  }

  /** One thing at a time for a connection; who asks for what is being done already shares it, who asks for something else comes after. */
  private async single<T extends Look>(id: string, kind: Flight, run: () => Promise<T>): Promise<T> {
    for (let flying = this.flights.get(id); flying !== undefined; flying = this.flights.get(id)) {
      if (flying.kind === kind || (flying.kind === "look" && kind === "prove")) return flying.flight as Promise<T>
      await flying.flight.catch(() => undefined)
    }
    const flight = run().finally(() => this.flights.delete(id))
    this.flights.set(id, { kind, flight })
    return flight
  }
}
