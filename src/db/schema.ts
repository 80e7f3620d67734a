import type { Generated } from "kysely"

/** Tables as types; columns are snake_case in SQL and camelCase here. Times are Unix milliseconds, flags 0 or 1, lists and maps JSON text. */
export interface Schema {
  people: PersonRow
  sessions: SessionRow
  serviceAccounts: ServiceAccountRow
  apiTokens: ApiTokenRow
  setupLinks: SetupLinkRow
  ownedDomains: OwnedDomainRow
  containers: ContainerRow
  domainMappings: DomainMappingRow
  certificates: CertificateRow
  certificateAttempts: CertificateAttemptRow
  issuerAccounts: IssuerAccountRow
  trafficMinutes: TrafficTable
  trafficHours: TrafficTable
}

export interface PersonRow {
  id: string
  username: string
  displayName: string
  passwordHash: string
  isAdmin: number
  createdAt: number
}

export interface SessionRow {
  id: string
  personId: string
  address: string
  createdAt: number
  expiresAt: number
}

export interface ServiceAccountRow {
  id: string
  personId: string
  name: string
  scopes: string
  createdAt: number
}

export interface ApiTokenRow {
  id: string
  personId: string
  serviceAccountId: string | null
  name: string
  hash: string
  scopes: string | null
  /** 0 means never. */
  expiresAt: number
  lastUsedAt: number
  createdAt: number
}

export interface SetupLinkRow {
  hash: string
  expiresAt: number
}

export interface OwnedDomainRow {
  id: string
  personId: string
  sealedToken: string
  /** JSON list of zone names. */
  zones: string
  createdAt: number
}

export interface ContainerRow {
  id: string
  personId: string
  name: string
  kind: "engine" | "external"
  image: string | null
  memoryMb: number
  storageGb: number
  instanceType: string
  pullPolicy: string
  desired: "running" | "stopped"
  status: "pending" | "initializing" | "running" | "stopped" | "failed"
  statusDetail: string | null
  engineId: string | null
  address: string | null
  /** JSON map of container port to real port; external containers only. */
  ports: string
  createdAt: number
}

export interface DomainMappingRow {
  id: string
  personId: string
  domain: string
  containerId: string
  targetPort: number
  /** What a request over plain HTTP gets: a redirect to HTTPS, or the application. */
  http: "redirect" | "serve"
  /** What the application speaks: HTTP/1.1, or HTTP/2 in clear. */
  upstreamProtocol: "http1" | "h2c"
  /** Whether requests stand in the access log. */
  accessLog: number
  status: "pending" | "verified" | "failed"
  verifyToken: string
  /** How the name was proved: txt, provider or private; null while it is not. */
  proof: string | null
  /** Start of the current verification window; a verify on a failed mapping restarts it. */
  windowStartedAt: number
  nextCheckAt: number
  checks: number
  lastDetail: string | null
  createdAt: number
  verifiedAt: number | null
}

export interface CertificateRow {
  hostname: string
  issuer: string
  /** Leaf first, then its chain, PEM. */
  chain: string
  sealedKey: string
  notBefore: number
  notAfter: number
  renewAt: number
  createdAt: number
}

export interface CertificateAttemptRow {
  hostname: string
  failures: number
  lastAttemptAt: number
  nextAttemptAt: number
  /** What the issuer said: the raw ACME problem document where there is one (RFC 8555 section 6.7), else a sentence. */
  problem: string
}

export interface IssuerAccountRow {
  /** The directory URL, or `internal` for the built-in CA. */
  issuer: string
  accountUrl: string | null
  /** PEM of the CA certificate, for the built-in CA only. */
  certificate: string | null
  sealedKey: string
  createdAt: number
}

/** What was counted for one mapping in the minute or the hour that begins at `start`. It outlives its mapping, so it refers to none. */
export interface TrafficTable {
  id: Generated<number>
  mappingId: string
  start: number
  requests: number
  status1xx: number
  status2xx: number
  status3xx: number
  status4xx: number
  status5xx: number
  bytesIn: number
  bytesOut: number
  /** Total times, as `traffic/histogram.ts` encodes them. */
  histogram: Uint8Array
}
