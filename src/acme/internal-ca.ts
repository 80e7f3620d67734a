import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509"
import { describeError } from "../errors"
import { IssuanceError, type Issued, type Issuer } from "./issuer"

const P256 = { name: "ECDSA", namedCurve: "P-256" }
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" }
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const LEAF_LIFETIME_MS = 30 * DAY_MS
const ROOT_LIFETIME_MS = 3650 * DAY_MS

/** Where the root lives between starts. `load` gives undefined only when none was ever saved: a root is never replaced for a fault. */
export interface RootKeeper {
  load(): Promise<{ keyPem: string; certificatePem: string } | undefined>
  save(keyPem: string, certificatePem: string): Promise<void>
}

type Root = { key: CryptoKey; certificate: X509Certificate; pem: string }

/** The built-in certificate authority, for private names and the demo (RFC 5280 profile). Makes its root at first use, through the keeper. */
export class InternalCa implements Issuer {
  readonly name = "internal"
  private root: Promise<Root> | undefined

  constructor(
    private keeper: RootKeeper,
    private now: () => number = Date.now,
  ) {}

  /** The certificate that devices have to trust, PEM. */
  async rootPem(): Promise<string> {
    return (await this.currentRoot()).pem
  }

  /** A certificate of 30 days for one hostname, signed in this process within milliseconds. Throws IssuanceError when the root is not to be had. */
  async issue(hostname: string): Promise<Issued> {
    try {
      const root = await this.currentRoot()
      const keys = await crypto.subtle.generateKey(P256, true, ["sign", "verify"])
      // An hour back, for devices whose clocks are behind.
      const notBefore = wholeSeconds(this.now() - HOUR_MS)
      const notAfter = Math.min(wholeSeconds(this.now() + LEAF_LIFETIME_MS), root.certificate.notAfter.getTime())
      const certificate = await X509CertificateGenerator.create(
        {
          serialNumber: serial(),
          // A common name holds 64 characters at most; the alternative name is what clients look at.
          subject: hostname.length <= 64 ? [{ CN: [hostname] }] : [],
          issuer: root.certificate.subjectName.toJSON(),
          notBefore: new Date(notBefore),
          notAfter: new Date(notAfter),
          publicKey: keys.publicKey,
          signingKey: root.key,
          signingAlgorithm: SIGNATURE,
          extensions: [
            new BasicConstraintsExtension(false, undefined, true),
            new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
            new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
            // Critical where the subject is empty (RFC 5280 section 4.2.1.6).
            new SubjectAlternativeNameExtension([{ type: "dns", value: hostname }], hostname.length > 64),
            await AuthorityKeyIdentifierExtension.create(root.certificate.publicKey, false, crypto),
            await SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
          ],
        },
        crypto,
      )
      return { chainPem: `${certificate.toString("pem")}\n`, keyPem: await exportKey(keys.privateKey), notBefore, notAfter }
    } catch (error) {
      throw new IssuanceError(`the built-in CA could not certify ${hostname}: ${describeError(error)}`, { cause: error })
    }
  }

  private async currentRoot(): Promise<Root> {
    const flight = (this.root ??= this.openRoot())
    try {
      const root = await flight
      if (root.certificate.notAfter.getTime() - this.now() > DAY_MS) return root
    } catch (error) {
      if (this.root === flight) this.root = undefined
      throw error
    }
    // Ten years have passed: every caller that finds the old one out shares one successor.
    if (this.root === flight) this.root = this.createRoot()
    return this.currentRoot()
  }

  private async openRoot(): Promise<Root> {
    const kept = await this.keeper.load()
    if (!kept) return this.createRoot()
    const key = await crypto.subtle.importKey("pkcs8", PemConverter.decodeFirst(kept.keyPem), P256, false, ["sign"])
    return { key, certificate: new X509Certificate(kept.certificatePem), pem: kept.certificatePem }
  }

  private async createRoot(): Promise<Root> {
    const keys = await crypto.subtle.generateKey(P256, true, ["sign", "verify"])
    const serialNumber = serial()
    const certificate = await X509CertificateGenerator.createSelfSigned(
      {
        serialNumber,
        // Part of the serial in the name: two appliances in one trust store stay apart.
        name: [{ O: ["Freehold"] }, { CN: [`Freehold built-in CA ${serialNumber.slice(0, 8)}`] }],
        notBefore: new Date(wholeSeconds(this.now() - HOUR_MS)),
        notAfter: new Date(wholeSeconds(this.now() + ROOT_LIFETIME_MS)),
        keys,
        signingAlgorithm: SIGNATURE,
        extensions: [
          new BasicConstraintsExtension(true, 0, true),
          new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
          await SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
        ],
      },
      crypto,
    )
    const pem = `${certificate.toString("pem")}\n`
    await this.keeper.save(await exportKey(keys.privateKey), pem)
    return { key: keys.privateKey, certificate, pem }
  }
}

/** X.509 times have no fractions of a second. */
const wholeSeconds = (ms: number) => Math.floor(ms / 1000) * 1000

/** 128 random bits, of which the first is 0 and the second 1: positive, and never shorter than 16 octets (RFC 5280 section 4.1.2.2). */
function serial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return Buffer.from(bytes).toString("hex")
}

async function exportKey(key: CryptoKey): Promise<string> {
  return `${PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`
}
