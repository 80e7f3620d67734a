import type { LogChunk } from "./log-stream"

/** A place where the words that are looked for stand. */
export type Match = { line: number; at: number }

/** Where a text stands in a line, whatever the case. */
export function placesIn(text: string, wanted: string): number[] {
  const found: number[] = []
  if (wanted === "") return found
  const low = text.toLowerCase()
  for (let at = low.indexOf(wanted); at !== -1; at = low.indexOf(wanted, at + wanted.length)) found.push(at)
  return found
}

/** Every match, the oldest first. `wanted` is in lower case. */
export const matchesIn = (chunks: LogChunk[], wanted: string): Match[] =>
  wanted === ""
    ? []
    : chunks.flatMap(({ lines }) => lines.flatMap(({ number, text }) => placesIn(text, wanted).map((at) => ({ line: number, at }))))
