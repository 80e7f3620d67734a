/** A zone as its provider lists it. */
export type ProviderZone = {
  id: string
  /** Canonical: lower case, A-labels, no trailing dot. */
  name: string
  /** The provider has seen that the domain is delegated to it; anyone can list a name that is not, so only a `proven` zone proves ownership. */
  proven: boolean
}

/** Edits DNS at a provider on behalf of the holder of a token; every method throws ProviderError and ends within a time limit. */
export interface ZoneProvider {
  /** All zones the token can see, up to `maxZones`. */
  listZones(token: string, options?: { timeoutMs?: number }): Promise<ProviderZone[]>
  /** Makes one DNS-only CNAME the only address record at `host`, or changes nothing at all. */
  upsertCname(token: string, zoneId: string, host: string, target: string): Promise<void>
  /** Removes the CNAME at `host` where it still points at `target`; false where there was none. */
  removeCname(token: string, zoneId: string, host: string, target: string): Promise<boolean>
  /** Adds a TXT record with this plain text of at most 255 octets, beside those that are there; one that says the same is left as it is. */
  addTxt(token: string, zoneId: string, name: string, text: string): Promise<void>
  /** Removes the TXT record with this text; false where there was none. */
  removeTxt(token: string, zoneId: string, name: string, text: string): Promise<boolean>
}

/** More zones than this behind one token are not listed. */
export const maxZones = 1000

/**
 * `denied`: the provider does not accept the token for this. `refused`: it accepts the token and not the change.
 * `unreachable`: it could not be asked, or gave no answer that says anything of the token (time, network, overload, a page from a middlebox).
 */
export class ProviderError extends Error {
  /** The message may be logged: it holds no token. */
  constructor(
    readonly reason: "denied" | "refused" | "unreachable",
    message: string,
  ) {
    super(message)
    this.name = "ProviderError"
  }
}
