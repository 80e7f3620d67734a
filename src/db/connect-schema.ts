/** The tables of the connect API; times are Unix milliseconds, lists and maps JSON text. */
export interface ConnectSchema {
  heldNames: HeldNameRow
  applications: ApplicationRow
  applicationKeys: ApplicationKeyRow
  dnsCredentials: DnsCredentialRow
  connections: ConnectionRow
  connectionLinks: ConnectionLinkRow
  usageCounters: UsageCounterRow
  plans: PlanRow
  subscriptions: SubscriptionRow
  idempotencyKeys: IdempotencyKeyRow
}

/** A proven hostname and who holds it: a mapping or a connection. Kept by triggers of their tables. */
export interface HeldNameRow {
  hostname: string
  kind: "mapping" | "connection"
  holderId: string
}

export type Environment = "test" | "live"

export interface ApplicationRow {
  id: string
  personId: string
  name: string
  environment: Environment
  /** JSON list of origins that may embed the widget. */
  allowedOrigins: string
  /** JSON list of records with placeholders; null for the records that Freehold makes by itself. */
  recordTemplate: string | null
  originUrl: string | null
  containerId: string | null
  targetPort: number | null
  createdAt: number
}

export interface ApplicationKeyRow {
  id: string
  applicationId: string
  name: string
  /** SHA-256 of the secret, hex. */
  hash: string
  last4: string
  /** JSON list. */
  scopes: string
  createdAt: number
  lastUsedAt: number | null
  revokedAt: number | null
}

export interface DnsCredentialRow {
  id: string
  applicationId: string
  provider: string
  sealedToken: string
  createdAt: number
  lastUsedAt: number | null
  lastError: string | null
}

/** The twelve states of connect-api.md section 7.1. */
export type ConnectionState =
  | "created"
  | "pending_ownership"
  | "verifying"
  | "verified"
  | "dns_writing"
  | "propagating"
  | "stalled"
  | "issuing_cert"
  | "live"
  | "drifted"
  | "failed"
  | "archived"

export interface ConnectionRow {
  id: string
  personId: string
  applicationId: string
  environment: Environment
  hostname: string
  kind: "apex" | "subdomain"
  setupType: string
  state: ConnectionState
  errorCode: string | null
  errorDetail: string | null
  /** Key of the DNS provider that was recognised. */
  provider: string | null
  batchId: string | null
  challengeValue: string
  /** How the name was proved; null while it is not. With one, and neither failed nor archived, the row holds its name. */
  proof: "txt" | "delegated" | null
  /** When it was proved; null while it is not. */
  provedAt: number | null
  /** JSON list of records. */
  desiredRecords: string
  /** JSON list of records with what was last seen. */
  observedRecords: string
  originUrl: string | null
  containerId: string | null
  targetPort: number | null
  createdAt: number
  /** When the state was entered. */
  changedAt: number
  /** Null for what is never looked at again. */
  nextCheckAt: number | null
  checks: number
  /** How many rounds in a row a live name's records were not as they should be. */
  misses: number
  /** JSON of the episode under way: `{since, cause}`. */
  drift: string | null
  /** When it first went live; the pair of events belongs to that moment. */
  liveAt: number | null
}

/** A link with which a customer follows one connection. */
export interface ConnectionLinkRow {
  /** SHA-256 of the secret, hex. */
  hash: string
  connectionId: string
  /** Where the page leads back to. */
  redirectUrl: string | null
  createdAt: number
  expiresAt: number
  /** When somebody last had the connection looked at by one of its links; 0 for never. */
  checkedAt: number
}

export interface UsageCounterRow {
  personId: string
  /** Year and month, UTC: `2026-11`. */
  period: string
  kind: string
  used: number
}

export interface PlanRow {
  key: string
  /** JSON map of usage kind to limit; what is absent has none. */
  limits: string
}

export interface SubscriptionRow {
  personId: string
  plan: string
}

export interface IdempotencyKeyRow {
  personId: string
  route: string
  key: string
  bodyHash: string
  createdAt: number
  /** Null while the request is under way, or when the process ended meanwhile. */
  status: number | null
  sealedBody: string | null
}
