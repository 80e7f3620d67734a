import { randomBytes } from "node:crypto"
import type { DomainMappingRow } from "../db/schema"
import { AppError } from "../errors"

/** How the certificate of a verified name stands; `problem` is what the issuer said, word for word. */
export type CertificateStatus = {
  state: "none" | "issued" | "backing_off"
  issuer?: string
  notAfter?: number
  problem?: string
  nextAttemptAt?: number
}

/** A mapping as the networking API shows it. `detail` and `certificate` stand where there is something to say. */
export type MappingReply = {
  id: string
  domain: string
  container_id: string
  target_port: number
  status: DomainMappingRow["status"]
  verify_name: string
  verify_token: string
  dns_automated?: true
  detail?: string
  certificate?: { state: string; issuer?: string; not_after?: string; problem?: string; next_attempt_at?: string }
}

/** The name at which the TXT record is looked for. */
export const verifyName = (domain: string) => `_edd-verify.${domain}`

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

/** The document's `domainResponse`. */
export function mappingReply(row: DomainMappingRow, certificate?: CertificateStatus): MappingReply {
  const reply: MappingReply = {
    id: row.id,
    domain: row.domain,
    container_id: row.containerId,
    target_port: row.targetPort,
    status: row.status,
    verify_name: verifyName(row.domain),
    verify_token: row.verifyToken,
  }
  if (row.status !== "verified" && row.lastDetail !== null) reply.detail = row.lastDetail
  if (certificate !== undefined) {
    reply.certificate = {
      state: certificate.state,
      issuer: certificate.issuer,
      not_after: isoTime(certificate.notAfter),
      problem: certificate.problem,
      next_attempt_at: isoTime(certificate.nextAttemptAt),
    }
  }
  return reply
}

const isoTime = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())
