import { memo } from "react"
import { cx } from "../../parts/classes"
import { type Match, placesIn } from "./log-search"
import type { LogChunk, LogLine } from "./log-stream"

export type LinesProps = { wanted: string; current: Match | undefined; hasTimes: boolean; isWrapped: boolean }

/** As high as a line that is not wrapped. */
const linePx = 20

/** Lines that are drawn together; those far from the screen cost the browser no layout. */
export const Lines = memo(({ chunk, ...props }: LinesProps & { chunk: LogChunk }) => (
  <div className="[content-visibility:auto]" style={{ containIntrinsicSize: `auto ${chunk.lines.length * linePx}px` }}>
    {chunk.lines.map((line) => (
      <Line key={line.number} line={line} {...props} current={props.current?.line === line.number ? props.current : undefined} />
    ))}
  </div>
))

const Line = ({ line, wanted, current, hasTimes, isWrapped }: LinesProps & { line: LogLine }) => (
  <div
    className={cx("px-3 hover:bg-hover", isWrapped ? "[overflow-wrap:anywhere] whitespace-pre-wrap" : "w-max min-w-full whitespace-pre")}
  >
    {hasTimes && (
      <span title={line.time} className="mr-3 text-dim select-none">
        {line.time.slice(0, 23).replace("T", " ")}
      </span>
    )}
    <Marked text={line.text} wanted={wanted} at={current?.at} />
    {"\n"}
  </div>
)

function Marked({ text, wanted, at: currentAt }: { text: string; wanted: string; at: number | undefined }) {
  const places = placesIn(text, wanted)
  if (places.length === 0) return text
  let from = 0
  const parts = places.flatMap((at) => {
    const before = text.slice(from, at)
    from = at + wanted.length
    const isCurrent = at === currentAt
    return [
      before,
      <mark
        key={at}
        aria-current={isCurrent || undefined}
        ref={isCurrent ? (mark) => mark?.scrollIntoView({ block: "nearest", inline: "nearest" }) : undefined}
        className={cx("rounded-sm", isCurrent ? "bg-accent text-on-accent" : "bg-warn-soft text-warn")}
      >
        {text.slice(at, from)}
      </mark>,
    ]
  })
  return [...parts, text.slice(from)]
}
