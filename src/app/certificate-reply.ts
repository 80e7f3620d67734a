import type { CertificateReport } from "../edge/certificate-report"
import type { BucketView } from "../ledger/ledger"
import { authorityAt } from "../preflight/certificate-authorities"

const iso = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString())

/** A report on a certificate as the APIs show it. */
export function certificateReply({ renewal, lastFailure, chain, ...report }: CertificateReport) {
  return {
    issuer: report.issuer ?? null,
    names: report.names,
    serial: report.serial ?? null,
    fingerprint_sha256: report.fingerprint ?? null,
    not_before: iso(report.notBefore),
    not_after: iso(report.notAfter),
    chain: chain.map(({ subject, issuer, notBefore, notAfter }) => ({
      subject,
      issuer,
      not_before: iso(notBefore),
      not_after: iso(notAfter),
    })),
    renewal: renewal === undefined ? null : { at: iso(renewal.at), reason: renewal.reason },
    last_failure:
      lastFailure === undefined
        ? null
        : {
            problem: lastFailure.problem,
            failures: lastFailure.failures,
            at: iso(lastFailure.at),
            next_attempt_at: iso(lastFailure.nextAttemptAt),
            ...(lastFailure.isPutOff === true ? { put_off: true } : {}),
          },
  }
}

/** What people call an issuer: the CA behind its directory, or the built-in one. */
export function issuerName(issuer: string | undefined): string | null {
  if (issuer === undefined) return null
  return issuer === "internal" ? "the built-in CA" : authorityAt(issuer).name
}

/** What is left of one limit of a directory, as the APIs show it. */
export function limitReply({ directory, ca, kind, subject, left, capacity, nextAt, closedUntil, sentence }: BucketView) {
  return {
    directory,
    issuer_name: ca,
    kind,
    subject: subject === "" ? null : subject,
    left: left ?? null,
    capacity: capacity ?? null,
    next_at: iso(nextAt),
    closed_until: iso(closedUntil),
    sentence,
  }
}
