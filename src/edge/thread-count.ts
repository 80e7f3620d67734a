import { availableParallelism } from "node:os"

/** Beyond this more threads have more memory and fewer resumed sessions, and a house has no line that could fill them. */
const MOST_BY_DEFAULT = 8

/**
 * How many threads the edge has: what is set, else half as many as the cores this process may use (1 for two cores, 2 for four), since the
 * applications behind it run on the same machine.
 */
export function threadCount(set: number | undefined, cores = availableParallelism()): number {
  return set ?? Math.min(MOST_BY_DEFAULT, Math.max(1, Math.floor(cores / 2)))
}
