import type { LimitKind } from "./directory-limits"

const MINUTE_MS = 60_000

/** A span of time as people say it, in at most two units: `40 s`, `3 h 22 min`, `2 days 4 h`. Rounded up, so that whoever waits so long waits long enough. */
export function span(ms: number): string {
  if (ms <= MINUTE_MS) return `${Math.max(1, Math.ceil(ms / 1000))} s`
  const minutes = Math.ceil(ms / MINUTE_MS)
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60]
  const parts =
    days > 0
      ? [`${days} ${days === 1 ? "day" : "days"}`, hours > 0 ? `${hours} h` : ""]
      : [hours > 0 ? `${hours} h` : "", rest > 0 ? `${rest} min` : ""]
  return parts.filter(Boolean).join(" ")
}

/** A moment, UTC, to the minute. */
export const moment = (at: number): string =>
  `${new Date(Math.ceil(at / MINUTE_MS) * MINUTE_MS).toISOString().slice(0, 16).replace("T", " ")} UTC`

/** How long a limit looks back, after a number. */
function period(perMs: number, week = "a week"): string {
  const hours = perMs / 3_600_000
  if (hours === 168) return week
  return hours === 1 ? "an hour" : `in ${span(perMs)}`
}

const things: Record<Exclude<LimitKind, "directory">, string> = {
  accounts: "new accounts",
  orders: "orders",
  domain: "certificates",
  name: "certificates",
  failures: "failed validations",
  handshakes: "orders at handshakes",
  domain_handshakes: "orders at handshakes",
}

export type Counted = { kind: LimitKind; subject: string; ca: string; now: number }

/** What is left of a limit, and when there is more: `3 of 50 certificates left this week for example.com at Let's Encrypt, one more in 3 h 22 min`. */
export function leftInWords(
  { kind, subject, ca, now }: Counted,
  left: number,
  limit: { capacity: number; perMs: number },
  nextAt: number | undefined,
): string {
  const whom = subject === "" ? "" : ` for ${kind === "name" ? `exactly ${subject}` : subject}`
  const more = nextAt === undefined ? "" : `, ${left === 0 ? "the next one" : "one more"} in ${span(nextAt - now)}`
  return `${left} of ${limit.capacity} ${kind === "directory" ? "questions" : things[kind]} left ${period(limit.perMs, "this week")}${whom} at ${ca}${more}`
}

/** Why an order is not sent, and when it will be. */
export function putOffInWords(
  { kind, subject, ca, now }: Counted,
  limit: { capacity: number; perMs: number } | undefined,
  isSpared: boolean,
  at: number,
  said: string | undefined,
): string {
  const isOurs = kind === "handshakes" || kind === "domain_handshakes"
  const when = `${isOurs ? "the next may be made" : "it is ordered"} at ${moment(at)}, in ${span(at - now)}`
  if (said !== undefined)
    return `${ca} takes no orders${subject === "" ? "" : ` for ${subject}`} until ${moment(at)} (it said: ${said}); ${when}`
  if (limit === undefined) return `${ca} is to be left alone until ${moment(at)}; ${when}`
  const whom = subject === "" ? "" : ` for ${kind === "name" ? `exactly ${subject}` : subject}`
  const thing = kind === "directory" ? "questions" : things[kind]
  const state = isSpared ? "the last tenth of them is kept for renewals" : "they are used up"
  return `${ca} allows ${limit.capacity} ${thing} ${period(limit.perMs)}${whom}, and ${state}; ${when}`
}
