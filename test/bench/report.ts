/** What decides whether a line meets its goal: a bound on the ratio or on our own figure. */
export type Goal = { of: "ratio" | "ours"; min?: number; max?: number; text: string }

/** One comparison. Figures are medians; `ratio` is ours / theirs, and `theirs` is undefined where a goal stands by itself. */
export type Result = {
  case: string
  peer: string
  unit: string
  ours: number
  theirs?: number
  ratio?: number
  goal?: Goal
  /** Anything else worth knowing, such as memory. */
  extra?: Record<string, number | string | boolean>
}

/** A comparison that could not be made, and why. */
export type Omission = { case: string; peer: string; reason: string }

/** Where results go as they come: a table for people, or one JSON object a line. */
export type Report = { head(machine: Record<string, string>): void; add(entry: Result | Omission): void }

/** At least this good: the goal of throughputs. */
export const atLeast = (min: number): Goal => ({ of: "ratio", min, text: `≥ ${min}` })

/** At most this much: the goal of times and memory. */
export const atMost = (max: number): Goal => ({ of: "ratio", max, text: `≤ ${max}` })

/** A bound on our own figure, whatever the peer's is. */
export const ownAtMost = (max: number, unit: string): Goal => ({ of: "ours", max, text: `ours ≤ ${max} ${unit}` })

/** Undefined where there is no goal. */
export function isMet(result: Result): boolean | undefined {
  const { goal } = result
  const value = goal?.of === "ours" ? result.ours : result.ratio
  if (goal === undefined || value === undefined) return undefined
  return value >= (goal.min ?? Number.NEGATIVE_INFINITY) && value <= (goal.max ?? Number.POSITIVE_INFINITY)
}

/** One object a line, each a comparison or an omission; the machine goes to standard error, so that every line has the same fields. */
export function jsonReport(write: (line: string) => void): Report {
  return {
    head: (machine) => console.error(JSON.stringify({ machine })),
    add(entry) {
      if ("reason" in entry)
        return write(JSON.stringify({ case: entry.case, peer: entry.peer, ours: null, theirs: null, ratio: null, omitted: entry.reason }))
      const { ours, theirs, ratio, goal, extra, ...rest } = entry
      const figures = {
        ours: round(ours),
        theirs: theirs === undefined ? null : round(theirs),
        ratio: ratio === undefined ? null : round(ratio),
      }
      write(
        JSON.stringify({
          case: rest.case,
          peer: rest.peer,
          ...figures,
          unit: rest.unit,
          goal: goal?.text ?? null,
          met: isMet(entry) ?? null,
          ...Object.fromEntries(
            Object.entries(extra ?? {}).map(([name, value]) => [name, typeof value === "number" ? round(value) : value]),
          ),
        }),
      )
    },
  }
}

/** Columns of fixed width, written line by line. */
export function tableReport(write: (line: string) => void): Report {
  const columns = (cells: string[]) =>
    cells.map((cell, index) => (index < 2 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0))).join("  ")
  const widths = [16, 14, 11, 11, 10, 7, 20, 4]
  return {
    head(machine) {
      for (const [name, value] of Object.entries(machine)) write(`${name.padEnd(10)} ${value}`)
      write("")
      write(columns(["case", "peer", "ours", "theirs", "unit", "ratio", "goal", "met"]))
    },
    add(entry) {
      if ("reason" in entry) return write(`${columns([entry.case, entry.peer])}  not measured: ${entry.reason}`)
      const met = isMet(entry)
      const [theirs, ratio] = [entry.theirs, entry.ratio].map((value) => (value === undefined ? "–" : show(value)))
      const verdict = met === undefined ? "" : met ? "yes" : "NO"
      write(columns([entry.case, entry.peer, show(entry.ours), theirs ?? "", entry.unit, ratio ?? "", entry.goal?.text ?? "", verdict]))
      for (const [name, value] of Object.entries(entry.extra ?? {}))
        write(`${" ".repeat(18)}${name}: ${typeof value === "number" ? show(value) : value}`)
    },
  }
}

/** A table in Markdown, for the documents. */
export function markdownReport(write: (line: string) => void): Report {
  const row = (cells: string[]) => write(`| ${cells.join(" | ")} |`)
  return {
    head(machine) {
      for (const [name, value] of Object.entries(machine)) write(`- ${name}: ${value}`)
      write("")
      row(["case", "peer", "ours", "theirs", "unit", "ratio", "goal", "met", "besides"])
      row(Array.from({ length: 9 }, () => "---"))
    },
    add(entry) {
      if ("reason" in entry) return row([entry.case, entry.peer, "", "", "", "", "", "", `not measured: ${entry.reason}`])
      const met = isMet(entry)
      const besides = Object.entries(entry.extra ?? {}).map(([name, value]) => `${name} ${typeof value === "number" ? show(value) : value}`)
      const [theirs, ratio] = [entry.theirs, entry.ratio].map((value) => (value === undefined ? "" : show(value)))
      const verdict = met === undefined ? "" : met ? "yes" : "**no**"
      row([entry.case, entry.peer, show(entry.ours), theirs!, entry.unit, ratio!, entry.goal?.text ?? "", verdict, besides.join(", ")])
    },
  }
}

const round = (value: number) => Number(value.toPrecision(5))

const show = (value: number) => (Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(3))))
