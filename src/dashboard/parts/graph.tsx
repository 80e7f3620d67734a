import { useEffect, useRef } from "react"
import uPlot from "uplot"
import "uplot/dist/uPlot.min.css"
import { cx, type Tone } from "./classes"

/** A line over time. `values` stand at the times of the graph, null where nothing is known. */
export type Line = { label: string; values: (number | null)[]; tone?: Tone; isFilled?: boolean }

export type GraphProps = {
  /** What it shows, for everybody who does not see it; with the newest values it is read aloud. */
  label: string
  /** Unix seconds, rising. */
  times: number[]
  lines: Line[]
  format: (value: number) => string
  height?: number
}

const colours: Record<Tone, string> = {
  neutral: "--color-dim",
  good: "--color-good",
  warn: "--color-warn",
  bad: "--color-bad",
  info: "--color-info",
  accent: "--color-accent",
}

/** A graph over time with a legend that follows the pointer, and tells the newest values where there is none. Large: load it with `lazyGraph`. */
export function Graph({ label, times, lines, format, height = 180 }: GraphProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const shape = lines.map(({ label, tone }) => `${label} ${tone ?? ""}`).join("|")
  useEffect(() => {
    const element = place.current
    if (element === null) return undefined
    const make = () => {
      plot.current?.destroy()
      plot.current = new uPlot(optionsOf(element, lines, format, height), [times, ...lines.map(({ values }) => values)], element)
    }
    make()
    const sizes = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }))
    sizes.observe(element)
    // Colours are drawn, so another theme draws anew.
    const themes = new MutationObserver(make)
    themes.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] })
    const system = matchMedia("(prefers-color-scheme: dark)")
    system.addEventListener("change", make)
    return () => {
      sizes.disconnect()
      themes.disconnect()
      system.removeEventListener("change", make)
      plot.current?.destroy()
      plot.current = undefined
    }
    // What it shows comes by the effect below.
  }, [shape, height])
  useEffect(() => {
    plot.current?.setData([times, ...lines.map(({ values }) => values)])
    if (plot.current !== undefined) tellNewest(plot.current)
  }, [times, lines])
  const newest = lines.map(({ label, values }) => `${label} ${format(values.findLast((value) => value !== null) ?? 0)}`).join(", ")
  return <div ref={place} role="img" aria-label={`${label}: ${newest}`} className={cx("w-full min-w-0 overflow-hidden text-sm")} />
}

function optionsOf(element: HTMLElement, lines: Line[], format: (value: number) => string, height: number): uPlot.Options {
  const colour = (name: string) => resolved(element, name)
  const [text, grid] = [colour("--color-dim"), { stroke: colour("--color-line"), width: 1 }]
  const axis = { stroke: text, grid, ticks: grid, font: "12px system-ui, sans-serif" }
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" })
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" })
  const at: uPlot.Axis.DynamicValues = (_, splits, _axis, _space, increment) =>
    splits.map((time) => (increment >= 86_400 ? day : clock).format(time * 1000))
  return {
    width: element.clientWidth,
    height,
    padding: [8, 8, 0, 0],
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    hooks: { setCursor: [tellNewest] },
    scales: { y: { range: (_, low, high) => [Math.min(low ?? 0, 0), (high || 1) * 1.1] } },
    axes: [
      { ...axis, values: at },
      { ...axis, size: 64, values: (_, values) => values.map(format) },
    ],
    series: [
      { value: (_, at) => (at === null ? "–" : new Date(at * 1000).toLocaleString("en-GB")) },
      ...lines.map(({ label, values, tone = "accent", isFilled = false }) => ({
        label,
        stroke: colour(colours[tone]),
        fill: isFilled ? `${colour(colours[tone])}22` : undefined,
        width: 1.5,
        // A lone value would not be seen as a line.
        points: { show: values.filter((value) => value !== null).length === 1 },
        value: (_: uPlot, value: number | null) => (value === null ? "–" : format(value)),
      })),
    ],
  }
}

/** Where the pointer is nowhere on the graph the legend would be empty. */
function tellNewest(plot: uPlot): void {
  if (plot.cursor.idx == null) plot.setLegend({ idx: plot.data[0].length - 1 }, false)
}

/** A colour of the theme as hexadecimal, which a canvas takes and which can be given an opacity. */
function resolved(element: HTMLElement, name: string): string {
  const probe = document.createElement("span")
  probe.style.color = `var(${name})`
  element.append(probe)
  const [r = "0", g = "0", b = "0"] = getComputedStyle(probe).color.match(/[\d.]+/g) ?? []
  probe.remove()
  return `#${[r, g, b].map((part) => Math.round(Number(part)).toString(16).padStart(2, "0")).join("")}`
}
