import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto"

/**
 * Why a chain that a CA handed over must be neither kept nor served for the hostname: it is none, its first certificate is for other names or for another
 * key, or it is not valid at `now` (Unix milliseconds); undefined where it is what was ordered. A CA's clock may be ahead of ours, so its beginning is not judged.
 */
export function misfit(chainPem: string, hostname: string, keyPem: string, now: number): string | undefined {
  let leaf: X509Certificate
  try {
    leaf = new X509Certificate(chainPem)
  } catch {
    return "the CA sent no certificate where the certificate was to be"
  }
  const names = (leaf.subjectAltName ?? "").split(", ").map((name) => name.replace(/^DNS:/, "").toLowerCase())
  if (!names.includes(hostname)) return `the CA sent a certificate for ${names.join(", ") || "no name"}, which was not ordered`
  const spki = { type: "spki", format: "der" } as const
  if (!leaf.publicKey.export(spki).equals(createPublicKey(createPrivateKey(keyPem)).export(spki)))
    return "the CA sent a certificate for another key than ours"
  if (leaf.validToDate.getTime() <= now) return `the CA sent a certificate that ended on ${leaf.validToDate.toISOString()}`
  return undefined
}
