import type { Overview } from "./model"

type Counts = { requests: number; errors: number; bytes: number }
type Hour = Counts & { top: (Counts & { id: string })[] }

const hourMs = 3_600_000
const hours = 24
const kept = 20
const shown = 5
/** The last minute of an hour is written in the minute after it, so this long after its end an hour is whole. */
const settleMs = 3 * 60_000
const maxEntries = 24 * 200

export type DayTrafficNeeds = {
  hour: (personId: string, start: number) => Promise<(Counts & { id: string })[]>
  names: (ids: string[]) => Promise<{ id: string; kind: "mapping" | "connection"; domain: string }[]>
  now: () => number
}

/** A person's traffic of the last day. An hour that is over is counted once and then remembered: a day may have a million rows. */
export class DayTraffic {
  private known = new Map<string, Hour>()

  constructor(private needs: DayTrafficNeeds) {}

  async read(personId: string): Promise<Overview["traffic"]> {
    const newest = Math.floor(this.needs.now() / hourMs) * hourMs
    const rows: Overview["traffic"]["rows"] = []
    const sum: Counts = { requests: 0, errors: 0, bytes: 0 }
    const byHolder = new Map<string, Counts>()
    for (let start = newest - (hours - 1) * hourMs; start <= newest; start += hourMs) {
      const { top, ...counts } = await this.hour(personId, start)
      rows.push({ time: new Date(start).toISOString(), ...counts })
      add(sum, counts)
      for (const { id, ...ofOne } of top) {
        const before = byHolder.get(id) ?? { requests: 0, errors: 0, bytes: 0 }
        add(before, ofOne)
        byHolder.set(id, before)
      }
    }
    return { ...sum, rows, top: await this.named(byHolder) }
  }

  private async hour(personId: string, start: number): Promise<Hour> {
    const key = `${start} ${personId}`
    const found = this.known.get(key)
    if (found !== undefined) return found
    const all = await this.needs.hour(personId, start)
    const hour: Hour = { requests: 0, errors: 0, bytes: 0, top: all.slice(0, kept) }
    for (const one of all) add(hour, one)
    if (this.needs.now() < start + hourMs + settleMs) return hour
    this.known.set(key, hour)
    for (const oldest of this.known.keys()) {
      if (this.known.size <= maxEntries) break
      this.known.delete(oldest)
    }
    return hour
  }

  /** Those with the most requests that are still there. */
  private async named(byHolder: Map<string, Counts>): Promise<Overview["traffic"]["top"]> {
    const most = [...byHolder].sort(([, a], [, b]) => b.requests - a.requests).slice(0, kept)
    if (most.length === 0) return []
    const names = new Map((await this.needs.names(most.map(([id]) => id))).map((one) => [one.id, one]))
    return most
      .flatMap(([id, counts]) => {
        const name = names.get(id)
        return name === undefined ? [] : [{ ...name, ...counts }]
      })
      .slice(0, shown)
  }
}

function add(sum: Counts, { requests, errors, bytes }: Counts): void {
  sum.requests += requests
  sum.errors += errors
  sum.bytes += bytes
}
