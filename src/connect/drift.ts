import { type AddressChange, addressChanged } from "./address-change"
import type { ConnectionRow } from "../db/connect-schema"
import type { ConnectEvent, ConnectEventType, ConnectNeeds, RecordReport } from "./needs"

/** An episode: since when the records are not ours, and what stands there instead. */
export type Episode = { since: number; cause: string }

/** Two looks closer together than this are one round. */
const roundGapMs = 30_000

/** Whether live names still lead to us, judged by their zones' own servers; an episode begins after two rounds and has one event at each end. */
export class Drift {
  constructor(
    private needs: ConnectNeeds,
    private addressChange: Pick<AddressChange, "isOurs" | "wait">,
    private event: (row: ConnectionRow, type: ConnectEventType, more: Record<string, unknown>) => ConnectEvent,
  ) {}

  async judge(row: ConnectionRow, reports: RecordReport[]): Promise<ConnectionRow> {
    if (reports.every(({ propagated }) => propagated)) return this.recover(row)
    const wrong = reports.filter(isSeenWrong)
    // Servers that cannot be asked say nothing about where the name leads.
    if (wrong.length === 0) return row
    // No drift, and nobody is told of one: it is we who moved.
    if (row.state === "live" && this.addressChange.isOurs(wrong)) return this.addressChange.wait(row, wrong)
    const { store, now } = this.needs
    const at = now()
    const cause = wrong.map(describe).join("; ")
    const known = row.drift === null ? undefined : (JSON.parse(row.drift) as Episode)
    const episode = { since: known?.since ?? at, cause }
    if (row.state === "drifted") {
      if (known?.cause !== cause) this.needs.note(row, "dns", `still drifted: ${cause}`)
      return (await store.change(row.id, ["drifted"], { drift: JSON.stringify(episode), errorDetail: sentence(episode) })) ?? row
    }
    if (row.misses === 0) return (await store.change(row.id, ["live"], { misses: 1, drift: JSON.stringify(episode) })) ?? row
    if (at - episode.since < Math.min(roundGapMs, this.needs.driftIntervalMs)) return row
    return this.begin(row, episode)
  }

  private async begin(row: ConnectionRow, episode: Episode): Promise<ConnectionRow> {
    const { store, now, note } = this.needs
    const change = {
      state: "drifted" as const,
      misses: 2,
      drift: JSON.stringify(episode),
      errorCode: "drifted",
      errorDetail: sentence(episode),
      changedAt: now(),
    }
    const drifted = await store.db.transaction().execute(async (trx) => {
      const after = await store.change(row.id, ["live"], change, trx)
      const more = { cause: episode.cause, since: new Date(episode.since).toISOString() }
      if (after !== undefined) await this.needs.enqueue(trx, this.event(after, "domain.drift", more))
      return after
    })
    if (drifted === undefined) return row
    note(drifted, "state", `live → drifted: ${sentence(episode)}`)
    // Renewals are held from now on.
    await this.needs.publish()
    this.needs.kick()
    return drifted
  }

  private async caughtUp(row: ConnectionRow): Promise<ConnectionRow> {
    const after = await this.needs.store.change(row.id, ["live"], { misses: 0, drift: null, errorCode: null, errorDetail: null })
    if (after !== undefined) this.needs.note(after, "dns", "every record leads to our new address")
    return after ?? row
  }

  private async recover(row: ConnectionRow): Promise<ConnectionRow> {
    if (row.state === "live" && row.errorCode === addressChanged) return this.caughtUp(row)
    if (row.state === "live" && row.misses === 0) return row
    const { store, now, note } = this.needs
    const change = { state: "live" as const, misses: 0, drift: null, errorCode: null, errorDetail: null, changedAt: now() }
    const back = await store.db.transaction().execute(async (trx) => {
      const after = await store.change(row.id, [row.state], row.state === "live" ? { misses: 0, drift: null } : change, trx)
      if (after !== undefined && row.state === "drifted") await this.needs.enqueue(trx, this.event(after, "domain.recovered", {}))
      return after
    })
    if (back === undefined || row.state === "live") return back ?? row
    note(back, "state", "drifted → live: every record is there again")
    await this.needs.publish()
    this.needs.kick()
    return back
  }
}

/** Some server of the zone answered, and what it said is not what is wanted. */
const isSeenWrong = ({ propagated, authorities }: RecordReport) =>
  !propagated && authorities.some(({ outcome }) => outcome === "answer" || outcome === "nodata" || outcome === "nxdomain")

function describe({ record, observedValue }: RecordReport): string {
  const now = observedValue === null ? "is gone" : `now ${observedValue}`
  return `${record.host} ${record.type} record ${now}, ours is ${record.value}`
}

/** The cause with the time of day it began, UTC. */
const sentence = ({ since, cause }: Episode) => `${cause}, since ${new Date(since).toISOString().slice(0, 16).replace("T", " ")} UTC`
