import type { Generated } from "kysely"

/** What the watchdog and the alerts remember. */
export interface WatchSchema {
  servedNames: ServedNameRow
  alertEpisodes: AlertEpisodeRow
  alertDeliveries: AlertDeliveryTable
}

/** How the edge served a certificate's name when it was last looked at. */
export interface ServedNameRow {
  hostname: string
  state: "unseen" | "ok" | "differs" | "refused" | "unreachable"
  detail: string | null
  /** Since when it is in this state. */
  since: number
  checkedAt: number | null
  nextCheckAt: number
}

/** Trouble that goes on. */
export interface AlertEpisodeRow {
  /** The kind and the subject. */
  id: string
  kind: string
  severity: "bad" | "warn"
  subject: string
  reason: string
  step: string
  since: number | null
  openedAt: number
}

/** A notice on its way to one receiver. */
export interface AlertDeliveryTable {
  id: Generated<number>
  receiver: string
  /** JSON. */
  notice: string
  attempts: number
  nextAttemptAt: number
  createdAt: number
}
