import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto"

/** Sealed text as it stands in the store: `<key id>.<base64 of nonce, ciphertext and tag>`. */
export type Sealed = string

/** Thrown by `open`: `wrong_key` when another key sealed it (rotated or lost), `broken` when the bytes were changed. */
export class VaultError extends Error {
  constructor(
    readonly reason: "wrong_key" | "broken",
    message: string,
  ) {
    super(message)
    this.name = "VaultError"
  }
}

/**
 * Seals secrets for the store with AES-256-GCM (NIST SP 800-38D): a fresh 96-bit nonce each time, and the place a secret belongs to as
 * associated data, so that a sealed value copied into another row does not open there.
 */
export class Vault {
  /** The first 8 hex digits of a hash of the key: tells a rotated key from a broken row and reveals nothing of the key. */
  readonly keyId: string
  private key: Buffer

  /** Throws when `keyHex` is not 64 hexadecimal characters. */
  constructor(keyHex: string) {
    if (!/^[0-9a-f]{64}$/i.test(keyHex)) throw new Error("an encryption key is 64 hexadecimal characters")
    this.key = Buffer.from(keyHex, "hex")
    this.keyId = createHash("sha256").update("freehold key id").update(this.key).digest("hex").slice(0, 8)
  }

  /** `place` names the row, such as `owned_domains/cfc_…`; the same value must be given to `open`. */
  seal(plain: string, place: string): Sealed {
    const nonce = randomBytes(12)
    const cipher = createCipheriv("aes-256-gcm", this.key, nonce).setAAD(Buffer.from(place))
    const body = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()])
    return `${this.keyId}.${Buffer.concat([nonce, body, cipher.getAuthTag()]).toString("base64")}`
  }

  /** The plain text; throws VaultError. */
  open(sealed: Sealed, place: string): string {
    const [keyId, body] = sealed.split(".")
    if (keyId !== this.keyId) throw new VaultError("wrong_key", `sealed with key ${keyId}, this is key ${this.keyId}`)
    const bytes = Buffer.from(body ?? "", "base64")
    if (bytes.length < 28) throw new VaultError("broken", "the sealed value is too short")
    try {
      const decipher = createDecipheriv("aes-256-gcm", this.key, bytes.subarray(0, 12)).setAAD(Buffer.from(place))
      decipher.setAuthTag(bytes.subarray(-16))
      return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString("utf8")
    } catch {
      throw new VaultError("broken", "the sealed value does not open: it was changed, or belongs to another row")
    }
  }
}
