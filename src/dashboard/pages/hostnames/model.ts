import type { Limit } from "../../parts/limit-rows"

/** What the API says of hostnames, as far as these pages show it. */
export type Mapping = {
  id: string
  domain: string
  container_id: string
  target_port: number
  http: "redirect" | "serve"
  upstream_protocol: "http1" | "h2c"
  access_log: boolean
  status: "pending" | "verified" | "failed"
  verify_name: string
  verify_token: string
  created_at: string
  dns_automated?: true
  detail?: string
  certificate?: {
    state: "none" | "issued" | "backing_off"
    issuer?: string
    not_after?: string
    problem?: string
    next_attempt_at?: string
    put_off?: true
  }
}

export type ConnectionSummary = {
  id: string
  application_id: string
  hostname: string
  kind: "apex" | "subdomain"
  state: string
  provider: string | null
  error_code: string | null
  error_detail: string | null
  created_at: string
}

export type Connection = ConnectionSummary & {
  certificate: {
    status: "none" | "pending" | "issued" | "failed"
    not_after: string | null
    ca: string | null
    problem: string | null
    next_attempt_at: string | null
  }
  origin_url: string | null
  container_id: string | null
  target_port: number | null
  live_at: string | null
}

export type Container = { id: string; name: string; kind: "engine" | "external"; status: string; ports?: Record<string, number> }

export type Provider = { key: string | null; name: string | null; nameservers: string[]; control_panel_url: string | null }

export type AuthorityView = { server: string; address: string; outcome: string; values: string[]; matches: boolean }

export type NameRecord = {
  purpose: "ownership" | "address" | "challenge"
  host: string
  host_field: string
  type: string
  value: string
  ttl: number
  priority?: number
  propagated: boolean
  explanation: string
  authorities: AuthorityView[]
}

export type NameRecords = {
  private: boolean
  zone: string | null
  provider: Provider | null
  records: NameRecord[]
  all_propagated: boolean | null
  checked_at: string
}

export type Finding = { code: string; severity: "blocked" | "warning" | "notice"; sentence: string; fix: string | null; evidence: string[] }

export type Preflight = {
  verdict: "ready" | "warning" | "blocked"
  sentence: string
  fix: string | null
  findings: Finding[]
  issuer: string | null
  checked_at: string
}

/** What is known of a name before it is mapped. */
export type NameCheck = {
  hostname: string
  private: boolean
  problem: string | null
  kind: "apex" | "subdomain" | "wildcard" | null
  zone: string | null
  provider: Provider | null
  automatic: boolean
  verify: { type: string; host: string; host_field: string } | null
  records: { type: string; host: string; host_field: string; value: string }[]
  conflicts: Finding[]
  preflight: Preflight | null
}

export type Certificate = {
  issuer_name: string | null
  names: string[]
  serial: string | null
  fingerprint_sha256: string | null
  not_before: string | null
  not_after: string | null
  chain: { subject: string; issuer: string; not_before: string; not_after: string }[]
  renewal: { at: string | null; reason: string } | null
  last_failure: { problem: string; failures: number; at: string; next_attempt_at: string; put_off?: true } | null
  /** The scarcest first; those that are not touched are left out. */
  limits: Limit[]
}

export type TimelineEntry = { id: number; time: string; kind: string; text: string; data: Record<string, unknown> | null }

export type TrafficRow = {
  time: string
  requests: number
  statuses: Record<"1xx" | "2xx" | "3xx" | "4xx" | "5xx", number>
  bytes_in: number
  bytes_out: number
  p50_ms: number
  p95_ms: number
  p99_ms: number
}

/** A hostname's last day by the hour. */
export type TrafficDay = { id: string; requests: number[]; failed: number[] }

/** A request as it is told of when it ends. */
export type WatchedRequest = {
  time: string
  duration_ms: number
  host: string
  method: string
  path: string
  protocol: string
  tls: string | null
  status: number
  bytes_in: number
  bytes_out: number
  client: string
  request_id: string
  failure: string | null
}

/** A mapping or a connection, by what it is and its id. */
export type Subject = { kind: "mapping" | "connection"; id: string }

/** Where the API has it. */
export const apiOf = ({ kind, id }: Subject): string =>
  kind === "mapping" ? `/api/domain-mappings/${encodeURIComponent(id)}` : `/v1/connections/${encodeURIComponent(id)}`

/** Where its page is. */
export const pageOf = ({ kind, id }: Subject): string => `/hostnames/${kind}/${encodeURIComponent(id)}`

/** What a CA said, for people: the detail of its problem document, or the sentence as it is. */
export function problemText(problem: string): string {
  try {
    const { detail, type } = JSON.parse(problem) as { detail?: string; type?: string }
    return detail ?? type ?? problem
  } catch {
    return problem
  }
}
