import { createHash, timingSafeEqual } from "node:crypto"
import { type JWTPayload, jwtVerify, SignJWT } from "jose"

/** What stands in front of an API token, so that secret scanners know one when they see it. */
export const tokenPrefix = "ecloud_"

/** Signs and checks the platform's JSON Web Tokens: HMAC SHA-256 and nothing else (RFC 7519, RFC 7518 section 3.2). */
export class Signer {
  private key: Uint8Array

  constructor(
    secret: string,
    private now: () => number = Date.now,
  ) {
    this.key = new TextEncoder().encode(secret)
  }

  /** `expiresAt` in Unix milliseconds, 0 for never. */
  sign(claims: JWTPayload, expiresAt: number): Promise<string> {
    const jwt = new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "JWT" }).setIssuedAt(Math.floor(this.now() / 1000))
    if (expiresAt > 0) jwt.setExpirationTime(Math.floor(expiresAt / 1000))
    return jwt.sign(this.key)
  }

  /** The claims of a token that is ours and in date, else undefined: why not is nobody's business. */
  async verify(token: string): Promise<JWTPayload | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.key, { algorithms: ["HS256"], currentDate: new Date(this.now()) })
      return payload
    } catch {
      return undefined
    }
  }
}

/** SHA-256 in hex: how tokens and one-time links are kept. */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex")
}

/** Compares two hex digests in constant time. */
export function sameHash(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
