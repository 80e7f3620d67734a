/** The record types that are written at providers. */
export type RecordSetType = "A" | "AAAA" | "CNAME" | "TXT" | "MX" | "CAA" | "SRV"

/**
 * All records of one name and type (an RRset, RFC 2181 section 5). `name` is the whole name in canonical form: lower case, A-labels, no trailing
 * dot; its first label may be `*`. Values are in presentation form: a TXT as plain text of any length without quotes, names in lower case without a
 * trailing dot, an MX as `10 mail.example.com`, an SRV as `0 5 443 host.example.com`, a CAA as `0 issue "letsencrypt.org"`. Their order means nothing.
 */
export type RecordSet = { name: string; type: RecordSetType; ttlSeconds: number; values: string[] }

/**
 * A zone that a credential can edit; `id` is the provider's own handle, `nameServers` are those that the provider serves it from, and
 * `minTtlSeconds` the least TTL that it takes in this zone, both where it says.
 */
export type EditableZone = { id: string; name: string; nameServers?: string[]; minTtlSeconds?: number }

/**
 * Edits DNS at one provider with one credential. Every method ends when the signal says, and throws ProviderFault for whatever the provider or the
 * network is like. What is done twice is as if it were done once. A change that failed may be half done where the provider cannot do it as one
 * (docs/PROVIDERS.md); to do it again completes it.
 */
export interface DnsProvider {
  /** The zone with the longest name around the hostname that this credential can edit, or undefined where it can edit none. */
  findZone(hostname: string, signal: AbortSignal): Promise<EditableZone | undefined>
  /** The set as the provider has it now, in canonical form, or undefined where there is none. */
  readSet(zone: EditableZone, name: string, type: RecordSetType, signal: AbortSignal): Promise<RecordSet | undefined>
  /**
   * Makes the set exactly this, without values: removes it. Other sets are left alone. A TTL that the provider does not take becomes the nearest
   * that it does. Throws `refused` for a name outside the zone.
   */
  replaceSet(zone: EditableZone, set: RecordSet, signal: AbortSignal): Promise<void>
  /**
   * Makes the set what `change` says of the one that is there, `undefined` being none, so that what somebody else changes meanwhile is not lost; only
   * where the provider can tell that something was. `change` may be asked again; where it answers undefined, all stays. False where nothing was changed.
   */
  updateSet?(zone: EditableZone, name: string, type: RecordSetType, change: SetChange, signal: AbortSignal): Promise<boolean>
  /** Does several `replaceSet` of one zone as one change, so that all are done or none; only where the provider can do that. */
  replaceSets?(zone: EditableZone, sets: RecordSet[], signal: AbortSignal): Promise<void>
}

export type SetChange = (present: RecordSet | undefined) => RecordSet | undefined

/** One value of a credential, under the name that the provider's own pages give it. */
export type CredentialField = {
  /** What it is called in requests. */
  key: string
  label: string
  /** Where it is found, or what it is like; a sentence. */
  hint?: string
  /** Not shown while it is typed. */
  isSecret?: true
  isOptional?: true
  /** A document of many lines. */
  isLong?: true
  choices?: readonly string[]
  /** What it has to be like, and the rule in words, as in "must be an IPv4 address"; visible ASCII without blanks where it is left out. */
  form?: { pattern: RegExp; rule: string }
}
/** The address to connect to of a host that a credential names; throws ProviderFault where it may not be reached from here, or has none. */
export type Reach = (host: string, port: number) => Promise<string>

/** How one provider is spoken to. */
export type ProviderAdapter = {
  /** As in `GET /v1/providers`, such as `digitalocean`. */
  key: string
  name: string
  /** What the credential looks like, for people: `apikey:secretapikey`. */
  credentialHint: string
  /** The provider's own page about making such a credential. */
  docsUrl: string
  /** Where the provider makes them, where that has one address for everybody. */
  madeAt?: string
  /** What the credential is asked for as. */
  fields: readonly CredentialField[]
  /** What it has to be allowed, each as the provider calls it, and what else has to be so. */
  rights: readonly string[]
  /** The credential of the values of its fields, checked before; left out where it is the value of the only one. */
  compose?: (values: Record<string, string>) => string
  /** Throws AppError `invalid`, with the hint, where the credential has not the form; asks nobody. `baseUrl` stands in for the provider's API; `reach` is asked where the credential says which host that is. */
  open(credential: string, options?: { baseUrl?: string; reach?: Reach }): DnsProvider
}

export type FaultReason = "denied" | "refused" | "rate_limited" | "unreachable"

/**
 * `denied`: the provider does not accept the credential for this. `refused`: it accepts the credential and not the change. `rate_limited`: later,
 * `retryAfterMs` from now where it says. `unreachable`: it could not be asked, or gave no answer that says anything (time, network, overload).
 */
export class ProviderFault extends Error {
  readonly retryAfterMs: number | undefined

  /** The message may be logged and shown: it holds no credential. */
  constructor(
    readonly reason: FaultReason,
    message: string,
    options: { retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = "ProviderFault"
    this.retryAfterMs = options.retryAfterMs
  }
}
