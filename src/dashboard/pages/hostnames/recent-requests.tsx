import { Pause, Play } from "lucide-react"
import { memo, useEffect, useState, useSyncExternalStore } from "react"
import { useUrlState } from "../../data/url-state"
import { Button } from "../../parts/button"
import { cx, type Tone, toneText } from "../../parts/classes"
import { CheckField, SearchBox } from "../../parts/field"
import { Section } from "../../parts/page"
import { Dot, Notice } from "../../parts/status"
import { bytes, duration } from "../../parts/time"
import { requests as words } from "../../words/hostname-traffic"
import { apiOf, type Subject, type WatchedRequest } from "./model"
import { RequestWatch, type WatchEntry, type WatchView } from "./request-watch"

/** What a hostname is asked, live: the edge records while this is open, and not otherwise. */
export function RecentRequests({ subject, hostname }: { subject: Subject; hostname: string }) {
  const [watch] = useState(() => new RequestWatch(`${apiOf(subject)}/requests`))
  const view = useSyncExternalStore(watch.subscribe, watch.snapshot)
  useEffect(watch.begin, [watch])
  const [search, setSearch] = useUrlState("q")
  const [only, setOnly] = useUrlState("only", "all")
  const wanted = search.trim().toLowerCase()
  const shown = view.entries.filter((entry) => isShown(entry, wanted, only === "errors"))
  return (
    <Section
      title={words.title}
      actions={
        <>
          <Button
            icon={view.isPaused ? <Play aria-hidden className="size-4" /> : <Pause aria-hidden className="size-4" />}
            onClick={() => watch.setPaused(!view.isPaused)}
          >
            {view.isPaused ? words.goOn : words.pause}
          </Button>
          <Button disabled={view.entries.length === 0} onClick={() => watch.clear()}>
            {words.clear}
          </Button>
        </>
      }
    >
      <div className="mb-3 flex flex-wrap items-center gap-x-4 gap-y-2">
        <SearchBox label={words.filter} value={search} onChange={setSearch} className="sm:w-72!" />
        <CheckField
          label={words.failedOnly}
          checked={only === "errors"}
          onChange={(event) => setOnly(event.target.checked ? "errors" : "all")}
        />
        <StateLine view={view} />
      </div>
      {view.state === "refused" && (
        <Notice
          tone="warn"
          className="mb-3"
          action={
            <Button small onClick={() => watch.open()}>
              {words.retry}
            </Button>
          }
        >
          {view.why}
        </Notice>
      )}
      {view.entries.length === 0 ? (
        <div className="py-10 text-center text-dim">
          <p className="font-medium text-text">{words.emptyTitle}</p>
          <p className="mx-auto max-w-prose text-pretty">{words.empty(hostname.startsWith("*.") ? `a name of ${hostname}` : hostname)}</p>
        </div>
      ) : shown.length === 0 ? (
        <p className="py-10 text-center text-dim">{words.noneShown}</p>
      ) : (
        <List entries={shown} hasHosts={hostname.startsWith("*.")} />
      )}
    </Section>
  )
}

const tones: Record<WatchView["state"], Tone> = { opening: "info", open: "good", lost: "warn", refused: "bad" }

function StateLine({ view: { state, isPaused, waiting } }: { view: WatchView }) {
  const isResting = isPaused && state === "open"
  return (
    <p className="ml-auto flex items-center gap-2 text-sm max-sm:ml-0">
      <Dot tone={isResting ? "neutral" : tones[state]} />
      <span role="status">{isResting ? words.state.paused : words.state[state]}</span>
      {waiting > 0 && <span className="text-dim tabular-nums">{words.waiting(waiting)}</span>}
    </p>
  )
}

function isShown(entry: WatchEntry, wanted: string, isFailedOnly: boolean): boolean {
  if (!("request" in entry)) return true
  const { host, path, client, status, method, failure } = entry.request
  if (isFailedOnly && status < 400 && failure === null) return false
  return wanted === "" || `${status} ${method} ${host}${path} ${client}`.toLowerCase().includes(wanted)
}

const columns = "lg:grid lg:grid-cols-[6.5rem_3rem_minmax(0,1fr)_5rem_5.5rem_minmax(8rem,auto)] lg:items-baseline lg:gap-x-4"

const List = ({ entries, hasHosts }: { entries: WatchEntry[]; hasHosts: boolean }) => (
  <div className="-mx-4 border-y border-line sm:mx-0 sm:rounded-lg sm:border-x">
    <div aria-hidden className={cx("hidden border-b border-line px-3 py-1.5 text-sm text-dim", columns)}>
      {words.columns.map((name, column) => (
        <span key={name} className={cx((column === 3 || column === 4) && "text-right")}>
          {name}
        </span>
      ))}
    </div>
    <div role="log" aria-live="off" aria-label={words.list} tabIndex={0} className="max-h-[70vh] overflow-y-auto">
      <ol>
        {entries.map((entry) =>
          "request" in entry ? (
            <Row key={entry.key} request={entry.request} hasHost={hasHosts} />
          ) : (
            <li key={entry.key} className="border-b border-line px-3 py-1.5 text-sm text-warn last:border-0">
              {words.leftOut(entry.leftOut)}
            </li>
          ),
        )}
      </ol>
    </div>
  </div>
)

const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" })

/** A time of day to the millisecond: of two requests in one second the order is what matters. */
const timeOfDay = (time: string) => `${clock.format(new Date(time))}.${time.slice(20, 23)}`

const toneOf = (status: number): Tone => (status >= 500 ? "bad" : status >= 400 ? "warn" : status >= 300 ? "info" : "good")

const Row = memo(function Row({ request, hasHost }: { request: WatchedRequest; hasHost: boolean }) {
  const { time, status, method, host, path, duration_ms: took, bytes_out: sent, bytes_in: received, client, failure, protocol } = request
  const target = hasHost ? host + path : path
  const size = <span title={words.received(bytes(received))}>{bytes(sent)}</span>
  return (
    <li className={cx("border-b border-line px-3 py-1.5 last:border-0 hover:bg-hover", columns)}>
      <time dateTime={time} className="hidden text-sm text-dim tabular-nums lg:block">
        {timeOfDay(time)}
      </time>
      <span className={cx("font-medium tabular-nums max-lg:float-left max-lg:mr-3", toneText[toneOf(status)])}>{status}</span>
      <span className="block min-w-0">
        <span className="block truncate" title={`${method} ${host}${path}\n${words.requestId} ${request.request_id}`}>
          <span className="mr-2 font-medium">{method}</span>
          <span className="font-mono text-[0.93em]">{target}</span>
        </span>
        {failure !== null && <span className="block text-sm text-bad">{failure}</span>}
      </span>
      <span className="hidden text-right text-sm whitespace-nowrap tabular-nums lg:block">{duration(took)}</span>
      <span className="hidden text-right text-sm whitespace-nowrap tabular-nums lg:block">{size}</span>
      <span className="hidden min-w-0 text-sm [overflow-wrap:anywhere] lg:block">
        {client} <span className="whitespace-nowrap text-dim">{protocol}</span>
      </span>
      <span className="flex flex-wrap gap-x-3 text-sm text-dim tabular-nums lg:hidden">
        <time dateTime={time}>{timeOfDay(time)}</time>
        <span>{duration(took)}</span>
        {size}
        <span>{client}</span>
        <span>{protocol}</span>
      </span>
    </li>
  )
})
