import type { CertificateStanding } from "../certificate-standing"
import { randomBytes } from "node:crypto"
import type { DomainMappingRow } from "../db/schema"
import { AppError } from "../errors"
import { withoutWildcard } from "../hostname"

/** What the owner of a mapping chooses about its traffic, and may change later. */
export type MappingOptions = Pick<DomainMappingRow, "http" | "upstreamProtocol" | "accessLog">

/** The record that lets this server answer the DNS challenges of a name, for a wildcard or for a name that no port reaches. */
export type ChallengeDelegation = { name: string; type: "CNAME"; value: string }

/** A mapping as the networking API shows it. `detail`, `certificate` and `acme_challenge` stand where there is something to say. */
export type MappingReply = {
  id: string
  domain: string
  container_id: string
  target_port: number
  http: DomainMappingRow["http"]
  upstream_protocol: DomainMappingRow["upstreamProtocol"]
  access_log: boolean
  status: DomainMappingRow["status"]
  verify_name: string
  verify_token: string
  created_at: string
  acme_challenge?: ChallengeDelegation
  dns_automated?: true
  detail?: string
  certificate?: { state: string; issuer?: string; not_after?: string; problem?: string; next_attempt_at?: string; put_off?: true }
}

/** The name at which the TXT record is looked for: that of a wildcard lies below its parent, whose owner alone can write there. */
export const verifyName = (domain: string) => `_edd-verify.${withoutWildcard(domain)}`

/** The delegation that a name's owner may make; a wildcard and its parent share it, as they share the challenge's name (RFC 8555 section 8.4). */
export const challengeDelegation = (domain: string, value: string): ChallengeDelegation => ({
  name: `_acme-challenge.${withoutWildcard(domain)}`,
  type: "CNAME",
  value,
})

/** 24 hex digits, 96 random bits. */
export const newMappingId = () => `dom_${randomBytes(12).toString("hex")}`

/** 40 hex digits, 160 random bits; never changes for a mapping. */
export const newVerifyToken = () => `edd-verify-${randomBytes(20).toString("hex")}`

/** 80, 443 or 8000 to 8999. */
export function parseTargetPort(raw: unknown): number {
  const allowed = typeof raw === "number" && Number.isInteger(raw) && (raw === 80 || raw === 443 || (raw >= 8000 && raw <= 8999))
  if (!allowed) throw new AppError("invalid", "port must be 80, 443, or 8000-8999")
  return raw as number
}

/** A redirect to HTTPS, HTTP/1.1 to the application, and every request in the access log. */
export const defaultOptions: MappingOptions = { http: "redirect", upstreamProtocol: "http1", accessLog: 1 }

/** The options that a request names, checked; those it does not name are left out. Throws `invalid` with the field and what is allowed. */
export function parseOptions({ http, upstream_protocol, access_log }: Record<string, unknown>): Partial<MappingOptions> {
  const options: Partial<MappingOptions> = {}
  if (http !== undefined) {
    if (http !== "redirect" && http !== "serve") throw new AppError("invalid", 'http must be "redirect" or "serve"')
    options.http = http
  }
  if (upstream_protocol !== undefined) {
    if (upstream_protocol !== "http1" && upstream_protocol !== "h2c")
      throw new AppError("invalid", 'upstream_protocol must be "http1" or "h2c"')
    options.upstreamProtocol = upstream_protocol
  }
  if (access_log !== undefined) {
    if (typeof access_log !== "boolean") throw new AppError("invalid", "access_log must be true or false")
    options.accessLog = access_log ? 1 : 0
  }
  return options
}

/** What an update may change: the options, and where the hostname leads. */
export type MappingChange = Partial<MappingOptions & Pick<DomainMappingRow, "containerId" | "targetPort">>

const changeable: ReadonlySet<string> = new Set(["container_id", "target_port", "http", "upstream_protocol", "access_log"])

/**
 * What an update changes, at least one thing. Throws `invalid` also for a field that no update changes: who asks for another name must not
 * be told that all went well. Whose the container is, the caller checks.
 */
export function parseChange(input: Record<string, unknown>): MappingChange {
  const names = Object.keys(input)
  const other = names.find((name) => !changeable.has(name))
  const rule = "an update changes container_id, target_port, http, upstream_protocol and access_log"
  if (other !== undefined) throw new AppError("invalid", `${JSON.stringify(other.slice(0, 60))} cannot be changed: ${rule}`)
  if (names.length === 0) throw new AppError("invalid", `nothing to change: ${rule}`)
  const change: MappingChange = parseOptions(input)
  if (input.container_id !== undefined) change.containerId = typeof input.container_id === "string" ? input.container_id : ""
  if (input.target_port !== undefined) change.targetPort = parseTargetPort(input.target_port)
  return change
}

/** The document's `domainResponse`, and the options; `challengeTarget` is where the name's challenges may be delegated to. */
export function mappingReply(row: DomainMappingRow, challengeTarget?: string, certificate?: CertificateStanding): MappingReply {
  const reply: MappingReply = {
    id: row.id,
    domain: row.domain,
    container_id: row.containerId,
    target_port: row.targetPort,
    http: row.http,
    upstream_protocol: row.upstreamProtocol,
    access_log: row.accessLog === 1,
    status: row.status,
    verify_name: verifyName(row.domain),
    verify_token: row.verifyToken,
    created_at: new Date(row.createdAt).toISOString(),
  }
  if (challengeTarget !== undefined) reply.acme_challenge = challengeDelegation(row.domain, challengeTarget)
  if (row.status !== "verified" && row.lastDetail !== null) reply.detail = row.lastDetail
  if (certificate !== undefined) {
    reply.certificate = {
      state: certificate.state,
      issuer: certificate.issuer,
      not_after: isoTime(certificate.notAfter),
      problem: certificate.problem,
      next_attempt_at: isoTime(certificate.nextAttemptAt),
      ...(certificate.isPutOff === true ? { put_off: true } : {}),
    }
  }
  return reply
}

const isoTime = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())
