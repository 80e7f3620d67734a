import type { Generated, Selectable } from "kysely"
import type { ConnectSchema } from "./connect-schema"
import type { StorageSchema } from "./storage-schema"
import type { TimelineTable } from "./timeline-schema"
import type { WatchSchema } from "./watch-schema"
import type { WebhookSchema } from "./webhook-schema"
import type { WrittenRecordRow } from "./written-record-schema"

/** Tables as types; columns are snake_case in SQL and camelCase here. Times are Unix milliseconds, flags 0 or 1, lists and maps JSON text. */
export interface Schema extends ConnectSchema, StorageSchema, WatchSchema, WebhookSchema {
  timelineEntries: TimelineTable
  people: PersonRow
  sessions: SessionRow
  serviceAccounts: ServiceAccountRow
  apiTokens: ApiTokenRow
  setupLinks: SetupLinkRow
  securityKeys: SecurityKeyRow
  totpSecrets: TotpSecretRow
  recoveryCodes: RecoveryCodeRow
  resetLinks: ResetLinkRow
  auditEntries: AuditTable
  ownedDomains: OwnedDomainRow
  containers: ContainerTable
  ingressRules: IngressRuleTable
  instanceTypes: InstanceTypeRow
  volumes: VolumeRow
  registryCredentials: RegistryCredentialRow
  peopleSshKeys: SshKeyTable
  domainMappings: DomainMappingRow
  certificates: CertificateRow
  certificateAttempts: CertificateAttemptTable
  issuerAccounts: IssuerAccountRow
  issuanceBuckets: IssuanceBucketRow
  askedNames: { hostname: string; firstAt: number; lastAt: number }
  publicAddresses: PublicAddressRow
  openOrders: OpenOrderRow
  trafficMinutes: TrafficTable
  trafficHours: TrafficTable
  writtenRecords: WrittenRecordRow
}

export interface PersonRow {
  id: string
  username: string
  displayName: string
  passwordHash: string
  isAdmin: number
  createdAt: number
  /** Null while the person may sign in. */
  disabledAt: number | null
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

export interface ResetLinkRow {
  hash: string
  personId: string
  expiresAt: number
}

/** One line of the audit trail. It outlives its person, so it refers to none and keeps the name of then. */
export interface AuditTable {
  id: Generated<number>
  at: number
  /** Null where nobody was recognised. */
  personId: string | null
  username: string | null
  tokenKind: "session" | "api_token" | "api_key" | "widget_token" | "ssh_key" | "storage_key" | null
  /** Of an SSH key the fingerprint. */
  tokenId: string | null
  address: string
  /** Method and route, such as `DELETE /api/domain-mappings/:id`, `SSH login` or `S3 CreateBucket`. */
  action: string
  /** Ids of the path, joined by slashes, or the id of what was made. */
  target: string | null
  outcome: "allowed" | "denied" | "failed"
  /** Of the HTTP answer; null for what is no HTTP request. */
  status: number | null
}

export interface SecurityKeyRow {
  /** The credential id in base64url, as the authenticator chose it. */
  id: string
  personId: string
  name: string
  /** In COSE form (RFC 9052 section 7). */
  publicKey: Uint8Array
  /** The authenticator's signature counter; 0 for those that have none. */
  counter: number
  /** JSON list of how browsers reach it. */
  transports: string
  createdAt: number
  /** 0 for never. */
  lastUsedAt: number
}

export interface TotpSecretRow {
  personId: string
  /** Base32, sealed. */
  sealedSecret: string
  /** The last time step whose code was used. */
  lastStep: number
  createdAt: number
  /** Null while no code of it has been seen. */
  confirmedAt: number | null
}

export interface RecoveryCodeRow {
  hash: string
  personId: string
}

export interface OwnedDomainRow {
  id: string
  personId: string
  sealedToken: string
  /** JSON list of zone names. */
  zones: string
  createdAt: number
}

/** Columns that have a default may be left out of an insert. */
export interface ContainerTable {
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
  /** JSON map of environment variables. */
  env: Generated<string>
  /** JSON list of words; null for the image's own command. */
  command: Generated<string | null>
  restartPolicy: Generated<"no" | "on-failure" | "always">
  /** How often it was started again since it last ran for long. */
  restarts: Generated<number>
  /** When it is started again after its end; null when it is not. */
  restartAt: Generated<number | null>
  /** The most processes and threads; null for what the instance type allows. */
  pidsLimit: Generated<number | null>
  /** JSON list of absolute paths whose contents are kept. */
  mountPaths: Generated<string>
  sshEnabled: Generated<number>
  /** 1 for a container of the engine that Freehold did not make. */
  adopted: Generated<number>
}

export type ContainerRow = Selectable<ContainerTable>

/** One port of a container that is open to the world: at `port` of `<id>.compute.<base>`. */
export interface IngressRuleTable {
  id: Generated<number>
  containerId: string
  port: number
  targetPort: number
  createdAt: number
}

export type IngressRuleRow = Selectable<IngressRuleTable>

export interface InstanceTypeRow {
  name: string
  /** Processors, as a fraction of one where it is less. */
  cpus: number
  /** The most processes and threads. */
  pids: number
  /** Place in lists. */
  position: number
}

/** A folder of the data folder that stands at `path` in a container; it stays when the path is no longer mounted. */
export interface VolumeRow {
  id: string
  containerId: string
  path: string
  createdAt: number
}

export interface RegistryCredentialRow {
  id: string
  personId: string
  /** Host and port, as an image reference begins. */
  registry: string
  username: string
  sealedPassword: string
  createdAt: number
}

/** A public key with which a person logs in to their containers. */
export interface SshKeyTable {
  id: Generated<number>
  personId: string
  name: string
  /** One line in OpenSSH's form. */
  publicKey: string
  /** `SHA256:…`, once for each person. */
  fingerprint: string
  createdAt: number
}

export type SshKeyRow = Selectable<SshKeyTable>

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
  /** The person whose name it was certified as; empty for the house's own. */
  holder: Generated<string>
}

export interface IssuanceBucketRow {
  directory: string
  kind: string
  subject: string
  /** When it is full again. */
  fullAt: number
  /** How many it held when that was reckoned; 0 where its number is not known. */
  capacity: number
  /** Until when the directory has closed it, and what it said; 0 for never. */
  closedUntil: number
  said: string
}

export interface PublicAddressRow {
  address: string
  family: number
  since: number
  /** Null for one that this house has now. */
  leftAt: number | null
}

export interface CertificateAttemptRow {
  hostname: string
  failures: number
  lastAttemptAt: number
  nextAttemptAt: number
  /** What the issuer said: the raw ACME problem document where there is one (RFC 8555 section 6.7), else a sentence. */
  problem: string
  /** 1 where a limit keeps the order waiting, ours or one that the CA told of, and nothing is wrong with the name. */
  putOff: number
}

export type CertificateAttemptTable = Omit<CertificateAttemptRow, "putOff"> & { putOff: Generated<number> }

export interface OpenOrderRow {
  /** The directory URL. */
  issuer: string
  hostname: string
  url: string
  /** The key that the certificate will be for. */
  sealedKey: string
  createdAt: number
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

/** What was counted for one mapping or connection in the minute or the hour that begins at `start`. It outlives them, so it refers to none. */
export interface TrafficTable {
  id: Generated<number>
  holderId: string
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
