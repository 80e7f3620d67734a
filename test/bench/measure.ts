import type { Goal, Result } from "./report"

/** Figures of several runs by server name, in the order they were made. */
export type Figures = Map<string, number[]>

/** Every server in turn, `runs` times, so that whatever else the machine does meets all of them alike. Servers' names are the keys. */
export async function interleave<S extends { name: string }>(
  servers: S[],
  runs: number,
  run: (server: S) => Promise<number>,
): Promise<Figures> {
  const figures: Figures = new Map(servers.map(({ name }) => [name, []]))
  for (let round = 0; round < runs; round++) {
    for (const server of servers) figures.get(server.name)?.push(await run(server))
  }
  return figures
}

/** The middle value, or the mean of the two in the middle; throws when there is none. */
export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.ceil((sorted.length - 1) / 2)]]
  if (low === undefined || high === undefined) throw new Error("a median needs a value")
  return (low + high) / 2
}

/** The value that `share` of all are not above. */
export function quantile(values: number[] | Float64Array, share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** Ours against one peer: medians, and the median of the ratios of runs that followed each other. */
export function compare(
  what: { case: string; peer: string; unit: string; goal?: Goal; extra?: Result["extra"] },
  figures: Figures,
): Result {
  const [ours, theirs] = [figures.get("freehold") ?? [], figures.get(what.peer) ?? []]
  const ratio = median(ours.map((value, index) => value / (theirs[index] ?? Number.NaN)))
  return { ...what, ours: median(ours), theirs: median(theirs), ratio }
}
