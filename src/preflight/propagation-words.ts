import type { ServerAnswer } from "../dns/lookup"
import { serverAt } from "./lookups"
import type { AuthorityView, RecordReport, RecursiveView, WantedRecord } from "./propagation"
import { enumerate } from "./report"

type Facts = Pick<RecordReport, "record" | "propagated" | "authorities" | "recursives"> & { problem: string | undefined; viaDoh: boolean }

/** Why a record counts as there or not, and what resolvers still have in its place. */
export function explainRecord({ record, propagated, authorities, recursives, problem, viaDoh }: Facts): string {
  const what = `the ${record.type} record of ${record.host}`
  const failing = authorities.filter(({ outcome }) => !["answer", "nodata", "nxdomain"].includes(outcome))
  const parts: string[] = []
  if (propagated && viaDoh) parts.push(`${authorities[0]?.server ?? "A resolver"} shows ${what}; what it says may be cached.`)
  else if (propagated) {
    const others = failing.length === 0 ? "" : `; ${byWhatTheySay(failing, record)}`
    parts.push(`Every name server that answers shows ${what}${others}.`)
  } else if (problem !== undefined) parts.push(problem)
  else
    parts.push(
      `Not every name server shows ${what} yet: ${byWhatTheySay(
        authorities.filter(({ matches }) => !matches),
        record,
      )}.`,
    )
  for (const view of recursives) {
    const still = propagated ? staleAt(view, record) : undefined
    if (still !== undefined) parts.push(still)
  }
  return parts.join(" ")
}

function byWhatTheySay(views: AuthorityView[], record: WantedRecord): string {
  const groups = Map.groupBy(views, (view) => said(view, record))
  return [...groups]
    .map(([what, by]) => `${enumerate([...new Set(by.map(({ server, address }) => serverAt(server, address)))])} ${what}`)
    .join("; ")
}

function said({ outcome, values }: AuthorityView, record: WantedRecord): string {
  switch (outcome) {
    case "answer":
      return `has ${values.map((value) => (record.type === "TXT" ? JSON.stringify(value.slice(0, 80)) : value)).join(", ")}`
    case "nodata":
    case "nxdomain":
      return "has none"
    default:
      return failures[outcome]
  }
}

const failures: Record<Exclude<ServerAnswer["outcome"], "answer" | "nodata" | "nxdomain">, string> = {
  servfail: "answers with an error",
  refused: "refuses to answer",
  lame: "does not serve the zone",
  malformed: "sends an answer that cannot be read",
  unreachable: "could not be reached",
}

/** What a resolver has that is not what it should: nothing is said of one that could not be asked. */
function staleAt({ resolver, outcome, values, ttl_left: left, matches }: RecursiveView, { type }: WantedRecord): string | undefined {
  if (matches) return undefined
  const until = left === null ? "" : ` for ${duration(left)}`
  if (outcome === "answer") return `${resolver} still has the old ${type} record ${values.join(", ").slice(0, 200)}${until}.`
  if (outcome === "nodata" || outcome === "nxdomain") return `${resolver} still remembers${until} that there was no such record.`
  return undefined
}

/** Seconds for people: `45 seconds`, `41 minutes`, `3 hours`. */
export function duration(seconds: number): string {
  const [count, unit] =
    seconds < 90 ? [seconds, "second"] : seconds < 5400 ? [Math.round(seconds / 60), "minute"] : [Math.round(seconds / 3600), "hour"]
  return `${count} ${unit}${count === 1 ? "" : "s"}`
}

/**
 * What moved away, in one line: `A record now 203.0.113.9, ours is 198.51.100.4`. `before` are reports of when all was well, or undefined where nothing is
 * known of then; records that were missing already are no cause. Undefined where nothing drifted, or nobody could be asked.
 */
export function driftCause(before: RecordReport[] | undefined, now: RecordReport[]): string | undefined {
  const wasThere = ({ record }: RecordReport) =>
    before === undefined ||
    before.some(
      (one) => one.propagated && one.record.host === record.host && one.record.type === record.type && one.record.value === record.value,
    )
  const gone = now.filter(
    (report) =>
      !report.propagated &&
      wasThere(report) &&
      report.authorities.some(({ outcome }) => ["answer", "nodata", "nxdomain"].includes(outcome)),
  )
  const hosts = new Set(now.map(({ record }) => record.host))
  const causes = gone.map(({ record, observed_value: value }) => {
    const where = hosts.size > 1 ? ` of ${record.host}` : ""
    if (value === null) return `${record.type} record${where} is gone, ours is ${record.value}`
    return `${record.type} record${where} now ${value}, ours is ${record.value}`
  })
  return causes.length === 0 ? undefined : causes.join("; ")
}
