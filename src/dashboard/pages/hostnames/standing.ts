import type { Tone } from "../../parts/classes"
import { hostnames } from "../../words/hostnames"
import { type ConnectionSummary, type Container, type Mapping, problemText } from "./model"

/** How a hostname stands, for people: a few words, why, and since when it has been waiting. */
export type Standing = { tone: Tone; label: string; reason?: string; since?: string; group: "live" | "waiting" | "trouble" | "archived" }

/** Which container a mapping leads to; undefined while nobody knows, null where it is gone. */
export type Target = Container | null | undefined

const words = hostnames.state
const waiting = (label: string, rest: Partial<Standing> = {}): Standing => ({ tone: "warn", label, group: "waiting", ...rest })
const trouble = (label: string, reason?: string | null): Standing => ({
  tone: "bad",
  label,
  group: "trouble",
  ...(reason ? { reason } : {}),
})

export function standingOfMapping({ status, certificate, detail, created_at }: Mapping, target: Target): Standing {
  if (status === "failed") return trouble(words.failed, detail)
  if (status === "pending") return waiting(words.pending, { since: created_at, ...(detail === undefined ? {} : { reason: detail }) })
  if (certificate?.state === "backing_off" && certificate.put_off === true)
    return { tone: "info", label: words.issuing, reason: problemText(certificate.problem ?? ""), since: created_at, group: "waiting" }
  if (certificate?.state === "backing_off") return trouble(words.backingOff, problemText(certificate.problem ?? ""))
  if (certificate?.state !== "issued") return { tone: "info", label: words.issuing, group: "waiting", since: created_at }
  if (target === null) return trouble(words.targetGone, hostnames.targetGone)
  if (certificate.problem !== undefined && certificate.put_off !== true)
    return { ...trouble(words.renewal, problemText(certificate.problem)), tone: "warn" }
  if (target !== undefined && target.status !== "running")
    return { ...trouble(words.targetStopped, hostnames.targetStopped(target.name, target.status)), tone: "warn" }
  return { tone: "good", label: words.live, group: "live" }
}

export function standingOfConnection({ state, error_detail, created_at }: ConnectionSummary): Standing {
  const rest = { since: created_at, ...(error_detail === null ? {} : { reason: error_detail }) }
  switch (state) {
    case "live":
      return { tone: "good", label: words.live, group: "live" }
    case "drifted":
      return trouble(words.drifted, error_detail)
    case "failed":
      return trouble(words.failed, error_detail)
    case "stalled":
      return trouble(words.stalled, error_detail)
    case "archived":
      return { tone: "neutral", label: words.archived, group: "archived" }
    case "issuing_cert":
      return { tone: "info", label: words.issuing, group: "waiting", ...rest }
    case "dns_writing":
      return { tone: "info", label: words.writing, group: "waiting", ...rest }
    case "verified":
    case "propagating":
      return waiting(words.records, rest)
    default:
      return waiting(words.ownership, rest)
  }
}
