import { useMemo } from "react"
import { useUrlState } from "../../data/url-state"
import { cx } from "../../parts/classes"
import { LazyGraph } from "../../parts/lazy-graph"
import type { GraphProps, Line } from "../../parts/graph"
import { Loaded } from "../../parts/loaded"
import { Section } from "../../parts/page"
import { Skeleton } from "../../parts/status"
import { bytes, count, duration } from "../../parts/time"
import { traffic as words } from "../../words/hostname-traffic"
import type { Subject, TrafficRow } from "./model"
import { useTraffic } from "./queries"

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** How far back is looked, and how wide a point of the graph is. */
const ranges = {
  hour: { sinceMs: hourMs, stepMs: minuteMs, step: "minute" },
  day: { sinceMs: 24 * hourMs, stepMs: 10 * minuteMs, step: "minute" },
  week: { sinceMs: 7 * 24 * hourMs, stepMs: hourMs, step: "hour" },
} as const

type Range = keyof typeof ranges
const names = Object.keys(ranges) as Range[]

/** Requests, answers, times and bytes of a hostname. */
export function TrafficGraphs({ subject }: { subject: Subject }) {
  const [raw, setRange] = useUrlState("range", "day")
  const range = names.find((name) => name === raw) ?? "day"
  const { sinceMs, step, stepMs } = ranges[range]
  const query = useTraffic(subject, step, sinceMs, 30_000)
  return (
    <Section
      title={words.title}
      actions={
        <div role="group" aria-label={words.range} className="flex gap-1">
          {names.map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={name === range}
              onClick={() => setRange(name)}
              className={cx("min-h-7 rounded-md px-2 text-sm", name === range ? "bg-accent-soft font-medium" : "text-dim hover:bg-hover")}
            >
              {words.ranges[name]}
            </button>
          ))}
        </div>
      }
    >
      <Loaded query={query} skeleton={<Skeleton className="h-[30rem]" />}>
        {({ from, to, rows }) =>
          rows.length === 0 ? <p className="py-8 text-center text-dim">{words.none}</p> : <Graphs {...{ from, to, rows, stepMs }} />
        }
      </Loaded>
    </Section>
  )
}

type Shown = Pick<GraphProps, "times" | "format"> & { title: string; lines: Line[] }

function Graphs({ from, to, rows, stepMs }: { from: number; to: number; rows: TrafficRow[]; stepMs: number }) {
  const graphs = useMemo(() => graphsOf(from, to, rows, stepMs), [from, to, rows, stepMs])
  const total = rows.reduce((sum, row) => sum + row.requests, 0)
  const failed = rows.reduce((sum, row) => sum + row.statuses["5xx"], 0)
  return (
    <>
      <p className="mb-3">
        <span className="font-medium">{words.total(total)}</span>
        {failed > 0 && <span className="text-bad"> · {words.failed(failed)}</span>}
      </p>
      <div className="grid gap-x-8 gap-y-5 lg:grid-cols-2">
        {graphs.map(({ title, ...graph }) => (
          <div key={title} className="min-w-0">
            <h3 className="mb-1 text-sm font-medium">{title}</h3>
            <LazyGraph label={title} {...graph} />
          </div>
        ))}
      </div>
    </>
  )
}

/** Half a request is no mark of an axis. */
const whole = (value: number) => (Number.isInteger(value) ? count(value) : "")

/** Rows as lines over evenly spaced points; a point without requests is nought, and has no time to an answer. */
function graphsOf(from: number, to: number, rows: TrafficRow[], stepMs: number): Shown[] {
  const first = Math.floor(from / stepMs)
  const points: TrafficRow[][] = Array.from({ length: Math.floor(to / stepMs) - first + 1 }, () => [])
  for (const row of rows) points[Math.floor(Date.parse(row.time) / stepMs) - first]?.push(row)
  const times = points.map((_, index) => ((first + index) * stepMs) / 1000)
  const sum = (of: (row: TrafficRow) => number) => points.map((point) => point.reduce((total, row) => total + of(row), 0))
  // The slowest of the rows behind a point: their percentiles cannot be added up.
  const most = (of: (row: TrafficRow) => number) => points.map((point) => (point.length === 0 ? null : Math.max(...point.map(of))))
  return [
    { title: words.requests, times, format: whole, lines: [{ label: words.requests, values: sum((row) => row.requests), isFilled: true }] },
    {
      title: words.statuses,
      times,
      format: whole,
      lines: [
        { label: "2xx", values: sum(({ statuses }) => statuses["2xx"]), tone: "good" },
        { label: "3xx", values: sum(({ statuses }) => statuses["3xx"]), tone: "info" },
        { label: "4xx", values: sum(({ statuses }) => statuses["4xx"]), tone: "warn" },
        { label: "5xx", values: sum(({ statuses }) => statuses["5xx"]), tone: "bad" },
      ],
    },
    {
      title: words.latency,
      times,
      format: duration,
      lines: [
        { label: "p50", values: most((row) => row.p50_ms), tone: "accent" },
        { label: "p95", values: most((row) => row.p95_ms), tone: "warn" },
        { label: "p99", values: most((row) => row.p99_ms), tone: "bad" },
      ],
    },
    {
      title: words.bytes,
      times,
      format: bytes,
      lines: [
        { label: words.sent, values: sum((row) => row.bytes_out), tone: "accent" },
        { label: words.received, values: sum((row) => row.bytes_in), tone: "info" },
      ],
    },
  ]
}
