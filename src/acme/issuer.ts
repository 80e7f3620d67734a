/** A certificate with its key, as an issuer hands it over. Times are Unix milliseconds. */
export type Issued = { chainPem: string; keyPem: string; notBefore: number; notAfter: number }

/** When the issuer wants a certificate renewed (RFC 9773 section 4.2); `retryAfterMs` says when to ask again. */
export type RenewalWindow = { startMs: number; endMs: number; retryAfterMs: number }

/** Makes certificates. Knows nothing of mappings: whether a name may have one was decided before. */
export interface Issuer {
  /** Stable name kept beside each certificate: the directory URL, or `internal`. */
  readonly name: string
  /** Obtains a P-256 certificate for one hostname, which may be a wildcard; `replaces` is the chain being renewed (RFC 9773 section 5). Throws IssuanceError. */
  issue(hostname: string, replaces?: string): Promise<Issued>
  /** The window the issuer suggests, or undefined where it suggests none. Never throws for an issuer that lacks the feature. */
  renewalWindow?(chainPem: string): Promise<RenewalWindow | undefined>
}

/** An order that did not end in a certificate. */
export class IssuanceError extends Error {
  /** The raw problem document of the CA as JSON text (RFC 8555 section 6.7), or a sentence where there is none. */
  readonly problem: string
  /** The CA asked to be left alone this long (Retry-After, or a rate limit). */
  readonly retryAfterMs: number | undefined
  /** Nothing was sent, since a limit of the CA would have been broken: from then on (Unix milliseconds) it would not be. */
  readonly putOffUntil: number | undefined
  /** How many validations failed on the way: more than one where another challenge type was tried as well. */
  readonly failedValidations: number
  /** What the CA would look at is not in place, so it was not asked: another CA would not help, and trying again costs nothing. */
  readonly isUnready: boolean

  constructor(
    message: string,
    options: {
      problem?: string
      retryAfterMs?: number
      putOffUntil?: number
      failedValidations?: number
      isUnready?: boolean
      cause?: unknown
    } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = "IssuanceError"
    this.problem = options.problem ?? message
    this.retryAfterMs = options.retryAfterMs
    this.putOffUntil = options.putOffUntil
    this.failedValidations = options.failedValidations ?? 0
    this.isUnready = options.isUnready ?? false
  }
}
