import { createPrivateKey, createPublicKey } from "node:crypto"
import { fingerprintOf } from "./fingerprint"

/** `privateKey` as ssh2 reads it, `publicKey` as `known_hosts` has it behind the name, `fingerprint` as `ssh-keygen -l` prints it. */
export type HostKey = { privateKey: string; publicKey: string; fingerprint: string }

const type = "ssh-ed25519"
const magic = "openssh-key-v1\0"
/** PrivateKeyInfo of RFC 8410 section 7, up to the 32 bytes themselves. */
const pkcs8Head = Buffer.from("302e020100300506032b657004220420", "hex")

/** The Ed25519 key of 32 secret bytes (64 hexadecimal characters): the same bytes give the same key. */
export function makeHostKey(secret: string): HostKey {
  const seed = Buffer.from(secret, "hex")
  if (seed.length !== 32) throw new Error("a host key is made of 32 bytes")
  const pair = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: "der", type: "pkcs8" })
  const point = Buffer.from(createPublicKey(pair).export({ format: "jwk" }).x ?? "", "base64url")
  const blob = Buffer.concat([field(type), field(point)])
  const encoded = blob.toString("base64")
  return { privateKey: openSshFile(blob, seed, point), publicKey: `${type} ${encoded}`, fingerprint: fingerprintOf(blob) }
}

/** The file format of OpenSSH (PROTOCOL.key), without a passphrase: ssh2 reads no PKCS#8 for Ed25519. */
function openSshFile(blob: Buffer, seed: Buffer, point: Buffer): string {
  // Two equal numbers show whoever decrypts that the passphrase was right; there is none here.
  const parts = [Buffer.alloc(8), field(type), field(point), field(Buffer.concat([seed, point])), field("freehold")]
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const padding = Buffer.from(Array.from({ length: (8 - (length % 8)) % 8 }, (_, index) => index + 1))
  const inner = Buffer.concat([...parts, padding])
  const file = Buffer.concat([
    Buffer.from(magic),
    field("none"),
    field("none"),
    field(""),
    Buffer.from([0, 0, 0, 1]),
    field(blob),
    field(inner),
  ])
  const lines = file.toString("base64").match(/.{1,70}/g) ?? []
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`
}

/** A string as SSH writes it: its length in four bytes first (RFC 4251 section 5). */
function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  const size = Buffer.alloc(4)
  size.writeUInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}
