import { X509Certificate } from "node:crypto"
import type { Issuer } from "../acme/issuer"
import type { CertificateStore, StoredCertificate } from "./certificate-store"

/** A certificate of a chain, the name's own first. Times are Unix milliseconds. */
export type ChainLink = { subject: string; issuer: string; notBefore: number; notAfter: number }

/**
 * When a certificate is to be replaced and why then: a third of its lifetime is left, its issuer asked for it (RFC 9773), the name has another issuer by
 * now, the last try failed, or not at all, because the name's DNS leads elsewhere.
 */
export type RenewalPlan = { at: number | undefined; reason: "lifetime" | "issuer" | "other_issuer" | "retry" | "held" }

/** All that may be told of a name's certificate: everything but the key. */
export type CertificateReport = {
  issuer: string | undefined
  names: string[]
  serial: string | undefined
  fingerprint: string | undefined
  notBefore: number | undefined
  notAfter: number | undefined
  chain: ChainLink[]
  renewal: RenewalPlan | undefined
  /** `isPutOff` where a limit keeps the order waiting, and nothing failed. */
  lastFailure: { problem: string; failures: number; at: number; nextAttemptAt: number; isPutOff?: true } | undefined
}

export type CertificateReportNeeds = {
  store: Pick<CertificateStore, "find" | "attempt">
  issuerFor: (hostname: string) => Pick<Issuer, "name">
  mayOrder: (hostname: string) => boolean
}

/** What there is of a name's certificate and what is planned, from the store. */
export async function reportCertificate({ store, issuerFor, mayOrder }: CertificateReportNeeds, name: string): Promise<CertificateReport> {
  const [stored, attempt] = await Promise.all([store.find(name), store.attempt(name)])
  const failed = attempt === undefined || attempt.problem === "" ? undefined : attempt
  const chain = (stored?.chainPem.match(pem) ?? []).map((one) => new X509Certificate(one))
  const [own] = chain
  return {
    issuer: stored?.issuer,
    names: own?.subjectAltName?.split(", ").map((entry) => entry.replace(/^\w+( \w+)?:/, "")) ?? [],
    serial: own?.serialNumber,
    fingerprint: own?.fingerprint256,
    notBefore: stored?.notBefore,
    notAfter: stored?.notAfter,
    chain: chain.map((one) => ({
      subject: line(one.subject),
      issuer: line(one.issuer),
      notBefore: Date.parse(one.validFrom),
      notAfter: Date.parse(one.validTo),
    })),
    renewal: stored && planOf(stored, issuerFor(name).name, mayOrder(name), failed?.nextAttemptAt),
    lastFailure: failed && {
      problem: failed.problem,
      failures: failed.failures,
      at: failed.lastAttemptAt,
      nextAttemptAt: failed.nextAttemptAt,
      ...(failed.putOff === 1 ? { isPutOff: true as const } : {}),
    },
  }
}

function planOf(stored: StoredCertificate, issuer: string, mayOrder: boolean, retryAt: number | undefined): RenewalPlan {
  if (!mayOrder) return { at: undefined, reason: "held" }
  if (retryAt !== undefined) return { at: Math.max(retryAt, 0), reason: "retry" }
  if (stored.issuer !== issuer) return { at: undefined, reason: "other_issuer" }
  // As an order chooses it; any other moment is from within a window that the issuer gave.
  const lifetime = stored.notAfter - stored.notBefore
  const left = stored.notAfter - stored.renewAt
  const isOurs = left >= Math.floor(lifetime / 3) && left <= Math.ceil(lifetime / 3 + lifetime / 30)
  return { at: stored.renewAt, reason: isOurs ? "lifetime" : "issuer" }
}

const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** A distinguished name on one line. */
const line = (name: string | undefined) => (name ?? "").split("\n").filter(Boolean).join(", ")
