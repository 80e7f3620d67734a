import { AppError } from "../errors"
import type { WebhookAttemptTable, WebhookDeliveryRow, WebhookEndpointRow } from "../db/webhook-schema"

export type Environment = "test" | "live"

/** Who asks: their person, and the environment their key is for; undefined sees both. */
export type Caller = { personId: string; environment: Environment | undefined }

/** What an endpoint may ask for; `webhook.test` is sent by request alone. */
export const eventTypes = [
  "domain.added",
  "domain.verified",
  "ssl.issued",
  "domain.flow.completed",
  "domain.drift",
  "domain.recovered",
] as const

export type EventType = (typeof eventTypes)[number]

export const testEventType = "webhook.test"

/** Something that happened, for every endpoint of its person and environment that asked for the type; `at` in Unix milliseconds. */
export type NewEvent = {
  personId: string
  environment: Environment
  type: EventType
  /** The connection: events of one are delivered in order. */
  jobId: string
  data: Record<string, unknown>
  at: number
}

export const deliveryStatuses = ["pending", "retrying", "delivered", "failed"] as const

export type DeliveryStatus = (typeof deliveryStatuses)[number]

/** What may be said of an endpoint; what is missing stays, or has its default. */
export type EndpointChange = { url?: string; events?: EventType[]; disabled?: boolean }

export type EndpointReply = {
  id: string
  url: string
  events: string[]
  environment: Environment
  disabled: boolean
  created_at: string
}

/** A delivery as lists show it; `attempts` counts the tries since it was last asked for. */
export type DeliveryReply = {
  id: string
  endpoint_id: string
  event_id: string
  type: string
  job_id: string | null
  status: DeliveryStatus
  attempts: number
  next_retry_at: string | null
  last_status: number | null
  last_error: string | null
  created_at: string
  delivered_at: string | null
}

/** One try: the receiver's HTTP status or what kept it from giving one, and the beginning of its answer. */
export type AttemptReply = { at: string; status: number | null; error: string | null; duration_ms: number; reply: string }

export type DeliveryDetail = DeliveryReply & { data: unknown; history: AttemptReply[] }

export type DeliveryWithType = WebhookDeliveryRow & { type: string }

const minuteMs = 60_000
const retries = 6
const longestPauseMs = 60 * minuteMs
const maxUrlLength = 2048

/** Milliseconds until the try after the `attempts`th: 1, 2, 4, 8, 16 and 32 minutes; undefined when there is none. */
export function pauseAfter(attempts: number): number | undefined {
  return attempts > retries ? undefined : Math.min(longestPauseMs, 2 ** (attempts - 1) * minuteMs)
}

/** RFC 3339 in UTC, in whole seconds. */
export const instant = (at: number) => new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z")

const maybeInstant = (at: number | null) => (at === null ? null : instant(at))

/** The body that is sent, as text; `sent_at` is the time of this try, `id` is the same whenever the event is sent. */
export function envelope(event: { id: string; type: string; jobId: string | null; data: string }, sentAt: number): string {
  const { id, type, jobId } = event
  return JSON.stringify({ id, type, jobId, data: JSON.parse(event.data) as unknown, sent_at: instant(sentAt) })
}

export function endpointReply(row: WebhookEndpointRow): EndpointReply {
  const { id, url, environment, disabledAt } = row
  const events = JSON.parse(row.events) as string[]
  return { id, url, events, environment, disabled: disabledAt !== null, created_at: instant(row.createdAt) }
}

export function deliveryReply(row: DeliveryWithType): DeliveryReply {
  return {
    id: row.id,
    endpoint_id: row.endpointId,
    event_id: row.eventId,
    type: row.type,
    job_id: row.jobId,
    status: row.status,
    attempts: row.attempts,
    next_retry_at: row.status === "retrying" ? maybeInstant(row.nextAttemptAt) : null,
    last_status: row.lastStatus,
    last_error: row.lastError,
    created_at: instant(row.createdAt),
    delivered_at: maybeInstant(row.deliveredAt),
  }
}

export function attemptReply(row: Omit<WebhookAttemptTable, "id">): AttemptReply {
  return { at: instant(row.at), status: row.status, error: row.error, duration_ms: row.durationMs, reply: row.reply }
}

/** The fields that were given, parsed; throws `invalid`, naming the field and its rule. */
export function parseChange(body: Record<string, unknown>): EndpointChange {
  const { url, events, disabled } = body
  if (disabled !== undefined && typeof disabled !== "boolean") throw new AppError("invalid", "disabled must be true or false")
  return {
    ...(url === undefined ? {} : { url: parseUrl(url) }),
    ...(events === undefined ? {} : { events: parseEvents(events) }),
    ...(disabled === undefined ? {} : { disabled }),
  }
}

/** The environment of a new endpoint: that of the key, else what the body says, else live. Throws `invalid`. */
export function parseEnvironment(raw: unknown, own: Environment | undefined): Environment {
  if (raw === undefined) return own ?? "live"
  if (raw !== "test" && raw !== "live") throw new AppError("invalid", "environment must be test or live")
  if (own !== undefined && raw !== own) throw new AppError("invalid", `environment must be ${own}, as that of the API key`)
  return raw
}

/** The filter of a list of deliveries; throws `invalid`. */
export function parseStatus(raw: string | undefined): DeliveryStatus | undefined {
  const status = deliveryStatuses.find((one) => one === raw)
  if (raw !== undefined && status === undefined) throw new AppError("invalid", `status must be one of ${deliveryStatuses.join(", ")}`)
  return status
}

function parseUrl(raw: unknown): string {
  if (typeof raw !== "string" || !URL.canParse(raw)) throw new AppError("invalid", "url must be a URL such as https://example.com/hooks")
  const url = new URL(raw)
  if (!/^https?:$/.test(url.protocol)) throw new AppError("invalid", "url must begin with https://")
  if (url.username !== "" || url.password !== "") throw new AppError("invalid", "url must not carry a user name or password")
  if (url.hash !== "") throw new AppError("invalid", "url must not have a fragment")
  if (url.port === "0") throw new AppError("invalid", "url must not name port 0")
  if (url.href.length > maxUrlLength) throw new AppError("invalid", `url is longer than ${maxUrlLength} characters`)
  return url.href
}

function parseEvents(raw: unknown): EventType[] {
  if (!Array.isArray(raw)) throw new AppError("invalid", 'events must be a list such as ["ssl.issued"]; an empty one stands for all')
  const isKnown = (name: unknown): name is EventType => (eventTypes as readonly unknown[]).includes(name)
  const unknown = raw.filter((name) => !isKnown(name)).slice(0, 5)
  if (unknown.length > 0) {
    const named = unknown.map((name) => (JSON.stringify(name) ?? "undefined").slice(0, 60)).join(", ")
    throw new AppError("invalid", `events: ${named} is not known; there are ${eventTypes.join(", ")}`)
  }
  return [...new Set(raw.filter(isKnown))]
}
