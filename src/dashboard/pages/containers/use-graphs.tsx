import { useMemo, useRef } from "react"
import type { Line } from "../../parts/graph"
import { LazyGraph } from "../../parts/lazy-graph"
import { Section } from "../../parts/page"
import { bytes } from "../../parts/time"
import { container as words } from "../../words/container"
import { type Container, type Sample, useSamples } from "./data"
import { percent, useOnScreen } from "./usage"

/** What a container used in the last hour, measured while this is on the screen. */
export function UseGraphs({ container }: { container: Container }) {
  const place = useRef<HTMLDivElement>(null)
  const isRunning = container.status === "running"
  const { data } = useSamples(container.id, useOnScreen(place))
  const samples = data?.samples ?? []
  return (
    <div ref={place}>
      <Section title={words.use}>
        {samples.length < 2 ? (
          <p className="flex min-h-52 items-center justify-center text-dim">{isRunning ? words.measuring : words.notRunning}</p>
        ) : (
          <Graphs samples={samples} />
        )}
      </Section>
    </div>
  )
}

const rate = (value: number) => words.perSecond(bytes(value))

function Graphs({ samples }: { samples: Sample[] }) {
  const { times, cpu, memory, network } = useMemo(() => {
    const values = (pick: (sample: Sample) => number | null) => samples.map(pick)
    return {
      times: samples.map(({ time }) => new Date(time).getTime() / 1000),
      cpu: [{ label: words.cpu, values: values((sample) => sample.cpu_percent), isFilled: true }] satisfies Line[],
      memory: [{ label: words.memory, values: values((sample) => sample.memory_bytes), tone: "info", isFilled: true }] satisfies Line[],
      network: [
        { label: words.received, values: values((sample) => sample.received_bytes_per_second) },
        { label: words.sent, values: values((sample) => sample.sent_bytes_per_second), tone: "warn" },
      ] satisfies Line[],
    }
  }, [samples])
  return (
    <div className="grid gap-x-6 gap-y-5 md:grid-cols-2 xl:grid-cols-3">
      <One title={words.cpu} help={words.cpuHelp} times={times} lines={cpu} format={percent} />
      <One title={words.memory} times={times} lines={memory} format={bytes} />
      <One title={words.network} times={times} lines={network} format={rate} />
    </div>
  )
}

type OneProps = { title: string; help?: string; times: number[]; lines: Line[]; format: (value: number) => string }

const One = ({ title, help, times, lines, format }: OneProps) => (
  <div className="min-w-0">
    <h3 className="mb-1 font-medium">
      {title}
      {help !== undefined && <span className="font-normal text-dim"> · {help}</span>}
    </h3>
    <LazyGraph label={title} times={times} lines={lines} format={format} height={150} />
  </div>
)
