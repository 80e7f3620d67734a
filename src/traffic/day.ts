import { HOUR_MS, MINUTE_MS } from "./model"

/** What a mapping or connection was asked in one hour. */
export type HourCount = { requests: number; failed: number }

export type TrafficDayNeeds = {
  /** Requests of every holder of a name from `from` until before `to`, of the minutes that are stored. */
  count: (from: number, to: number) => Promise<({ holderId: string } & HourCount)[]>
  now: () => number
}

/** The last 24 hours of mappings or connections, the oldest first; `failed` are answers of the class 5xx. */
export type DayReply = {
  from: string
  to: string
  holders: { id: string; requests: number[]; failed: number[] }[]
}

const hours = 24
/** A read takes a few milliseconds of the thread that may serve visitors too; between two of them others have their turn. */
const sliceMs = 5 * MINUTE_MS

/** The last day of many mappings or connections at once, for lists. An hour that is over is counted once and kept; the present one is counted anew at most twice a minute. */
export class TrafficDay {
  private kept = new Map<number, { counts: Map<string, HourCount>; until: number }>()
  private reading: Promise<void> = Promise.resolve()

  constructor(private needs: TrafficDayNeeds) {}

  /** Of these mappings those that were asked anything; up to the last whole minute. */
  async read(ids: string[]): Promise<DayReply> {
    const now = this.needs.now()
    const first = Math.floor(now / HOUR_MS) * HOUR_MS - (hours - 1) * HOUR_MS
    const starts = Array.from({ length: hours }, (_, index) => first + index * HOUR_MS)
    this.reading = this.reading.catch(() => {}).then(() => this.fill(starts, now))
    await this.reading
    const holders = ids.flatMap((id) => {
      const counts = starts.map((start) => this.kept.get(start)?.counts.get(id))
      if (counts.every((count) => count === undefined)) return []
      return [{ id, requests: counts.map((one) => one?.requests ?? 0), failed: counts.map((one) => one?.failed ?? 0) }]
    })
    return { from: new Date(first).toISOString(), to: new Date(first + hours * HOUR_MS).toISOString(), holders }
  }

  private async fill(starts: number[], now: number): Promise<void> {
    for (const start of this.kept.keys()) if (!starts.includes(start)) this.kept.delete(start)
    for (const start of starts) {
      const known = this.kept.get(start)
      if (known !== undefined && known.until > now) continue
      // Its last minute is written a moment after it is over.
      const isOver = now - start > HOUR_MS + 2 * MINUTE_MS
      this.kept.set(start, { counts: await this.countHour(start), until: isOver ? Infinity : now + MINUTE_MS / 2 })
    }
  }

  private async countHour(start: number): Promise<Map<string, HourCount>> {
    const counts = new Map<string, HourCount>()
    for (let at = start; at < start + HOUR_MS; at += sliceMs) {
      for (const { holderId, requests, failed } of await this.needs.count(at, at + sliceMs)) {
        const sum = counts.get(holderId) ?? { requests: 0, failed: 0 }
        counts.set(holderId, { requests: sum.requests + requests, failed: sum.failed + failed })
      }
      await Bun.sleep(0)
    }
    return counts
  }
}
