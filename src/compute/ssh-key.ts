import { createHash, createPublicKey } from "node:crypto"
import { utils } from "ssh2"
import type { SshKeyRow } from "../db/schema"
import { AppError } from "../errors"

/** A public key as its person gave it: one line in OpenSSH's form, and its fingerprint (`SHA256:…`). */
export type PublicKey = { type: string; line: string; fingerprint: string }

/** A key as the compute API shows it (platform-api.md section 3.2, and `fingerprint`). */
export type SshKeyReply = { id: number; name: string; public_key: string; fingerprint: string; created_at: string }

const format = "invalid SSH public key format"
const types = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"]
const maxLineLength = 8 * 1024
const maxCommentLength = 200
const leastRsaBits = 2048

/** One line as in `id_ed25519.pub`; throws `invalid`, and never repeats what was given, which may be a private key. */
export function parsePublicKey(raw: unknown): PublicKey {
  const text = typeof raw === "string" ? raw.trim() : ""
  if (text === "") throw new AppError("invalid", "public_key is required")
  if (text.includes("PRIVATE KEY")) throw new AppError("invalid", `${format}: this is a private key; give the line of the .pub file`)
  if (text.length > maxLineLength || /[^\P{Cc}\t]/u.test(text)) throw new AppError("invalid", `${format}: it must be one line`)
  const [type = "", encoded = "", ...comment] = text.split(/[ \t]+/)
  if (!types.includes(type)) throw new AppError("invalid", `${format}: the type must be one of ${types.join(", ")}`)
  const blob = Buffer.from(encoded, "base64")
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded) || !isKey(type, blob)) throw new AppError("invalid", `${format}: the key is damaged`)
  if (type === "ssh-rsa" && rsaBits(blob) < leastRsaBits)
    throw new AppError("invalid", `${format}: an RSA key must have at least ${leastRsaBits} bits`)
  const words = [type, blob.toString("base64"), comment.join(" ").slice(0, maxCommentLength)]
  return { type, line: words.join(" ").trim(), fingerprint: fingerprintOf(blob) }
}

/** As `ssh-keygen -l` prints it: SHA-256 over the key's wire form, base64 without padding. */
export function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`
}

export function sshKeyReply(row: SshKeyRow): SshKeyReply {
  return {
    id: row.id,
    name: row.name,
    public_key: row.publicKey,
    fingerprint: row.fingerprint,
    created_at: new Date(row.createdAt).toISOString().replace(/\.\d{3}Z$/, "Z"),
  }
}

/** Whether the bytes are a key of that type, whole and with nothing behind it, and one that can check a signature. */
function isKey(type: string, blob: Buffer): boolean {
  const key = utils.parseKey(`${type} ${blob.toString("base64")}`)
  if (key instanceof Error || key.type !== type || !key.getPublicSSH().equals(blob)) return false
  try {
    createPublicKey(key.getPublicPEM())
    return true
  } catch {
    return false
  }
}

/** The size of the modulus, third of the fields type, exponent, modulus (RFC 4253 section 6.6). */
function rsaBits(blob: Buffer): number {
  let at = 0
  for (let field = 0; field < 2; field++) at += 4 + blob.readUInt32BE(at)
  const size = blob.readUInt32BE(at)
  const modulus = blob.subarray(at + 4, at + 4 + size)
  const first = modulus.findIndex((byte) => byte !== 0)
  return first < 0 ? 0 : (modulus.length - first) * 8 - Math.clz32(modulus[first] ?? 0) + 24
}
