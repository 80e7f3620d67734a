import type { Verdict } from "./check"

/** What is left of a limit on orders of certificates, in words; `closedUntil` stands where a directory asked to be left alone. */
export type LimitLeft = {
  kind: string
  subject: string
  left: number | undefined
  capacity: number | undefined
  closedUntil: number | undefined
  sentence: string
}

const remedies: Record<string, (subject: string) => string> = {
  failures: (subject) => `“freehold doctor ${subject}” says why its validations fail; mend that, for waiting alone helps nothing.`,
  name: (subject) => `Find out who has ${subject} certified again and again; what is waiting is ordered by itself.`,
  domain: (subject) =>
    `New names of ${subject} are ordered by themselves when there is room; a wildcard covers many by one certificate, and FREEHOLD_ACME_FALLBACK_DIRECTORY names a second authority.`,
  orders: () => "What is waiting is ordered by itself; FREEHOLD_ACME_FALLBACK_DIRECTORY names a second authority.",
  handshakes: () => "See in the log which names handshakes ask for; if they are wanted, raise FREEHOLD_HANDSHAKE_BUDGET.",
  domain_handshakes: (subject) =>
    `See in the log which names of ${subject} handshakes ask for; if they are wanted, raise FREEHOLD_HANDSHAKE_DOMAIN_BUDGET.`,
}

/** Whether the limits on orders leave room, by those of which little is left; the emptiest come first. What is used up keeps no renewal waiting at Let's Encrypt. */
export function checkLimits(scarce: LimitLeft[]): Verdict {
  const [first] = scarce
  if (first === undefined) return { status: "ok", verdict: "No limit on orders of certificates is near its end." }
  const isUsedUp = ({ left, closedUntil }: LimitLeft) => closedUntil !== undefined || left === 0
  const usedUp = scarce.filter(isUsedUp).length
  const others = [
    ...(usedUp > 1 ? [`${usedUp - 1} more used up`] : []),
    ...(scarce.length - usedUp > (usedUp === 0 ? 1 : 0) ? [`${scarce.length - usedUp - (usedUp === 0 ? 1 : 0)} more nearly so`] : []),
  ]
  const rest = others.length === 0 ? "" : `; ${others.join(", ")}, which “freehold certificates limits” lists`
  const state = usedUp > 0 ? "A limit is used up" : "A limit is nearly used up"
  return {
    status: usedUp > 0 ? "warn" : "ok",
    verdict: `${state}: ${first.sentence.replace(/\.$/, "")}${rest}.`,
    remedy: remedies[first.kind]?.(first.subject) ?? "Nothing is to be done: what is waiting is ordered by itself then.",
  }
}

/** What preflight says of the limits on an order for one name; undefined where all of them have plenty. */
export function checkLimitsFor(name: string, found: { severity: string; sentence: string; fix: string | null } | undefined): Verdict {
  if (found === undefined) return { status: "ok", verdict: `No limit on orders stands in the way of a certificate for ${name}.` }
  return {
    status: found.severity === "notice" ? "ok" : "warn",
    verdict: found.sentence,
    ...(found.fix === null ? {} : { remedy: found.fix }),
  }
}
