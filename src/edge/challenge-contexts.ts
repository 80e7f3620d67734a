import { createSecureContext, type SecureContext } from "node:tls"
import type { ChallengeBoard, ChallengeCertificate } from "../acme/challenges"

/**
 * TLS contexts of the TLS-ALPN-01 challenges being answered, made once for each certificate. A name that the gate does not allow (it may have
 * been unmapped during its order) gets none.
 */
export function challengeContexts(
  board: ChallengeBoard,
  gate: (hostname: string) => boolean,
): (hostname: string) => SecureContext | undefined {
  const made = new WeakMap<ChallengeCertificate, SecureContext>()
  return (hostname) => {
    const certificate = gate(hostname) ? board.alpnCertificate(hostname) : undefined
    if (certificate === undefined) return undefined
    const context = made.get(certificate) ?? createSecureContext({ cert: certificate.certificatePem, key: certificate.keyPem })
    made.set(certificate, context)
    return context
  }
}
