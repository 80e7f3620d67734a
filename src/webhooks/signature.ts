import { createHmac, randomBytes } from "node:crypto"

/** A new signing secret: `whsec_` and 32 random bytes in base64url. The receiver uses the whole text as the key. */
export const newSigningSecret = () => `whsec_${randomBytes(32).toString("base64url")}`

/** What a receiver checks: HMAC-SHA256 (RFC 2104) of `<Unix seconds>.<body as sent>`, in hexadecimal. */
export function signatureHeaders(secret: string, body: string, at: number): { "X-CD-Timestamp": string; "X-CD-Signature": string } {
  const timestamp = String(Math.floor(at / 1000))
  const digest = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex")
  return { "X-CD-Timestamp": timestamp, "X-CD-Signature": `sha256=${digest}` }
}
