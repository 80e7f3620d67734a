import { useEffect, useState } from "react"

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
]
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" })
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" })

/** A span of time as people say it: `in 3 days`, `5 minutes ago`, `just now`. */
export function relativeTime(atMs: number, nowMs = Date.now()): string {
  const seconds = (atMs - nowMs) / 1000
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? []
  return unit === undefined || size === undefined ? "just now" : relative.format(Math.trunc(seconds / size), unit)
}

const short = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" })

/** A moment by which a thing is called, to the second. Takes Unix seconds. */
export const exactTime = (at: number): string => short.format(at * 1000)

/** A moment, relative, with the exact one on hover and for screen readers' details. Takes Unix seconds, milliseconds marked so, or ISO 8601. */
export function Time({ at }: { at: number | string | Date }) {
  const ms = typeof at === "number" ? at * 1000 : new Date(at).getTime()
  const now = useNow(Math.abs(Date.now() - ms) < 3_600_000 ? 10_000 : 60_000)
  return (
    <time dateTime={new Date(ms).toISOString()} title={exact.format(ms)} className="whitespace-nowrap">
      {relativeTime(ms, now)}
    </time>
  )
}

/** Now, again and again, while the page is seen. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now())
    }, everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}

/** A length of time: `2 h 5 min`, `340 ms`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
  ]
  return parts
    .filter(([count]) => count > 0)
    .slice(0, 2)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ")
}

const sizes = ["B", "KiB", "MiB", "GiB", "TiB"]

/** Bytes in binary units, with three digits at most. */
export function bytes(count: number): string {
  let value = count
  let unit = 0
  while (value >= 1023.5 && unit < sizes.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(value >= 9.995 ? 1 : 2)} ${sizes[unit]}`
}

/** A whole number with thin spaces between thousands. */
export const count = (value: number): string => new Intl.NumberFormat("en").format(value)
