import type { Log } from "../log"
import type { CertificateStore, StoredCertificate } from "./certificate-store"

export type HeldCertificatesOptions = {
  store: CertificateStore
  /** Whether a name is here. */
  gate: (hostname: string) => boolean
  /** Whose a name is now: a person, or empty where it is the house's own. */
  holderOf: (hostname: string) => Promise<string>
  /** A certificate was deleted, of which nobody may keep a copy. */
  onDeleted: (hostname: string) => void
  log: Log
}

/** The certificates in the store, each for the one who held the name when it was ordered. */
export class HeldCertificates {
  readonly holderOf: (hostname: string) => Promise<string>

  constructor(private options: HeldCertificatesOptions) {
    this.holderOf = options.holderOf
  }

  /** The certificate of whoever holds the name now; that of anybody before is deleted, for its key is not theirs. */
  async find(hostname: string): Promise<StoredCertificate | undefined> {
    const { store, gate, onDeleted, log } = this.options
    const stored = await store.find(hostname)
    if (stored === undefined || stored.holder === (await this.holderOf(hostname))) return stored
    // Of a name that is nobody's now it waits for its holder.
    if (!gate(hostname)) return undefined
    log.info("certificate of an earlier holder deleted", { hostname })
    await store.delete(hostname)
    onDeleted(hostname)
    return undefined
  }

  /** Deletes the certificates, with their keys, that have ended and whose names are not here any more. */
  async sweep(now: number): Promise<void> {
    const { store, gate } = this.options
    for await (const { hostname } of store.ended(now)) if (!gate(hostname)) await store.delete(hostname)
  }
}
