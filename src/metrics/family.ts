import type { DurationCounts } from "../traffic/durations"

/** One figure; `labels` has a value for each label of its family. */
export type Sample = { labels?: Record<string, string>; value: number }

/** One histogram of times. */
export type TimesSample = { labels?: Record<string, string>; times: DurationCounts }

type Described = {
  /** By the practice of Prometheus: base units, and `_total` for what only grows. */
  name: string
  /** One sentence. */
  help: string
  labels: readonly string[]
}

/** All figures of one name, read when somebody asks for them; an empty list is left out. */
export type Family = Described &
  (
    | { type: "counter" | "gauge"; read: () => readonly Sample[] | Promise<readonly Sample[]> }
    | { type: "histogram"; read: () => readonly TimesSample[] | Promise<readonly TimesSample[]> }
  )

type Read<T> = () => T | Promise<T>

/** A family with one figure and no labels; undefined leaves it out. */
export function gauge(name: string, help: string, read: Read<number | undefined>): Family {
  return { name, help, labels: [], type: "gauge", read: async () => single(await read()) }
}

/** As `gauge`, of what only grows while the process lives. */
export function counter(name: string, help: string, read: Read<number | undefined>): Family {
  return { name, help, labels: [], type: "counter", read: async () => single(await read()) }
}

/** Figures by one label. */
export function byLabel(
  type: "counter" | "gauge",
  name: string,
  help: string,
  label: string,
  read: Read<Record<string, number> | undefined>,
): Family {
  const samples = async () => Object.entries((await read()) ?? {}).map(([key, value]) => ({ labels: { [label]: key }, value }))
  return { name, help, labels: [label], type, read: samples }
}

const single = (value: number | undefined): Sample[] => (value === undefined ? [] : [{ value }])
