import { isIP } from "node:net"
import { domainToASCII } from "node:url"
import { canonicalHost } from "./hostname"
import { logLevels } from "./log"

/** Where to listen; the host is an IP address, or undefined for every address of the machine. */
export type Listen = { host: string | undefined; port: number }

/** How a text is read: `expected` completes the sentence "X must be …". A parser gives undefined for what is not that. */
type Reading<T> = { parse: (text: string) => T | undefined; expected: string; secret?: boolean }

/**
 * One setting: how it is read, what it is for and what holds without it. `reloads` says that SIGHUP takes a new value over; the others
 * wait for the next start. A secret may come as a systemd credential, `freehold.` and its name; `isCredential` is for others that may, and
 * `formerCredential` the name that earlier versions took.
 */
export type Setting<T> = Reading<T> & { meaning: string; reloads: boolean; isCredential?: boolean; formerCredential?: string }

const reading = <T>(expected: string, parse: (text: string) => T | undefined): Reading<T> => ({ expected, parse })

const atStart = <T>(meaning: string, how: Reading<T>): Setting<T> => ({ ...how, meaning, reloads: false })

const reloads = <T>(meaning: string, how: Reading<T>): Setting<T> => ({ ...how, meaning, reloads: true })

const nonEmpty = (text: string) => (text === "" ? undefined : text)

const text = reading("a text that is not empty", nonEmpty)

const secret: Reading<string> = { ...text, secret: true }

const listen = reading("[host]:port such as :443 or 127.0.0.1:8080, with an IP address as host", parseListen)

const url = reading("an http or https URL", (value) => (/^https?:$/.test(protocolOf(value)) ? value.replace(/\/+$/, "") : undefined))

const httpsUrl = reading("an https URL", (value) => (protocolOf(value) === "https:" ? value : undefined))

/** An address that may be a secret as a whole, such as a webhook's or a topic's. */
const secretUrl: Reading<string> = {
  ...reading("an http or https URL without a name or password in it", (value) =>
    /^https?:$/.test(protocolOf(value)) && new URL(value).username === "" && new URL(value).password === "" ? value : undefined,
  ),
  secret: true,
}

const mailUrl: Reading<string> = {
  ...reading("smtp://[user:password@]host[:port], or smtps:// where the server speaks TLS from the beginning", (value) =>
    /^smtps?:$/.test(protocolOf(value)) && new URL(value).hostname !== "" && /^\/?$/.test(new URL(value).pathname) ? value : undefined,
  ),
  secret: true,
}

const isMailAddress = (value: string) => /^[^@\s,<>]+@[^@\s,<>]+$/.test(value)

const mailAddress = reading("an e-mail address", (value) => (isMailAddress(value) ? value : undefined))

const wholeNumber = (least: number, most: number) =>
  reading(`a whole number from ${least} to ${most}`, (value) => {
    const number = /^[1-9]\d{0,8}$/.test(value) ? Number(value) : Number.NaN
    return number >= least && number <= most ? number : undefined
  })

const count = wholeNumber(1, 1_000_000)

const oneOf = <T extends string>(expected: string, words: readonly T[]) =>
  reading(expected, (value) => words.find((word) => word === value))

const duration = reading("a duration such as 30s, 10m, 12h or 7d", (value) => {
  const parts = /^(\d{1,6})(ms|s|m|h|d)$/.exec(value)
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
  const result = Number(parts?.[1]) * (units[parts?.[2] ?? ""] ?? Number.NaN)
  return result > 0 ? result : undefined
})

const size = reading("a size such as 500M, 10G or 2T, in units of 1024", (value) => {
  const parts = /^(\d{1,6})([KMGT])$/.exec(value)
  const result = Number(parts?.[1]) * 1024 ** ("KMGT".indexOf(parts?.[2] ?? "") + 1)
  return result > 0 ? result : undefined
})

const sizeOrNone = reading(`none, or ${size.expected}`, (value) => (value === "none" ? 0 : size.parse(value)))

const list = (expected: string, isItem: (item: string) => boolean) =>
  reading(`${expected}, separated by commas`, (value) => {
    const items = value.split(",").map((item) => item.trim().toLowerCase())
    if (value.trim() === "") return []
    return items.every(isItem) ? items : undefined
  })

const addressRanges = list("address ranges such as 127.0.0.0/8", isCidr)

const directory = reading("`internal` or an https URL", (value) =>
  value === "internal" || protocolOf(value) === "https:" ? value : undefined,
)

const encryptionKey: Reading<string> = {
  ...reading("64 hexadecimal characters or none", (value) => (/^([0-9a-f]{64}|none)$/i.test(value) ? value : undefined)),
  secret: true,
}

const signingKey: Reading<string> = {
  ...reading("at least 32 characters", (value) => (value.length >= 32 ? value : undefined)),
  secret: true,
}

const backupPlace = reading("the path of a folder that begins with /, or s3://bucket/prefix", (value) =>
  /^\/.*$|^s3:\/\/[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9](\/[^\0]*)?$/.test(value) ? value.replace(/(?<=.)\/+$/, "") : undefined,
)

/** Separated by commas, or as `age` reads them from a file: one a line, beside comments. */
const recipients = reading("public keys of age such as age1…, separated by commas or one a line", (value) => {
  const items = value
    .replace(/#.*/g, "")
    .split(/[\s,]+/)
    .filter((item) => item !== "")
  return items.every((item) => /^age1[a-z0-9]{20,4000}$/.test(item)) ? items : undefined
})

const passphrase: Reading<string> = {
  ...reading("at least 10 characters", (value) => (value.length >= 10 ? value : undefined)),
  secret: true,
}

const origin = reading("an http or https URL without a path", (value) =>
  /^https?:$/.test(protocolOf(value)) && ["", "/"].includes(new URL(value).pathname) ? new URL(value).origin : undefined,
)

const ipAddress = (family: 4 | 6) => reading(`an IPv${family} address`, (value) => (isIP(value) === family ? value : undefined))

/**
 * Every setting of the appliance by its key in the configuration file; `FREEHOLD_` and upper case make the environment's name, dashes the
 * flag's. `freehold help serve` prints the meanings.
 */
export const settings = {
  data_dir: atStart("the one folder that matters; /var/lib/freehold, or ./freehold-data when not root", text),
  base_domain: atStart(
    "the platform's own domain; freehold.localhost",
    reading("a domain name such as cloud.example.com", parseBaseDomain),
  ),
  http_listen: atStart("plain HTTP, for redirects and ACME HTTP-01; :80", listen),
  https_listen: atStart("the edge; :443", listen),
  api_listen: atStart("the API without TLS; 127.0.0.1:8080", listen),
  dns_listen: atStart(
    "the authoritative server of the base domain and of delegated DNS challenges; off",
    reading("off, or [host]:port such as :53", (value) => (value === "off" ? ("off" as const) : parseListen(value))),
  ),
  ssh_listen: atStart(
    "SSH into containers that are open for it; :2222",
    reading("off, or [host]:port such as :2222", (value) => (value === "off" ? ("off" as const) : parseListen(value))),
  ),
  public_ipv4: reloads("the address that server gives out", ipAddress(4)),
  public_ipv6: reloads("the address that server gives out", ipAddress(6)),
  address_interval: reloads(
    "how often the public address is looked for, and used where public_ipv4 and public_ipv6 do not say one; not looked for",
    duration,
  ),
  address_mirror: reloads("a name whose TXT record is the address that asked for it; o-o.myaddr.l.google.com", text),
  address_grace: reloads("how long records that lead to a former address of ours count as our doing, not as drift; 7d", duration),
  edge_workers: atStart(
    "threads of the edge, which share its port; half the cores, at most 8, and always 1 with a socket from systemd",
    wholeNumber(1, 64),
  ),
  max_connections: reloads("client connections that the edge holds at once; 20000", count),
  hold_limit: reloads("how long a request waits for an application that is being started or restarted; 10s", duration),
  trusted_proxies: reloads("address ranges of balancers whose X-Forwarded-For is believed; none", addressRanges),
  proxy_protocol: atStart("address ranges whose connections must begin with a PROXY header, version 1 or 2; none", addressRanges),
  drain_limit: reloads("how long the end waits for requests under way; 30s", duration),
  acme_directory: atStart("where certificates come from; Let's Encrypt for a public base domain, else internal", directory),
  acme_test_directory: atStart(
    "certifies the connections of test applications, such as a CA's staging directory; the first directory",
    httpsUrl,
  ),
  acme_order_limit: atStart(
    "new orders that a directory is sent in three hours; 300, which is Let's Encrypt's limit for an account",
    count,
  ),
  acme_domain_limit: atStart(
    "certificates that a directory is asked for in a week for one registered domain; 50 at Let's Encrypt, no limit elsewhere",
    count,
  ),
  ask_domain_budget: reloads("names below a wildcard that GET /internal/ask allows anew in a week, for one registered domain; 50", count),
  ask_budget: reloads("names below wildcards that GET /internal/ask allows anew in a week, for all domains together; 1000", count),
  handshake_budget: reloads("certificates that handshakes of names without one may order in an hour, for all domains together; 60", count),
  handshake_domain_budget: reloads("certificates that such handshakes may order in a day, for one registered domain; 20", count),
  acme_fallback_directory: atStart("asked when the first directory is down or limits us", httpsUrl),
  acme_ca_file: atStart("extra trust root for the directory, PEM", text),
  acme_email: atStart("contact of the ACME account", mailAddress),
  acme_eab_kid: atStart("external account binding, key id", text),
  acme_eab_hmac: atStart("external account binding, key in base64url", secret),
  dns_roots: atStart("where the resolver starts: ip[:port],… or the path of a hints file; the IANA root servers", text),
  dns_port: atStart("port at which name servers are asked; 53", reading("a port from 1 to 65535", parsePort)),
  dns_recursives: reloads(
    "recursive resolvers that propagation is looked at beside the name servers: ip[:port],… or none; 1.1.1.1,8.8.8.8",
    reading(
      "none, or up to 8 IP addresses with or without a port, such as 1.1.1.1 or [2001:db8::1]:53, separated by commas",
      parseResolvers,
    ),
  ),
  dns_doh: atStart("DNS-over-HTTPS resolver for networks that close port 53", url),
  container_engine: atStart(
    "socket of Podman or Docker, or none; found out",
    reading("unix:///path/to/socket or none", (value) => (value === "none" || /^unix:\/\/\/.+/.test(value) ? value : undefined)),
  ),
  container_limit: reloads("containers one person may have; 50", count),
  cloudflare_api: atStart("base URL of the Cloudflare API; the public one", url),
  encryption_key: atStart("seals DNS provider tokens; generated, none switches the integration off", encryptionKey),
  jwt_secret: atStart("signs sessions and tokens; generated", signingKey),
  admin_username: atStart("first person, instead of the set-up link", text),
  admin_password: atStart("first person's password, at least 10 characters", secret),
  verify_interval: reloads("how often a pending mapping is looked at; 30s", duration),
  default_origin: reloads("where connections lead whose application names nothing, such as https://app.example.com; none", url),
  drift_interval: reloads("how often the DNS of a live connection is looked at; 15m", duration),
  verify_expiry: reloads("when a pending mapping becomes failed; 7d", duration),
  max_pending_mappings: reloads("unproven mappings one person may have; 100", count),
  audit_retention: reloads("how long the audit trail is kept; 365d", duration),
  private_zones: atStart(
    "zones that only this house knows; home.arpa,internal,lan",
    list("zone names such as lan or home.arpa", (item) => /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(item)),
  ),
  allow_upstreams: reloads("address ranges where external containers may be anything; none", addressRanges),
  domain_connect_provider: atStart(
    "our provider id at DNS providers that speak Domain Connect; none",
    reading("a domain name such as example.com", (value) => canonicalHost(value)),
  ),
  domain_connect_service: atStart(
    "our service id there; custom-domain",
    reading("letters, digits, dots, hyphens and underscores", (value) => (/^[a-z0-9][a-z0-9._-]{0,62}$/i.test(value) ? value : undefined)),
  ),
  domain_connect_key_label: atStart(
    "label below the provider id where the public key is published, such as _dck1",
    reading("one label such as _dck1", (value) => (/^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?$/i.test(value) ? value : undefined)),
  ),
  domain_connect_signing_key: atStart("RSA private key that signs what is applied, PEM", secret),
  storage_floor: reloads("space of the disk that stored files leave free; 1G", sizeOrNone),
  storage_quota: reloads("bytes of stored files one person may have; none", sizeOrNone),
  storage_upload_expiry: reloads("when an upload in parts that nobody goes on with is ended; 7d", duration),
  storage_scrub_interval: reloads("how often all stored bytes are read again; 30d", duration),
  storage_scrub_rate: reloads("bytes a second that this reading takes, a smaller file counting as 64K; 8M", size),
  // None of these is set while running: who has an administrator's session could have everything sent to a place and for a key of theirs.
  backup_to: atStart("where `freehold backup` writes: a folder, or s3://bucket/prefix; nowhere", backupPlace),
  backup_every: atStart(
    "how often that is done while serving, or off; 24h where backup_to is set",
    reading(`off, or ${duration.expected}`, (value) => (value === "off" ? ("off" as const) : duration.parse(value))),
  ),
  backup_recipient: {
    ...atStart("public keys of age that open backups, so that this machine cannot read its own; none", recipients),
    isCredential: true,
    formerCredential: "backup_recipients",
  },
  backup_passphrase: atStart("opens backups where no recipient is set; whoever reads it here can read them all", passphrase),
  backup_keep: atStart("how many backups stay there; 14", wholeNumber(1, 10_000)),
  backup_objects: atStart(
    "bytes of stored files: beside the backups, each once; inside each one; or none; beside",
    oneOf("beside, inside or none", ["beside", "inside", "none"] as const),
  ),
  backup_volumes: atStart("what containers keep is in backups, as it lies on disk at that moment; off", oneOf("on or off", ["on", "off"])),
  backup_s3_endpoint: atStart("S3 server of s3://, such as https://s3.example.com; Amazon's of the region", origin),
  backup_s3_region: atStart(
    "its region; us-east-1",
    reading("a region such as eu-central-1", (value) => (/^[a-z0-9-]{1,40}$/i.test(value) ? value : undefined)),
  ),
  backup_s3_style: atStart(
    "how its buckets are addressed, path or virtual (as a part of the host name); path with backup_s3_endpoint, else virtual",
    oneOf("path or virtual", ["path", "virtual"] as const),
  ),
  backup_s3_access_key: atStart("its access key", text),
  backup_s3_secret_key: atStart("its secret key", secret),
  backup_s3_ca_file: atStart("extra trust root for it, PEM", text),
  store_checkpoints: atStart(
    "who moves the write-ahead log into the store: on is Freehold, off a replicator such as Litestream; on",
    oneOf("on or off", ["on", "off"]),
  ),
  webhook_allow: reloads("address ranges where webhook receivers may be although they are private; none", addressRanges),
  metrics_hostnames: reloads(
    "hostnames whose requests /metrics shows apart, as they are mapped, such as shop.example.com or *.example.com; none",
    reading("up to 100 hostnames, separated by commas", parseHostnames),
  ),
  alert_webhook: atStart("where trouble is told of as JSON, also in this house; none", secretUrl),
  alert_ntfy: atStart(
    "topic of ntfy where trouble is told of, such as https://ntfy.sh/my-secret-topic, also in this house; none",
    secretUrl,
  ),
  alert_ntfy_token: atStart("access token for that topic; none", secret),
  alert_smtp_url: atStart("mail server by which trouble is told of, such as smtp://user:password@mail.example.com:587; none", mailUrl),
  alert_mail_from: reloads("sender of such mail", mailAddress),
  alert_mail_to: reloads("who gets such mail", list("e-mail addresses", isMailAddress)),
  log_level: reloads("debug, info, warn or error; info", oneOf("debug, info, warn or error", logLevels)),
  access_log: reloads("a line for each request of the edge, where the log level is info or debug; on", oneOf("on or off", ["on", "off"])),
  allowed_origins: reloads(
    "browser origins for CORS; https://<base> and its subdomains",
    list("origins such as https://app.example.com", (item) => /^https?:\/\/[a-z0-9.*:[\]-]+$/.test(item)),
  ),
} satisfies Record<string, Setting<unknown>>

export type SettingKey = keyof typeof settings

/** The values that were given, parsed. */
export type Given = { [K in SettingKey]?: (typeof settings)[K] extends Setting<infer T> ? T : never }

function protocolOf(value: string): string {
  return URL.canParse(value) ? new URL(value).protocol : ""
}

const mostHostnames = 100

function parseHostnames(value: string): string[] | undefined {
  const names = value.split(",").map((item) => item.trim().toLowerCase())
  if (value.trim() === "") return []
  const isCanonical = (name: string) => canonicalHost(name.replace(/^\*\./, "")) === name.replace(/^\*\./, "")
  return names.length <= mostHostnames && names.every(isCanonical) ? [...new Set(names)] : undefined
}

function parsePort(value: string): number | undefined {
  return /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535 ? Number(value) : undefined
}

function parseResolvers(value: string): { address: string; port: number }[] | undefined {
  if (value === "none") return []
  const resolvers = value.split(",").map((entry) => {
    const text = entry.trim()
    if (isIP(text) === 6) return { address: text, port: 53 }
    const parts = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?::(\d{1,5}))?$/i.exec(text)
    const address = parts?.[1] ?? parts?.[2] ?? ""
    const port = parsePort(parts?.[3] ?? "53")
    return isIP(address) === (parts?.[1] === undefined ? 4 : 6) && port !== undefined ? { address, port } : undefined
  })
  const known = resolvers.filter((one) => one !== undefined)
  return known.length === resolvers.length && known.length <= 8 ? known : undefined
}

/** Port 0 asks the system for a free one. */
function parseListen(value: string): Listen | undefined {
  const parts = /^(?:\[([0-9a-f:.]+)\]|([0-9.]*)):(\d{1,5})$/i.exec(value)
  const host = parts?.[1] ?? parts?.[2] ?? ""
  const port = Number(parts?.[3])
  if (parts === null || port > 65_535 || (host !== "" && isIP(host) === 0)) return undefined
  return { host: host === "" ? undefined : host, port }
}

/** `freehold.localhost` is a base domain, although nobody may map a name like it. */
function parseBaseDomain(value: string): string | undefined {
  return canonicalHost(domainToASCII(value))
}

function isCidr(value: string): boolean {
  const [address = "", bits, more] = value.split("/")
  const family = isIP(address)
  return family !== 0 && more === undefined && bits !== undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
}
