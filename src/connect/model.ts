import { randomUUID } from "node:crypto"
import type { ApplicationRow, ConnectionRow, Environment } from "../db/connect-schema"
import { AppError } from "../errors"
import { canonicalHost, withoutWildcard } from "../hostname"

/** What keys may be granted (connect-api.md section 3). */
export const scopes = ["connections:read", "connections:write", "apps:admin", "webhooks:write", "usage:read"] as const
export type Scope = (typeof scopes)[number]

/** Who asks: an API key, a widget token or a person's session. `environment` and `applicationId` are undefined where they do not confine. */
export type Principal = {
  kind: "key" | "widget" | "session"
  personId: string
  isAdmin: boolean
  environment: Environment | undefined
  applicationId: string | undefined
  /** Of an API key. */
  keyId?: string
  /** The only hostname a widget token may act on. */
  hostname?: string
  scopes: ReadonlySet<string>
}

/** What a query may see: a person's things, and of those what the principal is confined to. */
export type View = Pick<Principal, "personId" | "environment" | "applicationId">

/** A DNS record as the connect API shows it; `host` is the whole name. */
export type DnsRecord = { host: string; type: RecordType; value: string; ttl: number; priority?: number }

export const recordTypes = ["A", "AAAA", "CNAME", "TXT", "MX", "CAA", "SRV"] as const
export type RecordType = (typeof recordTypes)[number]

/** Where a hostname leads: an origin, or a port of a container; all null for what the application says. */
export type Destination = Pick<ApplicationRow, "originUrl" | "containerId" | "targetPort">

export const newId = () => randomUUID()

export const rfc3339 = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())

/** A trimmed text of 1 to 64 characters. Throws `invalid` naming the field. */
export function parseName(raw: unknown, field = "name"): string {
  const name = typeof raw === "string" ? raw.trim() : ""
  if (name === "") throw invalid(`${field} is required`)
  if (name.length > 64) throw invalid(`${field} must have at most 64 characters`)
  return name
}

/** Origins such as `https://app.acme.example`, at most 50. Throws `invalid`. */
export function parseOrigins(raw: unknown): string[] {
  if (raw === undefined || raw === null) return []
  if (!Array.isArray(raw) || raw.length > 50) throw invalid("allowed_origins must be a list of at most 50 origins")
  return [...new Set(raw.map(parseOrigin))]
}

function parseOrigin(raw: unknown): string {
  const text = typeof raw === "string" ? raw.trim() : ""
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isOrigin = url !== undefined && /^https?:$/.test(url.protocol) && url.origin === text.replace(/\/$/, "").toLowerCase()
  if (!isOrigin) throw invalid(`allowed_origins: ${shown(raw)} is not an origin such as https://app.acme.example`)
  return url.origin
}

/** Scopes of a new key, `connections:read` where none are named. Throws `invalid`. */
export function parseScopes(raw: unknown): Scope[] {
  if (raw === undefined || raw === null) return ["connections:read"]
  if (!Array.isArray(raw) || raw.length === 0) throw invalid("scopes must be a list with at least one scope")
  for (const scope of raw) {
    if (!scopes.includes(scope as Scope)) throw invalid(`scopes: ${shown(scope)} is none of ${scopes.join(", ")}`)
  }
  return [...new Set(raw as Scope[])]
}

/** A UUID in lower case. Throws `invalid` naming the field. */
export function parseUuid(raw: unknown, field: string): string {
  const text = typeof raw === "string" ? raw.trim().toLowerCase() : ""
  if (text === "") throw invalid(`${field} is required`)
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) throw invalid(`${field} must be a UUID`)
  return text
}

/** `test` or `live`; undefined where it is not said. Throws `invalid`. */
export function parseEnvironment(raw: unknown): Environment | undefined {
  if (raw === undefined || raw === null) return undefined
  if (raw !== "test" && raw !== "live") throw invalid('environment must be "test" or "live"')
  return raw
}

/**
 * `origin_url`, or `container_id` with `target_port`; what is not named is undefined, null takes it away. Throws `invalid`. That the container is the
 * caller's own, and the origin one that may be led to, others check.
 */
export function parseDestination(body: Record<string, unknown>): Destination | undefined {
  const { origin_url: origin, container_id: container, target_port: port } = body
  if (origin === undefined && container === undefined && port === undefined) return undefined
  const hasOrigin = origin !== undefined && origin !== null
  const hasContainer = container !== undefined && container !== null
  if (hasOrigin && hasContainer) throw invalid("origin_url and container_id exclude each other")
  if (hasOrigin) return { originUrl: parseOriginUrl(origin), containerId: null, targetPort: null }
  if (!hasContainer) {
    if (port !== undefined && port !== null) throw invalid("target_port needs a container_id")
    return { originUrl: null, containerId: null, targetPort: null }
  }
  if (typeof container !== "string" || container === "") throw invalid("container_id must be the id of a container")
  const isPort = typeof port === "number" && Number.isInteger(port) && (port === 80 || port === 443 || (port >= 8000 && port <= 8999))
  if (!isPort) throw invalid("target_port must be 80, 443, or 8000-8999")
  return { originUrl: null, containerId: container, targetPort: port }
}

/** Scheme, host and port of an origin, without a path. Throws `invalid`. */
function parseOriginUrl(raw: unknown): string {
  const url = typeof raw === "string" && URL.canParse(raw) ? new URL(raw) : undefined
  const rule = "origin_url must be http:// or https:// with a host and nothing after it, such as https://origin.acme.example"
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === "") throw invalid(rule)
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "" || url.pathname !== "/") throw invalid(rule)
  return url.origin
}

/** The canonical hostname of a connection, `*.` in front for a wildcard. Throws `invalid`. */
export function parseConnectionHost(raw: unknown, baseDomain: string): string {
  const text = typeof raw === "string" ? raw.trim() : ""
  if (text === "") throw invalid("hostname is required")
  const isWildcard = text.startsWith("*.")
  const host = canonicalHost(isWildcard ? text.slice(2) : text)
  if (host === undefined) throw invalid(`hostname: ${shown(raw)} is not a hostname such as app.customer.com`)
  if (/(^|\.)(onion|invalid|localhost)$/.test(host))
    throw invalid(`hostname: ${host} is in a zone that no certificate authority speaks for`)
  if (host === baseDomain || host.endsWith(`.${baseDomain}`)) throw invalid(`hostname: ${host} belongs to this platform`)
  return isWildcard ? `*.${host}` : host
}

/** The name at which the ownership TXT is looked for; that of a wildcard is its parent's. */
export const challengeName = (hostname: string) => `_customdomain-challenge.${withoutWildcard(hostname)}`

/** The shape that creating and listing show (connect-api.md section 2.4). */
export function connectionSummary(row: ConnectionRow): Record<string, unknown> {
  return {
    id: row.id,
    application_id: row.applicationId,
    hostname: row.hostname,
    kind: row.kind,
    setup_type: row.setupType,
    state: row.state,
    provider: row.provider,
    batch_id: row.batchId,
    error_code: row.errorCode,
    error_detail: row.errorDetail,
    created_at: rfc3339(row.createdAt),
  }
}

/** An application as its API shows it. */
export function applicationReply(row: ApplicationRow): Record<string, unknown> {
  return {
    id: row.id,
    name: row.name,
    allowed_origins: JSON.parse(row.allowedOrigins) as string[],
    record_template: row.recordTemplate === null ? null : (JSON.parse(row.recordTemplate) as DnsRecord[]),
    environment: row.environment,
    origin_url: row.originUrl,
    container_id: row.containerId,
    target_port: row.targetPort,
    created_at: rfc3339(row.createdAt),
  }
}

export const invalid = (message: string) => new AppError("invalid", message)

export const notFound = (what: string) => new AppError("not_found", `${what} not found`)

/** What somebody sent, quoted and cut, for a message. */
export const shown = (raw: unknown) =>
  typeof raw === "string" ? JSON.stringify(raw.slice(0, 80)) : (JSON.stringify(raw) ?? "nothing").slice(0, 80)
