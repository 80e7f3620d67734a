import { createHash } from "node:crypto"

/** As `ssh-keygen -l` prints it: SHA-256 over a key's wire form, base64 without padding. */
export function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`
}
