/** Upper bounds of the buckets in which times are counted, in seconds; what is longer has a last one of its own. */
export const durationBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const

/** Cells that one histogram of times takes in an array: its buckets, the last of them for all longer times, and their sum in seconds. */
export const DURATION_CELLS = durationBounds.length + 2

/** Counts one time, given in milliseconds, in the cells that begin at `at`; allocates nothing. */
export function countDuration(cells: Float64Array, at: number, ms: number): void {
  const seconds = ms / 1000
  let bucket = 0
  while (bucket < durationBounds.length && seconds > durationBounds[bucket]!) bucket++
  cells[at + bucket]!++
  cells[at + DURATION_CELLS - 1]! += seconds
}

/** Times by bucket, as they stand: `counts` has one more entry than `bounds` and is not cumulative; `sum` is seconds. */
export type DurationCounts = { bounds: readonly number[]; counts: number[]; sum: number }

/** What is counted in the cells that begin at `at`. */
export function readDurations(cells: Float64Array, at = 0): DurationCounts {
  const counts = [...cells.subarray(at, at + DURATION_CELLS - 1)]
  return { bounds: durationBounds, counts, sum: cells[at + DURATION_CELLS - 1]! }
}
