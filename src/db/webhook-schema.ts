import type { Generated } from "kysely"

/** The tables of webhooks; times are Unix milliseconds. */
export interface WebhookSchema {
  webhookEndpoints: WebhookEndpointRow
  webhookEvents: WebhookEventTable
  webhookDeliveries: WebhookDeliveryRow
  webhookAttempts: WebhookAttemptTable
}

export interface WebhookEndpointRow {
  id: string
  personId: string
  environment: "test" | "live"
  url: string
  /** JSON list of event types; an empty one stands for all. */
  events: string
  sealedSecret: string
  createdAt: number
  /** Null while it is sent to. */
  disabledAt: number | null
}

/** What happened, as it is told to every endpoint; `seq` is the order in which things happened. */
export interface WebhookEventTable {
  seq: Generated<number>
  id: string
  personId: string
  environment: "test" | "live"
  type: string
  /** The connection; null for an event that is about none. */
  jobId: string | null
  /** JSON object. */
  data: string
  createdAt: number
}

/** One event on its way to one endpoint. */
export interface WebhookDeliveryRow {
  id: string
  endpointId: string
  eventId: string
  seq: number
  jobId: string | null
  status: "pending" | "retrying" | "delivered" | "failed"
  /** How often it was asked for: a replay begins the next series. */
  series: number
  /** Finished tries of this series. */
  attempts: number
  /** Null when it is delivered or failed. */
  nextAttemptAt: number | null
  /** The HTTP status of the last try; null where there was no answer. */
  lastStatus: number | null
  lastError: string | null
  createdAt: number
  deliveredAt: number | null
}

export interface WebhookAttemptTable {
  id: Generated<number>
  deliveryId: string
  at: number
  status: number | null
  error: string | null
  durationMs: number
  /** The beginning of what the receiver answered. */
  reply: string
}
