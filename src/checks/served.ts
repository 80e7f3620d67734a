import { list } from "./addresses"
import type { Verdict } from "./check"

/** What the watchdog has seen: names in all, those it has looked at, and those that are not served what the store has. */
export type ServedCounts = { total: number; seen: number; trouble: number; examples: string[]; stalledSince: number | undefined }

/** Whether visitors are served the certificates that the store has, by the last look at each name. */
export function checkServed({ total, seen, trouble, examples, stalledSince }: ServedCounts): Verdict {
  if (stalledSince !== undefined)
    return {
      status: "bad",
      verdict: `The watchdog has looked at no name since ${new Date(stalledSince).toISOString().slice(0, 16).replace("T", " ")} UTC.`,
      remedy: "Restart Freehold, and read in its log why the watchdog's turn failed.",
    }
  if (trouble > 0)
    return {
      status: "bad",
      verdict: `${trouble} of ${total} names ${trouble === 1 ? "is" : "are"} not served with the certificate of the store: ${list(examples)}${trouble > examples.length ? " and others" : ""}.`,
      remedy: `“freehold doctor ${examples[0] ?? "HOSTNAME"}” says what visitors are served; if it stays so, restart Freehold.`,
    }
  if (seen < total)
    return {
      status: "ok",
      verdict: `${seen} of ${total} names were looked at and are served as they should be; the others follow within a day of their coming.`,
    }
  return {
    status: "ok",
    verdict: total === 0 ? "There is no name to look at yet." : `All of ${total} names are served with the certificate of the store.`,
  }
}
