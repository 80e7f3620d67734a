/** A DNS record that Freehold wrote at somebody's provider, until it is known to be gone. Times are Unix milliseconds. */
export interface WrittenRecordRow {
  id: string
  personId: string
  zone: string
  name: string
  type: string
  /** Without the priority of an MX or SRV. */
  value: string
  /** 0 where the type has none. */
  priority: number
  /** Seconds; null where the provider chooses. */
  ttl: number | null
  /** What it was written for. It may be gone by now, and so may its holder and the credential. */
  hostname: string
  holderKind: "mapping" | "connection"
  holderId: string
  purpose: "address" | "ownership" | "email" | "template"
  credentialKind: "owned_domain" | "application"
  credentialId: string
  provider: string
  writtenAt: number
  /** When its zone's servers were last asked for it on demand. */
  lookedAt: number | null
  /** When they last answered. */
  seenAt: number | null
  /** Whether they showed it then, 0 or 1. */
  stands: number | null
}
