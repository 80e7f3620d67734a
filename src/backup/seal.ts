import { Decrypter, Encrypter } from "age-encryption"
import { AppError } from "../errors"

/** With what a backup is encrypted: a passphrase, or public keys of age (`age1…`). */
export type SealKey = { passphrase: string } | { recipients: string[] }

/** With what it is opened: a passphrase, or secret keys of age (`AGE-SECRET-KEY-…`). */
export type OpenKey = { passphrase: string } | { identities: string[] }

const leastPassphrase = 10

/** Encrypts a stream in the age format (age-encryption.org/v1), which the `age` program reads too. Throws `invalid` for a key that is none. */
export async function seal(plain: ReadableStream<Uint8Array>, key: SealKey): Promise<ReadableStream<Uint8Array>> {
  const encrypter = new Encrypter()
  if ("passphrase" in key) {
    if (key.passphrase.length < leastPassphrase)
      throw new AppError(
        "invalid",
        `the passphrase must have at least ${leastPassphrase} characters: whoever has the file can try as many as they like`,
      )
    encrypter.setPassphrase(key.passphrase)
  } else {
    if (key.recipients.length === 0) throw new AppError("invalid", "a backup is encrypted for at least one recipient, or with a passphrase")
    for (const recipient of key.recipients) {
      try {
        encrypter.addRecipient(recipient)
      } catch {
        throw new AppError(
          "invalid",
          `"${recipient.slice(0, 80)}" is not a public key of age: those begin with age1 ("age-keygen" makes one)`,
        )
      }
    }
  }
  return encrypter.encrypt(plain)
}

/** Opens what `seal` or the `age` program made. Throws `invalid` where the key does not fit or the file is none; what was changed or cut off fails while it is read. */
export async function open(sealed: ReadableStream<Uint8Array>, key: OpenKey): Promise<ReadableStream<Uint8Array>> {
  const decrypter = new Decrypter()
  if ("passphrase" in key) decrypter.addPassphrase(key.passphrase)
  else
    for (const identity of key.identities) {
      try {
        decrypter.addIdentity(identity)
      } catch {
        throw new AppError("invalid", "a secret key is not one of age: those begin with AGE-SECRET-KEY-1")
      }
    }
  try {
    return await decrypter.decrypt(sealed)
  } catch (error) {
    throw new AppError("invalid", explain(error, "passphrase" in key), { cause: error })
  }
}

function explain(error: unknown, isPassphrase: boolean): string {
  const said = error instanceof Error ? error.message : String(error)
  if (/no identity|incorrect passphrase|passphrase/i.test(said))
    return isPassphrase ? "the passphrase does not open this backup" : "none of the secret keys opens this backup"
  return `this file is not a backup of Freehold, or its beginning is damaged (${said})`
}
