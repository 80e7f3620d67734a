/**
 * How things stand with the certificate of a hostname, times in Unix milliseconds. `problem` is the CA's problem document as JSON text, or a sentence;
 * with `issued` it is that of a failed renewal. `isPutOff` where a limit keeps the order waiting until `nextAttemptAt`, and nothing failed.
 */
export type CertificateStanding = {
  state: "none" | "issued" | "backing_off"
  issuer?: string
  notAfter?: number
  problem?: string
  nextAttemptAt?: number
  isPutOff?: true
}
