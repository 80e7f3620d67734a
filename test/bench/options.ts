import { parseArgs } from "node:util"

/** What `scripts/bench edge` was asked for. */
export type EdgeOptions = { json: boolean; markdown: boolean; cases: string[] | undefined; runs: number; seconds: number }

/** Throws with a sentence for the person at the terminal. */
export function parseEdgeOptions(args: string[]): EdgeOptions {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: "boolean" },
      markdown: { type: "boolean" },
      case: { type: "string" },
      runs: { type: "string" },
      seconds: { type: "string" },
    },
  })
  const cases = values.case?.split(",").map((name) => name.trim())
  return {
    json: values.json === true,
    markdown: values.markdown === true,
    cases,
    runs: positive("runs", values.runs, 3),
    seconds: positive("seconds", values.seconds, 5),
  }
}

/** How many minutes `scripts/bench soak` lasts; at least three, or its memory could not be compared. */
export function parseSoakMinutes(args: string[]): number {
  const { values } = parseArgs({ args, options: { minutes: { type: "string" } } })
  const minutes = positive("minutes", values.minutes, 10)
  if (minutes < 3) throw new Error("--minutes must be 3 or more: memory is compared from the second minute on")
  return minutes
}

/** How many connections `scripts/bench connect` takes to live. */
export function parseCount(args: string[]): number {
  const { values } = parseArgs({ args, options: { count: { type: "string" } } })
  return positive("count", values.count, 1000, 10_000)
}

/** Throws with a sentence that names the option. */
export function positive(name: string, text: string | undefined, otherwise: number, most = 1000): number {
  const value = text === undefined ? otherwise : Number(text)
  if (!Number.isInteger(value) || value < 1 || value > most) throw new Error(`--${name} must be a whole number from 1 to ${most}`)
  return value
}
