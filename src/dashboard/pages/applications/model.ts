/** What the connect API says of applications, as far as these pages read it. */
export type Environment = "test" | "live"

export type List<T> = { data: T[]; next_cursor: string | null }

export type DnsRecord = { host: string; type: string; value: string; ttl: number; priority?: number }

export type Application = {
  id: string
  name: string
  allowed_origins: string[]
  record_template: DnsRecord[] | null
  environment: Environment
  origin_url: string | null
  container_id: string | null
  target_port: number | null
  created_at: string
}

export const states = [
  "created",
  "pending_ownership",
  "verifying",
  "verified",
  "dns_writing",
  "propagating",
  "issuing_cert",
  "live",
  "stalled",
  "drifted",
  "failed",
  "archived",
] as const

export type State = (typeof states)[number]

/** Every state but the one of what is over, as the API's filter takes them. */
export const openStates = states.filter((state) => state !== "archived").join(",")

export type StateCount = { application_id: string; state: State; count: number }

export type Connection = {
  id: string
  application_id: string
  hostname: string
  setup_type: string
  state: State
  error_code: string | null
  error_detail: string | null
  created_at: string
}

export type ConnectionDetail = Connection & {
  desired_records: DnsRecord[]
  ownership_challenge?: { name: string; type: string; value: string }
}

export type CustomerLink = { created_at: string; expires_at: string; redirect_url: string | null }

export const scopes = ["connections:read", "connections:write", "apps:admin", "webhooks:write", "usage:read"] as const

export type Scope = (typeof scopes)[number]

export type Key = {
  id: string
  name: string
  last4: string
  environment: Environment
  scopes: string[]
  created_at: string
  last_used_at: string | null
  revoked_at: string | null
}

export type Credential = { id: string; provider: string; created_at: string; last_used_at: string | null; last_error: string | null }

export const eventTypes = [
  "domain.added",
  "domain.verified",
  "ssl.issued",
  "domain.flow.completed",
  "domain.drift",
  "domain.recovered",
] as const

export type Endpoint = { id: string; url: string; events: string[]; environment: Environment; disabled: boolean; created_at: string }

export const deliveryStatuses = ["pending", "retrying", "delivered", "failed"] as const

export type DeliveryStatus = (typeof deliveryStatuses)[number]

export type Delivery = {
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

export type Attempt = { at: string; status: number | null; error: string | null; duration_ms: number; reply: string }

export type DeliveryDetail = Delivery & { data: Record<string, unknown>; history: Attempt[] }

export type Usage = { period: string; usage: { kind: string; used: number; limit: number | null }[] }
