import { randomBytes } from "node:crypto"
import { hashToken } from "./signer"
import type { TwoFactorStore } from "./two-factor-store"

const howMany = 10
const alphabet = "abcdefghijkmnpqrstuvwxyz23456789"

/** Ten one-time codes for a person who has lost their second factor: shown once, kept as hashes, each good for one login. */
export class RecoveryCodes {
  constructor(private store: TwoFactorStore) {}

  /** New codes; the earlier ones end. Nothing can show these again. */
  async renew(personId: string): Promise<string[]> {
    const codes = Array.from({ length: howMany }, newCode)
    await this.store.replaceCodes(
      personId,
      codes.map((code) => hashCode(personId, code)),
    )
    return codes
  }

  /** Whether this is one of the person's codes; it is used up by this. Case, spaces and dashes do not matter. */
  async isProof(personId: string, code: unknown): Promise<boolean> {
    return typeof code === "string" && code.length <= 64 && this.store.useCode(personId, hashCode(personId, code))
  }

  left(personId: string): Promise<number> {
    return this.store.codesLeft(personId)
  }
}

/** 80 random bits in four groups, without the letters that look like digits: too many to try, even with the hashes in hand. */
function newCode(): string {
  const letters = [...randomBytes(16)].map((byte) => alphabet[byte % alphabet.length])
  return [0, 4, 8, 12].map((from) => letters.slice(from, from + 4).join("")).join("-")
}

/** The person is part of what is hashed, so that no two rows are ever of one code. */
function hashCode(personId: string, code: string): string {
  return hashToken(`recovery ${personId} ${code.toLowerCase().replace(/[\s-]/g, "")}`)
}
