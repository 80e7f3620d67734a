import { AppError } from "../errors"
import { Histogram } from "./histogram"

export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000

/** Enough for a week of minutes; a longer time is read in hours. */
export const MAX_REPLY_ROWS = 10_000

/** What was counted of one hostname. A request that its client gave up is among the client errors. `histogram` is of total times, as `Histogram` encodes it. */
export type Tally = {
  requests: number
  status1xx: number
  status2xx: number
  status3xx: number
  status4xx: number
  status5xx: number
  bytesIn: number
  bytesOut: number
  histogram: Uint8Array
}

/** A hostname's counts in one minute; `firstAt` is when its first request of the minute was noted. */
export type HostTally = Tally & { host: string; firstAt: number }

/** One minute's counts of every hostname. `start` and times are Unix milliseconds. */
export type TrafficMinute = {
  start: number
  tally: (host: string) => HostTally | undefined
  tallies: () => Iterable<HostTally>
  /** Requests for names beyond the bound on names in a minute. */
  unnamed: number
}

/** Where minutes come from: the edge's counters. */
export type TrafficSource = {
  /** The minute that is being counted. */
  readonly current: TrafficMinute
  /** Brings what other threads counted so far into the current minute; never rejects. */
  gather?: () => Promise<void>
  /** Hands over the current minute and begins the next, at `start`. */
  take: (start: number) => TrafficMinute
}

export type Step = "minute" | "hour"

export const stepMs = (step: Step) => (step === "minute" ? MINUTE_MS : HOUR_MS)

/** What is asked for: the steps that begin at `from` or later and before `to`; both are starts of steps. */
export type TrafficQuery = { from: number; to: number; step: Step }

/** One step as the networking API shows it. */
export type TrafficRow = {
  time: string
  requests: number
  statuses: { "1xx": number; "2xx": number; "3xx": number; "4xx": number; "5xx": number }
  bytes_in: number
  bytes_out: number
  p50_ms: number
  p95_ms: number
  p99_ms: number
  /** Stands where the step is still being counted. */
  partial?: true
}

export type TrafficReply = { step: Step; from: string; to: string; rows: TrafficRow[] }

/** The query of a URL: the last hour by the minute where nothing is said, and the last day where hours are asked for. Throws `invalid`. */
export function parseTrafficQuery(query: URLSearchParams, now: number): TrafficQuery {
  const step = query.get("step") ?? "minute"
  if (step !== "minute" && step !== "hour") throw new AppError("invalid", "step must be minute or hour")
  const size = stepMs(step)
  const lastMs = step === "minute" ? HOUR_MS : 24 * HOUR_MS
  // Without a `to`, the step that is under way is the last one.
  const end = parseTime(query, "to") ?? Math.floor(now / size) * size + size
  const to = Math.ceil(end / size) * size
  const from = Math.floor((parseTime(query, "from") ?? end - lastMs) / size) * size
  if (from >= to) throw new AppError("invalid", "from must be before to")
  const rows = (to - from) / size
  if (rows > MAX_REPLY_ROWS) {
    const remedy = step === "minute" ? "ask for a shorter time or step=hour" : "ask for a shorter time"
    throw new AppError("invalid", `from and to span ${rows} rows, and an answer has at most ${MAX_REPLY_ROWS}: ${remedy}`)
  }
  return { from, to, step }
}

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/
const latestTime = 8.64e15

function parseTime(query: URLSearchParams, field: "from" | "to"): number | undefined {
  const raw = query.get(field)
  if (raw === null) return undefined
  const ms = /^\d{1,16}$/.test(raw) ? Number(raw) : isoTime.test(raw) ? Date.parse(raw) : Number.NaN
  if (!(ms >= 0 && ms <= latestTime - HOUR_MS)) {
    throw new AppError("invalid", `${field} must be an ISO 8601 time with its zone, or Unix milliseconds`)
  }
  return ms
}

/** Adds tallies up, so that percentiles are read from the merged histograms and never averaged. */
export class TallySum {
  private counts: Omit<Tally, "histogram"> = {
    requests: 0,
    status1xx: 0,
    status2xx: 0,
    status3xx: 0,
    status4xx: 0,
    status5xx: 0,
    bytesIn: 0,
    bytesOut: 0,
  }
  private times = new Histogram()

  add(tally: Tally): this {
    const { counts } = this
    counts.requests += tally.requests
    counts.status1xx += tally.status1xx
    counts.status2xx += tally.status2xx
    counts.status3xx += tally.status3xx
    counts.status4xx += tally.status4xx
    counts.status5xx += tally.status5xx
    counts.bytesIn += tally.bytesIn
    counts.bytesOut += tally.bytesOut
    this.times.merge(tally.histogram)
    return this
  }

  tally(): Tally {
    return { ...this.counts, histogram: this.times.encode() }
  }

  row(start: number, isPartial: boolean): TrafficRow {
    const { counts, times } = this
    return {
      time: new Date(start).toISOString(),
      requests: counts.requests,
      statuses: {
        "1xx": counts.status1xx,
        "2xx": counts.status2xx,
        "3xx": counts.status3xx,
        "4xx": counts.status4xx,
        "5xx": counts.status5xx,
      },
      bytes_in: counts.bytesIn,
      bytes_out: counts.bytesOut,
      p50_ms: times.percentile(0.5),
      p95_ms: times.percentile(0.95),
      p99_ms: times.percentile(0.99),
      partial: isPartial ? true : undefined,
    }
  }
}
