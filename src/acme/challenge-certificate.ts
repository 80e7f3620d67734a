import { createHash } from "node:crypto"
import {
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509"
import type { ChallengeCertificate } from "./challenges"

const P256 = { name: "ECDSA", namedCurve: "P-256" }
const ACME_IDENTIFIER = "1.3.6.1.5.5.7.1.31"
const DAY_MS = 86_400_000

/**
 * The self-signed certificate that answers TLS-ALPN-01 (RFC 8737 section 3). acme-client can make one, but with a key usage that BoringSSL, and
 * so Bun, refuses for P-256 keys (KEY_USAGE_BIT_INCORRECT).
 */
export async function createChallengeCertificate(hostname: string, keyAuthorization: string, now: number): Promise<ChallengeCertificate> {
  const keys = await crypto.subtle.generateKey(P256, true, ["sign", "verify"])
  const digest = createHash("sha256").update(keyAuthorization).digest()
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      // Common names hold 64 characters at most; nobody reads this one.
      name: [{ CN: ["ACME challenge"] }],
      notBefore: new Date(now - DAY_MS),
      notAfter: new Date(now + DAY_MS),
      keys,
      signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
      extensions: [
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new SubjectAlternativeNameExtension([{ type: "dns", value: hostname }]),
        // The value is a DER OCTET STRING of the 32 bytes.
        new Extension(ACME_IDENTIFIER, true, Buffer.concat([Buffer.from([0x04, digest.length]), digest])),
      ],
    },
    crypto,
  )
  const keyPem = PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY")
  return { certificatePem: certificate.toString("pem"), keyPem }
}
