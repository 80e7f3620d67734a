import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server"
import { decodeAttestationObject, isoBase64URL } from "@simplewebauthn/server/helpers"

/** What is kept of a credential to check its assertions. */
export type KnownKey = { id: string; publicKey: Uint8Array; counter: number; transports: string[] }

type Registration = Parameters<typeof verifyRegistrationResponse>[0]["response"]
type Assertion = Parameters<typeof verifyAuthenticationResponse>[0]["response"]

/** COSE numbers of EdDSA, ES256 and RS256 (RFC 9053, RFC 8812). */
const algorithms = [-8, -7, -257]

/**
 * Attestation is not asked for, so browsers send none, or one the key signs itself. The other formats bring certificates, and the
 * library's check of those fetches revocation lists from wherever a client's own certificate says.
 */
const attestationFormats = new Set(["none", "packed", "fido-u2f"])

const timeoutMs = 5 * 60_000

/** Our side of WebAuthn (W3C, Level 3, section 7): makes options, checks what authenticators answer, and keeps nothing. */
export class RelyingParty {
  /** `id` is the base domain; `origins` are the pages that may ask, read at each use. */
  constructor(
    readonly id: string,
    private origins: () => string[],
  ) {}

  /** Origins at which a browser lets a page ask for a key of this party, since they lie at or below it, and where we take the answer. */
  usableOrigins(): string[] {
    return this.origins().filter((origin) => {
      const { protocol, hostname } = new URL(origin)
      return protocol === "https:" && (hostname === this.id || hostname.endsWith(`.${this.id}`))
    })
  }

  /** Options for `navigator.credentials.create` as JSON; `known` are the person's keys, which are not to be registered twice. */
  creationOptions(person: { id: string; username: string; displayName: string }, known: KnownKey[]) {
    return generateRegistrationOptions({
      rpName: "Freehold",
      rpID: this.id,
      userName: person.username,
      userDisplayName: person.displayName,
      userID: Uint8Array.from(Buffer.from(person.id)),
      timeout: timeoutMs,
      attestationType: "none",
      excludeCredentials: known.map(({ id, transports }) => ({ id, transports })),
      // A key that can be found without a name can also log in without a password.
      authenticatorSelection: { residentKey: "preferred", userVerification: "preferred" },
      supportedAlgorithmIDs: algorithms,
    })
  }

  /** The new key, or undefined when what came is not a registration for this challenge, this party and one of our pages. */
  async verifyCreation(credential: unknown, challenge: string): Promise<KnownKey | undefined> {
    try {
      const response = credential as Registration
      const attestation = decodeAttestationObject(isoBase64URL.toBuffer(response.response.attestationObject))
      if (!attestationFormats.has(attestation.get("fmt"))) return undefined
      const { registrationInfo } = await verifyRegistrationResponse({
        response,
        expectedChallenge: challenge,
        expectedOrigin: this.origins(),
        expectedRPID: this.id,
        requireUserVerification: false,
        supportedAlgorithmIDs: algorithms,
      })
      if (registrationInfo === undefined) return undefined
      const { id, publicKey, counter } = registrationInfo.credential
      return { id, publicKey, counter, transports: knownTransports(response.response.transports) }
    } catch {
      // The library throws for everything that is wrong with the bytes of a client.
      return undefined
    }
  }

  /** Options for `navigator.credentials.get` as JSON; without keys the authenticator offers what it has for this party. */
  requestOptions(known: KnownKey[], userVerification: "required" | "discouraged") {
    return generateAuthenticationOptions({
      rpID: this.id,
      allowCredentials: known.map(({ id, transports }) => ({ id, transports })),
      timeout: timeoutMs,
      userVerification,
    })
  }

  /** The key's new signature counter, or undefined when what came does not prove this key for this challenge and this person. */
  async verifyRequest(
    credential: unknown,
    expected: { challenge: string; key: KnownKey; personId: string; isVerifiedUser: boolean },
  ): Promise<number | undefined> {
    try {
      const response = credential as Assertion
      const handle = response.response.userHandle
      // Nobody was named before: who it is, the authenticator has to say.
      if (!handle && expected.isVerifiedUser) return undefined
      if (handle && Buffer.from(handle, "base64url").toString() !== expected.personId) return undefined
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response,
        expectedChallenge: expected.challenge,
        expectedOrigin: this.origins(),
        expectedRPID: this.id,
        credential: { ...expected.key, publicKey: Uint8Array.from(expected.key.publicKey) } as never,
        requireUserVerification: expected.isVerifiedUser,
      })
      return verified ? authenticationInfo.newCounter : undefined
    } catch {
      return undefined
    }
  }
}

/** Clients say how a key can be reached; it is only a hint, and bounded. */
function knownTransports(raw: unknown): string[] {
  const known = ["ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"]
  return Array.isArray(raw) ? known.filter((transport) => raw.includes(transport)) : []
}

/**
 * The origins of our own pages: those that the setting names one by one, and the base domain's, at port 443 or at our own. Patterns such as
 * `https://*.<base>` do not count here: container hosts lie below the base domain, and a page on one must not collect assertions.
 */
export function webauthnOrigins(allowedOrigins: string[], baseDomain: string, httpsPort: number): string[] {
  // A browser leaves port 443 out.
  const own = [443, httpsPort].map((port) => new URL(`https://${baseDomain}:${port}`).origin)
  return [...new Set([...own, ...allowedOrigins.filter((origin) => !origin.includes("*"))])]
}
