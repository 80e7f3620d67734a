import type { CertificateStanding } from "../certificate-standing"
import type { ConnectionRow, Environment } from "../db/connect-schema"
import type { Db } from "../db/open"
import type { Log } from "../log"
import type { ConnectionStore } from "./connection-store"
import type { Credentials } from "./credentials"
import type { DnsRecord } from "./model"
import type { EdgeAddress } from "./records"
import type { Usage } from "./usage"

/** Edits one customer's DNS with a stored credential. Its methods throw AppError `bad_gateway` with the provider's words. */
export type DnsWriter = {
  /** The zone with the longest name around the hostname that the credential edits, or undefined. */
  zoneOf(hostname: string, signal: AbortSignal): Promise<string | undefined>
  /** Makes the records be there: other values of their sets stay, and what cannot stand beside them goes. */
  write(zone: string, records: DnsRecord[], signal: AbortSignal): Promise<void>
  /** Takes these records away, and leaves what others have put beside them. */
  remove(zone: string, records: DnsRecord[], signal: AbortSignal): Promise<void>
}

/** What was seen of one wanted record; `authorities` are the zone's own servers. Further fields are shown as they are. */
export type RecordReport = {
  record: DnsRecord
  propagated: boolean
  observedValue: string | null
  authorities: { server: string; outcome: string; values: string[] }[]
  recursives: { resolver: string; outcome: string; values: string[]; ttlLeftSeconds?: number }[]
  explanation: string
}

/** A record that was written, and what for. */
export type WrittenDnsRecord = DnsRecord & { purpose: "address" | "ownership" | "email" | "template" }

/** What stands in the way of a certificate and of visitors; `sentence` and `fix` are for people. */
export type PreflightVerdict = { verdict: "ready" | "warning" | "blocked"; sentence: string; fix: string | null }

/** What is known of a hostname before anything is made. */
export type Place = { apex: string; kind: "apex" | "subdomain"; provider: string | null; flattens: boolean }

/** An address that was ours until a moment, and the one in its place where there is one. */
export type FormerAddress = { address: string; leftAt: number; successor: string | undefined }

/** What receivers of webhooks are told of. */
export type ConnectEventType =
  "domain.added" | "domain.verified" | "ssl.issued" | "domain.flow.completed" | "domain.drift" | "domain.recovered"

/** An event for the receivers of webhooks; `jobId` is the connection. */
export type ConnectEvent = {
  personId: string
  environment: Environment
  type: ConnectEventType
  jobId: string
  data: Record<string, unknown>
  at: number
}

/** What connections need of the rest of the house, wired in `app/`. */
export type ConnectNeeds = {
  store: ConnectionStore
  usage: Usage
  credentials: Credentials<DnsWriter>
  baseDomain: string
  edge: () => EdgeAddress
  place: (hostname: string) => Promise<Place>
  /** Whether a TXT record has this value at some authoritative server, and what was found where. */
  checkTxt: (name: string, value: string) => Promise<{ proven: boolean; detail: string }>
  judge: (records: DnsRecord[]) => Promise<RecordReport[]>
  preflight: (row: ConnectionRow) => Promise<PreflightVerdict>
  /** The zone that the parent delegates and the hostname lies in, as the world sees it. */
  delegatedZone: (hostname: string) => Promise<string | undefined>
  /** Where the customer's browser goes to let their DNS provider enter the records; undefined where that is not offered. Never throws. */
  applyUrl: (row: ConnectionRow) => Promise<string | undefined>
  /** Where the person may delegate the DNS challenges of a name to; undefined where that is not offered. */
  challengeTarget: (personId: string, hostname: string) => string | undefined
  /** Whether the built-in CA certifies the name, which needs no challenge. */
  isOwnIssuer: (hostname: string) => boolean
  /** Addresses that were ours not long ago, the last one left first. Answered from memory. */
  formerAddresses: () => FormerAddress[]
  /** The set of proven hostnames changed: the edge must hear of it before this resolves. */
  publish: () => Promise<void>
  /** Ends when the name has a certificate, or why it has none is on record; never rejects. */
  obtain: (hostname: string) => Promise<void>
  certificate: (hostname: string) => Promise<CertificateStanding>
  forgetCertificate: (hostname: string) => Promise<void>
  /** Keeps the event with the caller's own change, so that both happen or neither. */
  enqueue: (trx: Db, event: ConnectEvent) => Promise<void>
  /** Events were kept: they may be sent. */
  kick: () => void
  /** Records were written in a zone for the connection, by a credential of its application; never throws. */
  wrote: (row: ConnectionRow, zone: string, credential: { id: string; provider: string }, records: WrittenDnsRecord[]) => Promise<void>
  /** Puts something on a hostname's timeline; never throws. */
  note: (row: ConnectionRow, kind: "state" | "dns" | "preflight" | "record", text: string, data?: Record<string, unknown>) => void
  /** How often an unproven or unfinished connection is looked at, at first. */
  intervalMs: number
  /** How long an unproven one is looked at. */
  expiryMs: number
  /** How often a live one is looked at. */
  driftIntervalMs: number
  log: Log
  now: () => number
  /** The time by which what waits is too old; the clock's where it is left out. */
  agingNow?: () => number
}
