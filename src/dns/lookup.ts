/** What one authoritative server (or one DoH resolver) said about a name. */
export type ServerAnswer = {
  /** Name of the server, such as `ns1.example.net`. */
  server: string
  /** Address that was asked, with the port where it is not 53. */
  address: string
  /** `nodata`: the name exists but has no such record (RFC 2308). `lame`: answered without authority. `unreachable`: no reply within the time, or the network refused. */
  outcome: "answer" | "nodata" | "nxdomain" | "servfail" | "refused" | "lame" | "malformed" | "unreachable"
  /** Record data in presentation form; a TXT record's character-strings are joined (RFC 7208 section 3.3). */
  values: string[]
  /** Seconds; the least of the records. */
  ttlSeconds?: number
  /** The RRSIGs over the records, in presentation form, where the look-up asked for them and there are any. */
  signatures?: string[]
  /** The name asked for, where a CNAME led away from the name of the look-up. */
  name?: string
  /** What stood behind an outcome that is neither an answer nor a plain denial, such as `connection refused`. */
  detail?: string
}

export type RecordType = "A" | "AAAA" | "CNAME" | "TXT" | "NS" | "CAA" | "SOA" | "MX" | "SRV" | "DS" | "DNSKEY" | "RRSIG"

/**
 * Why a look-up as a whole went wrong. `servers_unusable`: the zone is delegated, and none of its servers gave a usable answer. `port_closed`: nobody could
 * be asked at port 53, or somebody answers in the place of the root servers.
 */
export type LookupFault =
  "bad_name" | "no_delegation" | "servers_unusable" | "loop" | "chain_too_long" | "out_of_time" | "port_closed" | "stopped"

/** The outcome of asking every authoritative server of a name's zone. */
export type Lookup = {
  name: string
  type: RecordType
  /** The zone whose servers were asked, after following CNAMEs; undefined when no delegation was found. */
  zone: string | undefined
  /** `doh`: port 53 is closed outward, so a recursive resolver was asked over HTTPS and the answer may be cached. */
  via: "authoritative" | "doh"
  answers: ServerAnswer[]
  /** One sentence where the look-up as a whole went wrong: no delegation, loop, out of time, port 53 blocked. */
  problem?: string
  /** What kind of problem that is. */
  fault?: LookupFault
}

/** `signed` asks for signatures too (the DO bit of RFC 3225). */
export type LookupOptions = { signed?: boolean }

/** Asks the DNS; `dns/resolver.ts` is the real one. DS records are asked for at the parent's servers (RFC 4035 section 3.1.4.1). Never throws for what the network does: it is in the Lookup. */
export interface DnsLookup {
  lookup(name: string, type: RecordType, options?: LookupOptions): Promise<Lookup>
}
