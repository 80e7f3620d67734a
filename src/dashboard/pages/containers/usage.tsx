import { useEffect, useRef, useState, type RefObject } from "react"
import { Sparkline } from "../../parts/sparkline"
import { bytes } from "../../parts/time"
import { containers } from "../../words/containers"
import { useSamples } from "./data"

/** The newest half of the hour, which is as much as a small line can tell. */
const shown = 120

/** Whether an element is on the screen now. */
export function useOnScreen(place: RefObject<Element | null>): boolean {
  const [isSeen, setSeen] = useState(false)
  useEffect(() => {
    const element = place.current
    if (element === null) return undefined
    const watcher = new IntersectionObserver(([entry]) => setSeen(entry?.isIntersecting ?? false))
    watcher.observe(element)
    return () => watcher.disconnect()
  }, [place])
  return isSeen
}

export const percent = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} %`

/** CPU and memory of the last minutes as small lines; asked for only while they are on the screen. */
export function UsageCells({ id, isRunning }: { id: string; isRunning: boolean }) {
  const place = useRef<HTMLDivElement>(null)
  const { data } = useSamples(id, useOnScreen(place) && isRunning)
  const samples = isRunning ? (data?.samples.slice(-shown) ?? []) : []
  const known = (pick: (sample: (typeof samples)[number]) => number | null) => samples.map(pick).filter((value) => value !== null)
  const cpu = known((sample) => sample.cpu_percent)
  const memory = known((sample) => sample.memory_bytes)
  return (
    <div ref={place} className="hidden grid-cols-2 gap-4 md:grid">
      <Use values={cpu} say={containers.cpuNow} format={percent} isRunning={isRunning} />
      <Use values={memory} say={containers.memoryNow} format={bytes} isRunning={isRunning} />
    </div>
  )
}

type UseProps = { values: number[]; say: (text: string) => string; format: (value: number) => string; isRunning: boolean }

function Use({ values, say, format, isRunning }: UseProps) {
  const newest = values.at(-1)
  if (!isRunning) return <span />
  return (
    <span className="flex min-w-0 flex-col">
      <span aria-hidden className="text-right text-xs whitespace-nowrap text-dim tabular-nums">
        {newest === undefined ? "–" : format(newest)}
      </span>
      <Sparkline className="h-5 w-full" values={values} label={say(newest === undefined ? containers.notMeasured : format(newest))} />
    </span>
  )
}
