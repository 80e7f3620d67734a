import { failuresPerHour } from "../acme/order-ledger"
import type { Limit } from "./bucket"

/**
 * What a limit counts. `accounts` are counted by address and `orders` by account, both one for us; `domain` counts certificates by registered domain,
 * `name` those for exactly the same name, `failures` failed validations by hostname. `directory` has no number: it is closed while a busy one said so.
 * `handshakes` and `domain_handshakes` are budgets of our own: orders that a handshake made us send, in all and by registered domain.
 */
export const limitKinds = ["directory", "accounts", "orders", "domain", "name", "failures", "handshakes", "domain_handshakes"] as const
export type LimitKind = (typeof limitKinds)[number]

/** The limits of a directory. `free`: what an order of a kind other than new is not counted by. */
export type DirectoryLimits = {
  limits: Partial<Record<LimitKind, Limit>>
  free: { renewal: LimitKind[]; announced: LimitKind[] }
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const WEEK_MS = 7 * DAY_MS

/** What the settings say in place of what is known. */
export type LimitSettings = { orders: number; domain: number | undefined }

const renewalsAtLetsEncrypt: DirectoryLimits["free"] = {
  renewal: ["orders", "domain"],
  announced: ["orders", "domain", "name", "failures"],
}

/** Where our own budgets are booked: beside the directories, and like them. */
export const ownBooks = "freehold"

/** Our own budgets: orders made at handshakes, in an hour and, of one registered domain, in a day. */
export const ownLimits = (budgets: { handshakes: number; domainHandshakes: number }): DirectoryLimits => ({
  limits: {
    handshakes: { capacity: budgets.handshakes, perMs: HOUR_MS },
    domain_handshakes: { capacity: budgets.domainHandshakes, perMs: DAY_MS },
  },
  free: { renewal: [], announced: [] },
})

/** By the host of the directory: letsencrypt.org/docs/rate-limits and /docs/staging-environment, as of June 2025. */
const known: Record<string, DirectoryLimits> = {
  "acme-v02.api.letsencrypt.org": {
    limits: {
      accounts: { capacity: 10, perMs: 3 * HOUR_MS },
      orders: { capacity: 300, perMs: 3 * HOUR_MS },
      domain: { capacity: 50, perMs: WEEK_MS },
      name: { capacity: 5, perMs: WEEK_MS },
      failures: { capacity: failuresPerHour, perMs: HOUR_MS },
    },
    free: renewalsAtLetsEncrypt,
  },
  "acme-staging-v02.api.letsencrypt.org": {
    limits: {
      accounts: { capacity: 50, perMs: 3 * HOUR_MS },
      orders: { capacity: 1500, perMs: 3 * HOUR_MS },
      domain: { capacity: 30_000, perMs: WEEK_MS },
      name: { capacity: 30_000, perMs: WEEK_MS },
      failures: { capacity: 60, perMs: HOUR_MS },
    },
    free: renewalsAtLetsEncrypt,
  },
}

/** A directory that is not known has those that the settings give, and a bound on failures, for failing again and again is welcome nowhere. */
export function limitsOf(directoryUrl: string, settings: LimitSettings): DirectoryLimits {
  const host = URL.canParse(directoryUrl) ? new URL(directoryUrl).hostname : ""
  const { limits, free } = known[host] ?? {
    limits: { failures: { capacity: failuresPerHour, perMs: HOUR_MS } },
    free: { renewal: [], announced: [] },
  }
  const domain = settings.domain === undefined ? {} : { domain: { capacity: settings.domain, perMs: WEEK_MS } }
  return { limits: { ...limits, orders: { capacity: settings.orders, perMs: 3 * HOUR_MS }, ...domain }, free }
}
