import type { DnsAnswerCounts } from "../../dns/listener"
import type { LookupCounts } from "../../dns/resolver"
import { byLabel, counter, type Family } from "../../metrics/family"

export type DnsReadings = {
  counts: () => { lookups: LookupCounts; answers: DnsAnswerCounts }
  /** Whether a zone is served here; without one there is nothing to tell of answers. */
  isServed: boolean
}

/** DNS both ways. */
export function dnsFamilies({ counts, isServed }: DnsReadings): Family[] {
  const asked = [
    byLabel(
      "counter",
      "freehold_dns_lookups_total",
      "Look-ups of our resolver, by result: ok, also where a name or record is not there, or why the look-up as a whole went wrong.",
      "result",
      () => counts().lookups.results,
    ),
    counter("freehold_dns_queries_sent_total", "Queries sent to name servers.", () => counts().lookups.queries),
    counter(
      "freehold_dns_servers_silent_total",
      "Questions to a name server that it did not reply to at any try.",
      () => counts().lookups.unanswered,
    ),
  ]
  const answered: Family[] = [
    {
      name: "freehold_dns_answers_total",
      help: "Queries that our zones' server answered, by transport and kind of answer.",
      labels: ["transport", "kind"],
      type: "counter",
      read: () => counts().answers.answers.map(({ transport, kind, count }) => ({ labels: { transport, kind }, value: count })),
    },
    counter("freehold_dns_queries_ignored_total", "Messages that our zones' server could not answer.", () => counts().answers.unanswered),
    byLabel(
      "counter",
      "freehold_dns_answers_limited_total",
      "Answers over UDP beyond the rate of their network: left out (drop), or cut so that the client asks over TCP (cut).",
      "action",
      () => counts().answers.limited,
    ),
  ]
  return isServed ? [...asked, ...answered] : asked
}
