import type { LinkRecord, LinkView } from "./links"

/** Where the connection stands, in plain words; `look` is what it is shown as. */
export type Standing = { look: "waiting" | "done" | "trouble"; title: string; text: string }

/** One sentence on the state, and what to do next. */
export function standingOf(view: LinkView): Standing {
  const { hostname, application, state, errorCode, errorDetail } = view
  const found = view.records.filter((record) => record.found).length
  const count = `${found} of ${view.records.length} records found.`
  const trouble = (title: string, text: string): Standing => ({ look: "trouble", title, text })
  const waiting = (title: string, text: string): Standing => ({ look: "waiting", title, text })
  if (state === "live")
    return {
      look: "done",
      title: `${hostname} is connected`,
      text: "Every record is there, and so is the certificate. Nothing is left to do.",
    }
  if (state === "drifted") return trouble("A record has changed", errorDetail ?? "The records are not as they were.")
  if (state === "failed")
    return trouble("We have stopped looking", "The records did not appear in time. Add them, then press “Check now”: that starts it again.")
  if (errorCode === "HostnameConflict")
    return trouble("This name is taken", `${hostname} is already connected elsewhere. Ask ${application} to release it.`)
  if (errorCode === "preflight_blocked" || errorCode === "certificate_failed")
    return trouble("Something stands in the way", errorDetail ?? "The certificate could not be issued yet.")
  if (state === "stalled")
    return waiting("This takes unusually long", `${count} Compare them with what your provider shows; we look again every half hour.`)
  if (state === "issuing_cert" && errorDetail !== null)
    return waiting("Almost done", `Every record is there. The certificate comes by itself: ${errorDetail.replace(/\.$/, "")}.`)
  if (state === "issuing_cert") return waiting("Almost done", "Every record is there. The certificate is being issued now.")
  if (state === "dns_writing")
    return waiting("The records are being set", "They are written at your provider by themselves; there is nothing to do.")
  return waiting("Waiting for the records", `${count} New ones are usually seen within a minute or two; we look by ourselves too.`)
}

/** What a record is for. */
export const purposes: Record<LinkRecord["purpose"], string> = {
  ownership: "Shows that the domain is yours",
  address: "Leads visitors to the right place",
}

/** Whether a record is there, and what is there instead. */
export function findingOf({ found, seen }: LinkRecord): string {
  if (found) return "Found"
  return seen === "" ? "Not seen yet" : `Not yet: it says ${seen} at the moment`
}

/** What to type into the provider's form for the name. */
export const fieldOf = ({ hostField }: LinkRecord) => (hostField === "" ? "(leave empty)" : hostField)

/** `2026-11-29 14:03 UTC`. */
export const momentOf = (ms: number) => `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`

/** The page as a text that can be pasted into a letter or a ticket. */
export function linkText(view: LinkView): string {
  const { hostname, application, provider, panelUrl, records } = view
  const { title, text } = standingOf(view)
  const steps = records.map((record, index) => {
    const full = record.hostField === record.host ? "" : `   (in full: ${record.host})`
    const priority = record.priority === undefined ? "" : `\n   Priority:  ${record.priority}`
    return `${index + 1}. ${record.type} record [${findingOf(record)}] ${purposes[record.purpose]}
   Name:      ${fieldOf(record)}${full}
   Value:     ${record.value}${priority}
   TTL:       ${record.ttl} seconds`
  })
  return `Connect ${hostname} to ${application}

${title}. ${text}

Add these records at ${provider ?? "the domain's DNS provider"}${panelUrl === null ? "" : ` (${panelUrl})`}:

${steps.join("\n\n")}

Other records of the domain stay as they are. This page works until ${momentOf(view.expiresAt)}.
`
}
