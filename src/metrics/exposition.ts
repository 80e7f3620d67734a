// The text format of Prometheus, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/
// Not done: timestamps, which stand with figures of another moment than the scrape; OpenMetrics, which Prometheus takes beside this one and does not need.

import type { Family, Sample, TimesSample } from "./family"

export const contentType = "text/plain; version=0.0.4; charset=utf-8"

/** All families as text. One that cannot be read within `limitMs` is left out, and `onFault` told of it. */
export async function expose(
  families: readonly Family[],
  onFault: (name: string, error: unknown) => void,
  limitMs = 5000,
): Promise<string> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`not read within ${limitMs / 1000} s`)), limitMs)
  late.promise.catch(() => {})
  const texts = await Promise.all(
    families.map(async (family) => {
      try {
        return await Promise.race([exposeOne(family), late.promise])
      } catch (error) {
        onFault(family.name, error)
        return ""
      }
    }),
  )
  clearTimeout(timer)
  return texts.join("")
}

async function exposeOne(family: Family): Promise<string> {
  const { name, help, type } = family
  const lines =
    family.type === "histogram"
      ? (await family.read()).flatMap((sample) => histogramLines(family, sample))
      : (await family.read()).map((sample) => `${name}${labelsOf(family, sample)} ${number(sample.value)}`)
  if (lines.length === 0) return ""
  return [`# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n")
}

/** Buckets are cumulative here, and the last one has everything. */
function histogramLines(family: Family, sample: TimesSample): string[] {
  const { name } = family
  const { bounds, counts, sum } = sample.times
  let below = 0
  const buckets = counts.map((count, index) => {
    below += count
    const bound = bounds[index]
    return `${name}_bucket${labelsOf(family, sample, ["le", bound === undefined ? "+Inf" : String(bound)])} ${number(below)}`
  })
  const labels = labelsOf(family, sample)
  return [...buckets, `${name}_sum${labels} ${number(sum)}`, `${name}_count${labels} ${number(below)}`]
}

function labelsOf(family: Family, { labels = {} }: Sample | TimesSample, more?: readonly [string, string]): string {
  const pairs = family.labels.map((label): readonly [string, string] => {
    const value = labels[label]
    if (value === undefined) throw new Error(`a figure of ${family.name} has no ${label}`)
    return [label, value]
  })
  if (more !== undefined) pairs.push(more)
  return pairs.length === 0 ? "" : `{${pairs.map(([label, value]) => `${label}="${escaped(value)}"`).join(",")}}`
}

const escaped = (value: string) => value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")

const number = (value: number) =>
  Number.isNaN(value) ? "NaN" : Math.abs(value) === Infinity ? (value > 0 ? "+Inf" : "-Inf") : String(value)
