import { Link } from "@tanstack/react-router"
import { useMemo } from "react"
import { LazyGraph } from "../../parts/lazy-graph"
import { Section } from "../../parts/page"
import { bytes, count } from "../../parts/time"
import { home } from "../../words/home"
import type { Overview } from "./data"

const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 })

/** Requests, errors and bytes of the day, and who had the most. */
export function Traffic({ traffic }: { traffic: Overview["traffic"] }) {
  const { requests, errors, bytes: size, rows, top } = traffic
  const times = useMemo(() => rows.map(({ time }) => Date.parse(time) / 1000), [rows])
  const lines = useMemo(
    () => [
      { label: home.requests, values: rows.map((row) => row.requests), isFilled: true },
      { label: home.errors, values: rows.map((row) => row.errors), tone: "bad" as const },
    ],
    [rows],
  )
  return (
    <Section title={home.traffic}>
      <dl className="mb-4 flex flex-wrap gap-x-10 gap-y-3">
        <Figure name={home.requests} value={count(requests)} />
        <Figure
          name={home.errors}
          value={count(errors)}
          note={requests === 0 ? undefined : home.errorRate(percent.format(errors / requests))}
        />
        <Figure name={home.bytes} value={bytes(size)} />
      </dl>
      {requests === 0 ? (
        <p className="grid min-h-[210px] place-items-center rounded-md bg-sunken px-4 text-center text-dim">{home.noTraffic}</p>
      ) : (
        <LazyGraph label={home.requestsAnHour} times={times} lines={lines} format={count} />
      )}
      {top.length > 0 && (
        <>
          <h3 className="mt-4 mb-1 text-sm text-dim">{home.top}</h3>
          <ul>
            {top.map((one) => (
              <li key={one.id} className="relative flex items-baseline gap-3 py-1">
                <Link to={`/hostnames/${one.kind}/${one.id}`} className="min-w-0 flex-1 truncate hover:text-accent hover:underline">
                  {one.domain}
                </Link>
                {one.errors > 0 && <span className="text-sm whitespace-nowrap text-bad">{home.topErrors(count(one.errors))}</span>}
                <span className="w-20 text-right text-sm text-dim tabular-nums">{bytes(one.bytes)}</span>
                <span className="w-20 text-right tabular-nums">{count(one.requests)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </Section>
  )
}

const Figure = ({ name, value, note }: { name: string; value: string; note?: string | undefined }) => (
  <div>
    <dt className="text-sm text-dim">{name}</dt>
    <dd className="text-2xl font-semibold tabular-nums">
      {value}
      {note !== undefined && <span className="ml-2 text-sm font-normal text-dim">{note}</span>}
    </dd>
  </div>
)
