import { isIP } from "node:net"
import { domainToASCII } from "node:url"
import { canonicalHost } from "./hostname"

/** Where to listen; the host is an IP address, or undefined for every address of the machine. */
export type Listen = { host: string | undefined; port: number }

/** How one setting is read: `expected` completes the sentence "X must be …". A parser gives undefined for what is not that. */
export type Setting<T> = { parse: (text: string) => T | undefined; expected: string; secret?: boolean }

const setting = <T>(expected: string, parse: (text: string) => T | undefined): Setting<T> => ({ expected, parse })

const nonEmpty = (text: string) => (text === "" ? undefined : text)

const text = setting("a text that is not empty", nonEmpty)

const secret: Setting<string> = { ...text, secret: true }

const listen = setting("[host]:port such as :443 or 127.0.0.1:8080, with an IP address as host", parseListen)

const url = setting("an http or https URL", (value) => (/^https?:$/.test(protocolOf(value)) ? value.replace(/\/+$/, "") : undefined))

const count = setting("a whole number from 1 to 1000000", (value) => (/^[1-9]\d{0,5}$|^1000000$/.test(value) ? Number(value) : undefined))

const duration = setting("a duration such as 30s, 10m, 12h or 7d", (value) => {
  const parts = /^(\d{1,6})(ms|s|m|h|d)$/.exec(value)
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
  const result = Number(parts?.[1]) * (units[parts?.[2] ?? ""] ?? Number.NaN)
  return result > 0 ? result : undefined
})

const list = (expected: string, isItem: (item: string) => boolean) =>
  setting(`${expected}, separated by commas`, (value) => {
    const items = value.split(",").map((item) => item.trim().toLowerCase())
    if (value.trim() === "") return []
    return items.every(isItem) ? items : undefined
  })

/** Every setting of the appliance by its key in the configuration file; `FREEHOLD_` and upper case make the environment's name, dashes the flag's. */
export const settings = {
  data_dir: text,
  base_domain: setting("a domain name such as cloud.example.com", parseBaseDomain),
  http_listen: listen,
  https_listen: listen,
  api_listen: listen,
  dns_listen: setting("off, or [host]:port such as :53", (value) => (value === "off" ? ("off" as const) : parseListen(value))),
  public_ipv4: setting("an IPv4 address", (value) => (isIP(value) === 4 ? value : undefined)),
  public_ipv6: setting("an IPv6 address", (value) => (isIP(value) === 6 ? value : undefined)),
  acme_directory: setting("`internal` or an https URL", (value) =>
    value === "internal" || protocolOf(value) === "https:" ? value : undefined,
  ),
  acme_fallback_directory: setting("an https URL", (value) => (protocolOf(value) === "https:" ? value : undefined)),
  acme_ca_file: text,
  acme_email: setting("an e-mail address", (value) => (/^[^@\s]+@[^@\s]+$/.test(value) ? value : undefined)),
  acme_eab_kid: text,
  acme_eab_hmac: secret,
  dns_roots: text,
  dns_port: setting("a port from 1 to 65535", parsePort),
  dns_doh: url,
  container_engine: setting("unix:///path/to/socket or none", (value) =>
    value === "none" || /^unix:\/\/\/.+/.test(value) ? value : undefined,
  ),
  container_limit: count,
  cloudflare_api: url,
  encryption_key: {
    ...setting("64 hexadecimal characters or none", (v) => (/^([0-9a-f]{64}|none)$/i.test(v) ? v : undefined)),
    secret: true,
  },
  jwt_secret: { ...setting("at least 32 characters", (value) => (value.length >= 32 ? value : undefined)), secret: true },
  admin_username: text,
  admin_password: secret,
  verify_interval: duration,
  verify_expiry: duration,
  max_pending_mappings: count,
  private_zones: list("zone names such as lan or home.arpa", (item) => /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(item)),
  allow_upstreams: list("address ranges such as 127.0.0.0/8", isCidr),
  log_level: setting("debug, info, warn or error", (v) => (["debug", "info", "warn", "error"].includes(v) ? (v as "info") : undefined)),
  allowed_origins: list("origins such as https://app.example.com", (item) => /^https?:\/\/[a-z0-9.*:[\]-]+$/.test(item)),
} satisfies Record<string, Setting<unknown>>

export type SettingKey = keyof typeof settings

/** What each setting is for and what holds without it, for `freehold help serve`. */
export const meanings: Record<SettingKey, string> = {
  data_dir: "the one folder that matters; /var/lib/freehold, or ./freehold-data when not root",
  base_domain: "the platform's own domain; freehold.localhost",
  http_listen: "plain HTTP, for redirects and ACME HTTP-01; :80",
  https_listen: "the edge; :443",
  api_listen: "the API without TLS; 127.0.0.1:8080",
  dns_listen: "the authoritative server of the base domain; off",
  public_ipv4: "the address that server gives out",
  public_ipv6: "the address that server gives out",
  acme_directory: "where certificates come from; Let's Encrypt for a public base domain, else internal",
  acme_fallback_directory: "asked when the first directory is down or limits us",
  acme_ca_file: "extra trust root for the directory, PEM",
  acme_email: "contact of the ACME account",
  acme_eab_kid: "external account binding, key id",
  acme_eab_hmac: "external account binding, key in base64url",
  dns_roots: "where the resolver starts: ip[:port],… or the path of a hints file; the IANA root servers",
  dns_port: "port at which name servers are asked; 53",
  dns_doh: "DNS-over-HTTPS resolver for networks that close port 53",
  container_engine: "socket of Podman or Docker, or none; found out",
  container_limit: "containers one person may have; 50",
  cloudflare_api: "base URL of the Cloudflare API; the public one",
  encryption_key: "seals DNS provider tokens; generated, none switches the integration off",
  jwt_secret: "signs sessions and tokens; generated",
  admin_username: "first person, instead of the set-up link",
  admin_password: "first person's password, at least 10 characters",
  verify_interval: "how often a pending mapping is looked at; 30s",
  verify_expiry: "when a pending mapping becomes failed; 7d",
  max_pending_mappings: "unproven mappings one person may have; 100",
  private_zones: "zones that only this house knows; home.arpa,internal,lan",
  allow_upstreams: "address ranges where external containers may be anything; none",
  log_level: "info",
  allowed_origins: "browser origins for CORS; https://<base> and its subdomains",
}

/** The values that were given, parsed. */
export type Given = { [K in SettingKey]?: (typeof settings)[K] extends Setting<infer T> ? T : never }

function protocolOf(value: string): string {
  return URL.canParse(value) ? new URL(value).protocol : ""
}

function parsePort(value: string): number | undefined {
  return /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535 ? Number(value) : undefined
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
