import type { IssuanceError } from "../acme/issuer"

/** The error types of ACME (RFC 8555 section 6.7, RFC 9773 section 7.3), so that a CA cannot make up kinds without end. */
const acmeErrors = new Set([
  "accountDoesNotExist",
  "alreadyReplaced",
  "alreadyRevoked",
  "badCSR",
  "badNonce",
  "badPublicKey",
  "badRevocationReason",
  "badSignatureAlgorithm",
  "caa",
  "compound",
  "connection",
  "dns",
  "externalAccountRequired",
  "incorrectResponse",
  "invalidContact",
  "malformed",
  "orderNotReady",
  "rateLimited",
  "rejectedIdentifier",
  "serverInternal",
  "tls",
  "unauthorized",
  "unsupportedContact",
  "unsupportedIdentifier",
  "userActionRequired",
])

/** Orders at one issuer since the start; `failures` by kind. */
export type OrderCount = { issuer: string; issued: number; failures: Map<string, number> }

/** Counts how orders ended, by issuer: a directory's URL, or `internal`. */
export class OrderCounts {
  private counts = new Map<string, OrderCount>()

  issued(issuer: string): void {
    this.of(issuer).issued++
  }

  /** `advised` stands with an order that was not sent since it could not have gone well. */
  failed(issuer: string, fault: IssuanceError, advised: boolean): void {
    this.count(issuer, advised ? "preflight" : kindOf(fault))
  }

  /** An order that the limits do not allow yet. */
  putOff(issuer: string): void {
    this.count(issuer, "put_off")
  }

  /** A handshake whose order our own budget did not allow. */
  overBudget(issuer: string): void {
    this.count(issuer, "handshake_budget")
  }

  all(): OrderCount[] {
    return [...this.counts.values()]
  }

  private count(issuer: string, kind: string): void {
    const { failures } = this.of(issuer)
    failures.set(kind, (failures.get(kind) ?? 0) + 1)
  }

  private of(issuer: string): OrderCount {
    const found = this.counts.get(issuer)
    if (found !== undefined) return found
    const made = { issuer, issued: 0, failures: new Map<string, number>() }
    this.counts.set(issuer, made)
    return made
  }
}

/** Whether the CA refused since one of its rate limits is reached (RFC 8555 section 6.6). */
export const isRateLimited = (fault: IssuanceError): boolean => kindOf(fault) === "rateLimited"

/** The CA's own error type, `unready` where it was not asked, and `other` for what is no problem document, such as a directory that is away. */
function kindOf(fault: IssuanceError): string {
  if (fault.isUnready) return "unready"
  try {
    const { type } = JSON.parse(fault.problem) as { type?: unknown }
    const name = String(type).replace("urn:ietf:params:acme:error:", "")
    return acmeErrors.has(name) ? name : "other"
  } catch {
    return "other"
  }
}
