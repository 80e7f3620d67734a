import { ArrowDown, ChevronDown, ChevronUp, Download, Pause, Play } from "lucide-react"
import { useDeferredValue, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from "react"
import { apiOrigin } from "../../data/api"
import { useUrlState } from "../../data/url-state"
import { Button, IconButton } from "../../parts/button"
import { SearchBox } from "../../parts/field"
import { Notice } from "../../parts/status"
import { count } from "../../parts/time"
import { container as pageWords, logs as words } from "../../words/container"
import { ContainerPage } from "./container-page"
import { type Container, isExternal, pathOf } from "./data"
import { Lines } from "./log-lines"
import { matchesIn } from "./log-search"
import { LogStream, type LogView } from "./log-stream"

/** What a container writes, as it writes it. */
export const Logs = () => (
  <ContainerPage>
    {(container) => (isExternal(container) ? <Notice>{pageWords.noLogs}</Notice> : <Log key={container.id} container={container} />)}
  </ContainerPage>
)

/** So near to the end counts as being there. */
const nearPx = 24

function Log({ container }: { container: Container }) {
  const [stream] = useState(() => new LogStream(container.id))
  const view = useSyncExternalStore(stream.subscribe, stream.snapshot)
  const isRunning = container.status === "running"
  useEffect(() => stream.follow(isRunning), [stream, isRunning])
  useEffect(() => () => stream.close(), [stream])

  const [text, setText] = useUrlState("find")
  const [wrap, setWrap] = useUrlState("wrap", "yes")
  const [times, setTimes] = useUrlState("times", "no")
  const wanted = useDeferredValue(text.toLowerCase())
  const matches = useMemo(() => matchesIn(view.chunks, wanted), [view.chunks, wanted])
  const [chosen, setChosen] = useState<number>()
  const at = Math.min(chosen ?? matches.length - 1, matches.length - 1)
  const current = chosen === undefined ? undefined : matches[at]
  const step = (by: number) => matches.length > 0 && setChosen(chosen === undefined ? at : (at + by + matches.length) % matches.length)
  const { place, isAtEnd, onScroll, toEnd } = useEnd(view, current !== undefined)
  return (
    <section aria-label={words.label} className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <Button
          icon={view.isPaused ? <Play aria-hidden className="size-4" /> : <Pause aria-hidden className="size-4" />}
          onClick={() => stream.setPaused(!view.isPaused)}
        >
          {view.isPaused ? words.follow : words.pause}
        </Button>
        <form
          role="search"
          className="flex min-w-0 flex-1 basis-56 items-center gap-1 sm:max-w-sm"
          onSubmit={(event) => {
            event.preventDefault()
            step(-1)
          }}
        >
          <SearchBox
            label={words.search}
            value={text}
            onChange={(value) => {
              setText(value)
              setChosen(undefined)
            }}
          />
          <span role="status" className="min-w-18 text-center text-sm whitespace-nowrap text-dim tabular-nums">
            {wanted !== "" && words.found(at + 1, matches.length)}
          </span>
          <IconButton type="submit" label={words.previous} disabled={matches.length === 0}>
            <ChevronUp aria-hidden className="size-4" />
          </IconButton>
          <IconButton label={words.next} disabled={matches.length === 0} onClick={() => step(1)}>
            <ChevronDown aria-hidden className="size-4" />
          </IconButton>
        </form>
        <Toggle label={words.wrap} isOn={wrap === "yes"} onChange={(isOn) => setWrap(isOn ? "yes" : "no")} />
        <Toggle label={words.times} isOn={times === "yes"} onChange={(isOn) => setTimes(isOn ? "yes" : "no")} />
        <a
          href={`${apiOrigin}${pathOf(container.id)}/logs?tail=10000`}
          download={words.downloadName(container.name)}
          className="ml-auto inline-flex min-h-9 items-center gap-1.5 rounded-md px-2.5 font-medium hover:bg-hover"
        >
          <Download aria-hidden className="size-4" />
          {words.download}
        </a>
      </div>
      {view.state === "refused" && (
        <Notice
          tone="warn"
          isAlert
          action={
            <Button small onClick={() => stream.open()}>
              {words.again}
            </Button>
          }
        >
          {words.refused(view.why ?? "")}
        </Notice>
      )}
      <div className="relative">
        <div
          ref={place}
          role="log"
          aria-live="off"
          aria-label={words.label}
          tabIndex={0}
          onScroll={onScroll}
          className="h-[calc(100dvh-22rem)] min-h-80 overflow-auto rounded-lg border border-line bg-sunken py-2 font-mono text-xs leading-5"
        >
          {view.count === 0 && view.state !== "opening" && <p className="px-3 text-dim">{words.empty}</p>}
          {view.chunks.map((chunk) => (
            <Lines
              key={chunk.key}
              chunk={chunk}
              wanted={wanted}
              current={current !== undefined && isIn(chunk.lines, current.line) ? current : undefined}
              hasTimes={times === "yes"}
              isWrapped={wrap === "yes"}
            />
          ))}
        </div>
        {!isAtEnd && (
          <Button small className="absolute right-5 bottom-3 shadow-lg" icon={<ArrowDown aria-hidden className="size-4" />} onClick={toEnd}>
            {words.toEnd}
          </Button>
        )}
      </div>
      <p role="status" className="flex flex-wrap gap-x-3 text-sm text-dim">
        {view.state !== "refused" && <span>{view.isPaused && view.state === "open" ? words.states.paused : words.states[view.state]}</span>}
        <span className="tabular-nums">{words.lines(count(view.count), view.isCut)}</span>
        {view.waiting > 0 && <span>{words.newer(count(view.waiting))}</span>}
      </p>
    </section>
  )
}

const isIn = (lines: { number: number }[], line: number) => line >= (lines[0]?.number ?? Infinity) && line <= (lines.at(-1)?.number ?? 0)

/** Keeps the newest line in sight, unless somebody scrolled away from it or looks at a match. */
function useEnd(view: LogView, isHeld: boolean) {
  const place = useRef<HTMLDivElement>(null)
  const stays = useRef(true)
  const [isAtEnd, setAtEnd] = useState(true)
  const toEnd = () => {
    const element = place.current
    if (element !== null) element.scrollTop = element.scrollHeight
  }
  const onScroll = () => {
    const element = place.current
    if (element === null) return
    stays.current = element.scrollHeight - element.scrollTop - element.clientHeight < nearPx
    setAtEnd(stays.current)
  }
  useLayoutEffect(() => {
    if (stays.current && !isHeld) toEnd()
  }, [view.chunks, isHeld])
  return { place, isAtEnd, onScroll, toEnd }
}

const Toggle = ({ label, isOn, onChange }: { label: string; isOn: boolean; onChange: (isOn: boolean) => void }) => (
  <label className="flex min-h-9 items-center gap-1.5 px-1 whitespace-nowrap">
    <input type="checkbox" checked={isOn} onChange={(event) => onChange(event.target.checked)} className="size-4 accent-(--color-accent)" />
    {label}
  </label>
)
