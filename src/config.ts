import { join } from "node:path"
import { ConfigError, dataDirOf, type Environment, gatherSettings, type GivenSettings } from "./given-settings"
import { isWithin } from "./hostname"
import type { LogLevel } from "./log"
import type { Given, Listen } from "./settings"

export { ConfigError }

/** Everything the appliance was told, validated and frozen. Times are in milliseconds. */
export type Config = Readonly<{
  dataDir: string
  baseDomain: string
  httpListen: Listen
  httpsListen: Listen
  apiListen: Listen
  dnsListen: Listen | undefined
  sshListen: Listen | undefined
  /** Undefined leaves the number to the edge. */
  edgeWorkers: number | undefined
  maxConnections: number
  trustedProxies: string[]
  proxyProtocol: string[]
  drainLimitMs: number
  holdLimitMs: number
  publicIpv4: string | undefined
  publicIpv6: string | undefined
  /** Undefined: the public address is not looked for. */
  addressIntervalMs: number | undefined
  addressMirror: string
  addressGraceMs: number
  /** A directory URL, or `internal` for the built-in CA. */
  acmeDirectory: string
  acmeTestDirectory: string | undefined
  acmeOrderLimit: number
  /** Certificates a week for one registered domain, where the settings say. */
  acmeDomainLimit: number | undefined
  askDomainBudget: number
  askBudget: number
  handshakeBudget: number
  handshakeDomainBudget: number
  acmeFallbackDirectory: string | undefined
  /** PEM text of the extra trust root for the directory. */
  acmeCa: string | undefined
  acmeEmail: string | undefined
  acmeEab: { kid: string; hmac: string } | undefined
  /** As `parseRoots` reads it; undefined for the root hints that come with the binary. */
  dnsRoots: string | undefined
  dnsPort: number
  /** Recursive resolvers that propagation is looked at; may be empty. */
  dnsRecursives: { address: string; port: number }[]
  dnsDoh: string | undefined
  containerEngine: string | undefined
  containerLimit: number
  cloudflareApi: string
  /** 64 hexadecimal characters; `none` switches the provider integration off, undefined asks for a generated key. */
  encryptionKey: string | undefined
  /** Undefined asks for a generated one. */
  jwtSecret: string | undefined
  admin: { username: string; password: string } | undefined
  verifyIntervalMs: number
  defaultOrigin: string | undefined
  driftIntervalMs: number
  verifyExpiryMs: number
  maxPendingMappings: number
  auditRetentionMs: number
  privateZones: string[]
  allowUpstreams: string[]
  /** The signing key is PEM, as it was given. */
  domainConnect: { provider: string; service: string; keyLabel?: string; signingKey?: string } | undefined
  /** 0 for none, in both. */
  storageFloorBytes: number
  storageQuotaBytes: number
  storageUploadExpiryMs: number
  storageScrubIntervalMs: number
  storageScrubRate: number
  backup: BackupSettings
  /** False: another program moves the write-ahead log into the store. */
  storeCheckpoints: boolean
  webhookAllow: string[]
  metricsHostnames: string[]
  /** Who is told of trouble; whole, or undefined. */
  alerts: {
    webhook: string | undefined
    ntfy: { url: string; token: string | undefined } | undefined
    mail: { url: string; from: string; to: string[] } | undefined
  }
  logLevel: LogLevel
  accessLog: boolean
  allowedOrigins: string[]
}>

/** How and where to backups are made. */
export type BackupSettings = {
  /** A folder, or `s3://bucket/prefix`. */
  to: string | undefined
  /** Undefined: not by itself. */
  everyMs: number | undefined
  key: { recipients: string[] } | { passphrase: string } | undefined
  keep: number
  objects: "none" | "inside" | "beside"
  volumes: boolean
  s3:
    | { endpoint: string; region: string; style: "path" | "virtual"; accessKey: string; secretKey: string; ca: string | undefined }
    | undefined
}

/** The settings in force, for those who look at every use: some change while running. */
export type ConfigInForce = { readonly current: Config }

/** Descriptors of sockets that listen already, for the HTTPS and the plain listener. */
export type ActivationSockets = { https?: number; http?: number }

/** What a command of the client needs of the environment. */
export type ClientEnvironment = {
  server: string | undefined
  token: string | undefined
  configFolder: string
  isRemote: boolean
}

const firstActivationFd = 3
const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

/** Flags over environment over configuration file over what was set while running over defaults. `args` are the words behind the verb. Throws ConfigError. */
export function loadConfig(args: string[], environment: Environment = process.env, isRoot = process.getuid?.() === 0): Config {
  return completeConfig(readSettings(args, environment, isRoot).given, isRoot)
}

/** Reads what was given and where, files anew at each call; a setting that names a file of text has the text. Throws ConfigError. */
export function readSettings(args: string[], environment: Environment = process.env, isRoot = process.getuid?.() === 0): GivenSettings {
  return gatherSettings(args, environment, isRoot)
}

/** `FREEHOLD_SERVER` and `FREEHOLD_TOKEN`, the folder for the client's own file, and whether the person is logged in by SSH, so that their browser is elsewhere. */
export function clientEnvironment(environment: Environment = process.env): ClientEnvironment {
  const base = environment.XDG_CONFIG_HOME || join(environment.HOME || "/root", ".config")
  return {
    server: environment.FREEHOLD_SERVER || undefined,
    token: environment.FREEHOLD_TOKEN || undefined,
    configFolder: join(base, "freehold"),
    isRemote: Boolean(environment.SSH_CONNECTION || environment.SSH_TTY),
  }
}

/** The socket at which systemd wants to hear that a `Type=notify` service is ready. */
export function notifySocket(environment: Environment = process.env): string | undefined {
  return environment.NOTIFY_SOCKET || undefined
}

/** Within how many milliseconds systemd wants to hear from this process again and again (`WatchdogSec`); undefined where it does not. */
export function watchdogMs(environment: Environment = process.env, pid = process.pid): number | undefined {
  const { WATCHDOG_USEC = "", WATCHDOG_PID } = environment
  // Left over from a parent for whom it was.
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(pid)) return undefined
  return /^[1-9]\d{0,15}$/.test(WATCHDOG_USEC) ? Number(WATCHDOG_USEC) / 1000 : undefined
}

/** Listening sockets that systemd handed over, as descriptors by what they are for (sd_listen_fds(3)). Throws ConfigError for one without a use. */
export function activationSockets(environment: Environment = process.env, pid = process.pid): ActivationSockets {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES = "" } = environment
  // Left over from a parent for whom they were.
  if (LISTEN_FDS === undefined || LISTEN_PID !== String(pid)) return {}
  const names = LISTEN_FDNAMES.split(":")
  const sockets: ActivationSockets = {}
  for (let index = 0; index < Number(LISTEN_FDS); index++) {
    const [fd, name] = [firstActivationFd + index, names[index] ?? ""]
    const which = `the socket that systemd handed over as descriptor ${fd}`
    if (name !== "https" && name !== "http")
      throw new ConfigError(`${which} is named ${JSON.stringify(name)}: its unit must say FileDescriptorName=https or =http`)
    if (sockets[name] !== undefined) throw new ConfigError(`${which} is named "${name}" like the one before it: use one for all addresses`)
    sockets[name] = fd
  }
  return sockets
}

/** Puts the defaults beside what was given; never fails. */
export function completeConfig(given: Given, isRoot = process.getuid?.() === 0): Config {
  const baseDomain = given.base_domain ?? "freehold.localhost"
  const privateZones = given.private_zones ?? ["home.arpa", "internal", "lan"]
  const isPublic = ![...privateZones, "localhost", "test"].some((zone) => isWithin(baseDomain, zone))
  return Object.freeze({
    dataDir: dataDirOf(given, isRoot),
    baseDomain,
    httpListen: given.http_listen ?? { host: undefined, port: 80 },
    httpsListen: given.https_listen ?? { host: undefined, port: 443 },
    apiListen: given.api_listen ?? { host: "127.0.0.1", port: 8080 },
    dnsListen: given.dns_listen === "off" ? undefined : given.dns_listen,
    sshListen: given.ssh_listen === "off" ? undefined : (given.ssh_listen ?? { host: undefined, port: 2222 }),
    edgeWorkers: given.edge_workers,
    maxConnections: given.max_connections ?? 20_000,
    trustedProxies: given.trusted_proxies ?? [],
    proxyProtocol: given.proxy_protocol ?? [],
    holdLimitMs: given.hold_limit ?? 10_000,
    drainLimitMs: given.drain_limit ?? 30_000,
    publicIpv4: given.public_ipv4,
    publicIpv6: given.public_ipv6,
    addressIntervalMs: given.address_interval,
    addressMirror: given.address_mirror ?? "o-o.myaddr.l.google.com",
    addressGraceMs: given.address_grace ?? 7 * 86_400_000,
    acmeDirectory: given.acme_directory ?? (isPublic ? letsEncrypt : "internal"),
    acmeTestDirectory: given.acme_test_directory,
    acmeOrderLimit: given.acme_order_limit ?? 300,
    acmeDomainLimit: given.acme_domain_limit,
    askDomainBudget: given.ask_domain_budget ?? 50,
    askBudget: given.ask_budget ?? 1000,
    handshakeBudget: given.handshake_budget ?? 60,
    handshakeDomainBudget: given.handshake_domain_budget ?? 20,
    acmeFallbackDirectory: given.acme_fallback_directory,
    acmeCa: given.acme_ca_file,
    acmeEmail: given.acme_email,
    acmeEab: both(given.acme_eab_kid, given.acme_eab_hmac, (kid, hmac) => ({ kid, hmac })),
    dnsRoots: given.dns_roots,
    dnsPort: given.dns_port ?? 53,
    dnsRecursives: given.dns_recursives ?? ["1.1.1.1", "8.8.8.8"].map((address) => ({ address, port: 53 })),
    dnsDoh: given.dns_doh,
    containerEngine: given.container_engine,
    containerLimit: given.container_limit ?? 50,
    cloudflareApi: given.cloudflare_api ?? "https://api.cloudflare.com/client/v4",
    encryptionKey: given.encryption_key,
    jwtSecret: given.jwt_secret,
    admin: both(given.admin_username, given.admin_password, (username, password) => ({ username, password })),
    verifyIntervalMs: given.verify_interval ?? 30_000,
    defaultOrigin: given.default_origin,
    driftIntervalMs: given.drift_interval ?? 15 * 60_000,
    verifyExpiryMs: given.verify_expiry ?? 7 * 86_400_000,
    maxPendingMappings: given.max_pending_mappings ?? 100,
    auditRetentionMs: given.audit_retention ?? 365 * 86_400_000,
    privateZones,
    allowUpstreams: given.allow_upstreams ?? [],
    domainConnect: domainConnectOf(given),
    storageFloorBytes: given.storage_floor ?? 1024 ** 3,
    storageQuotaBytes: given.storage_quota ?? 0,
    storageUploadExpiryMs: given.storage_upload_expiry ?? 7 * 86_400_000,
    storageScrubIntervalMs: given.storage_scrub_interval ?? 30 * 86_400_000,
    storageScrubRate: given.storage_scrub_rate ?? 8 * 1024 ** 2,
    backup: backupOf(given),
    storeCheckpoints: given.store_checkpoints !== "off",
    webhookAllow: given.webhook_allow ?? [],
    metricsHostnames: given.metrics_hostnames ?? [],
    alerts: alertsOf(given),
    logLevel: given.log_level ?? "info",
    accessLog: given.access_log !== "off",
    allowedOrigins: given.allowed_origins ?? [`https://${baseDomain}`, `https://*.${baseDomain}`],
  })
}

function backupOf(given: Given): BackupSettings {
  const { backup_to: to, backup_every: every, backup_recipient: recipients = [], backup_passphrase: passphrase } = given
  const region = given.backup_s3_region ?? "us-east-1"
  const server = {
    endpoint: given.backup_s3_endpoint ?? `https://s3.${region}.amazonaws.com`,
    region,
    style: given.backup_s3_style ?? (given.backup_s3_endpoint === undefined ? "virtual" : "path"),
    ca: given.backup_s3_ca_file,
  }
  return {
    to,
    everyMs: to === undefined || every === "off" ? undefined : (every ?? 86_400_000),
    key: recipients.length > 0 ? { recipients } : passphrase === undefined ? undefined : { passphrase },
    keep: given.backup_keep ?? 14,
    objects: given.backup_objects ?? "beside",
    volumes: given.backup_volumes === "on",
    s3: both(given.backup_s3_access_key, given.backup_s3_secret_key, (accessKey, secretKey) => ({ ...server, accessKey, secretKey })),
  }
}

function domainConnectOf(given: Given): Config["domainConnect"] {
  const { domain_connect_provider: provider, domain_connect_key_label: keyLabel, domain_connect_signing_key: signingKey } = given
  if (provider === undefined) return undefined
  const service = given.domain_connect_service ?? "custom-domain"
  return { provider, service, ...(keyLabel === undefined || signingKey === undefined ? {} : { keyLabel, signingKey }) }
}

function alertsOf({ alert_webhook: webhook, alert_ntfy: ntfy, ...given }: Given): Config["alerts"] {
  const { alert_ntfy_token: token, alert_smtp_url: url, alert_mail_from: from, alert_mail_to: to } = given
  return {
    webhook,
    ntfy: ntfy === undefined ? undefined : { url: ntfy, token },
    mail: url === undefined || from === undefined || to === undefined || to.length === 0 ? undefined : { url, from, to },
  }
}

function both<T>(first: string | undefined, second: string | undefined, make: (first: string, second: string) => T): T | undefined {
  return first === undefined || second === undefined ? undefined : make(first, second)
}
