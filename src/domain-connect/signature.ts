import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto"
import { AppError } from "../errors"

const leastBits = 2048
/** So that `p=…,a=RS256,d=` and the data fit into one string of 255 octets. */
const dataLength = 230

/** Reads the key that signs apply URLs: an RSA private key of at least 2048 bits in PEM, without a passphrase. Throws `invalid`, without the key's text. */
export function readSigningKey(pem: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    throw new AppError("invalid", "the Domain Connect signing key must be a private key in PEM, without a passphrase")
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (key.asymmetricKeyType !== "rsa" || bits < leastBits)
    throw new AppError("invalid", `the Domain Connect signing key must be an RSA key of at least ${leastBits} bits`)
  return key
}

/** RSASSA-PKCS1-v1_5 with SHA-256 over the query string exactly as it is sent, without `sig` and `key`; base64. */
export function signQuery(query: string, key: KeyObject): string {
  return sign("sha256", Buffer.from(query, "utf8"), key).toString("base64")
}

/** The TXT values that publish the public half: its SubjectPublicKeyInfo in base64, in numbered pieces. */
export function publicKeyTexts(key: KeyObject): string[] {
  const data = createPublicKey(key).export({ type: "spki", format: "der" }).toString("base64")
  const pieces = data.match(new RegExp(`.{1,${dataLength}}`, "g")) ?? []
  return pieces.map((piece, index) => `p=${index + 1},a=RS256,d=${piece}`)
}
