import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { activationSockets, clientEnvironment, loadConfig, watchdogMs } from "./config"

const folder = mkdtempSync(join(tmpdir(), "freehold-config-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

test("defaults are those of the contract", () => {
  const config = loadConfig([], {}, true)
  expect(config.dataDir).toBe("/var/lib/freehold")
  expect(loadConfig([], {}, false).dataDir).toBe("./freehold-data")
  expect(config.baseDomain).toBe("freehold.localhost")
  expect(config.acmeDirectory).toBe("internal")
  expect(config.httpsListen).toEqual({ host: undefined, port: 443 })
  expect(config.apiListen).toEqual({ host: "127.0.0.1", port: 8080 })
  expect(config.dnsListen).toBeUndefined()
  expect(config.verifyExpiryMs).toBe(604_800_000)
  expect(config.auditRetentionMs).toBe(365 * 86_400_000)
  expect(config.edgeWorkers).toBeUndefined()
  expect([config.trustedProxies, config.proxyProtocol]).toEqual([[], []])
  expect([config.drainLimitMs, config.holdLimitMs, config.maxConnections, config.accessLog]).toEqual([30_000, 10_000, 20_000, true])
  expect(config.privateZones).toEqual(["home.arpa", "internal", "lan"])
  expect(Object.isFrozen(config)).toBe(true)
})

test("a public base domain asks the public CA, unless told otherwise", () => {
  expect(loadConfig([], { FREEHOLD_BASE_DOMAIN: "cloud.example.com" }).acmeDirectory).toStartWith("https://acme-v02")
  expect(loadConfig([], { FREEHOLD_BASE_DOMAIN: "cloud.example.com", FREEHOLD_ACME_DIRECTORY: "internal" }).acmeDirectory).toBe("internal")
  expect(loadConfig([], { FREEHOLD_BASE_DOMAIN: "cloud.lan" }).acmeDirectory).toBe("internal")
})

test("flags win over the environment, that over the file", () => {
  const path = file("a.toml", 'base_domain = "file.example.com"\ndns_port = 5300\nprivate_zones = ["corp", "lan"]\nverify_interval = "1m"')
  const config = loadConfig(["--config", path, "--base-domain=flag.example.com"], {
    FREEHOLD_BASE_DOMAIN: "env.example.com",
    FREEHOLD_VERIFY_INTERVAL: "5s",
  })
  expect(config.baseDomain).toBe("flag.example.com")
  expect(config.verifyIntervalMs).toBe(5000)
  expect(config.dnsPort).toBe(5300)
  expect(config.privateZones).toEqual(["corp", "lan"])
})

test("recursive resolvers are read, with a port and without, and can be none", () => {
  const read = (text?: string) => loadConfig([], text === undefined ? {} : { FREEHOLD_DNS_RECURSIVES: text }).dnsRecursives
  expect(read()).toEqual([
    { address: "1.1.1.1", port: 53 },
    { address: "8.8.8.8", port: 53 },
  ])
  expect(read("none")).toEqual([])
  expect(read("9.9.9.9:5353, 2001:db8::1,[2001:db8::2]:54")).toEqual([
    { address: "9.9.9.9", port: 5353 },
    { address: "2001:db8::1", port: 53 },
    { address: "2001:db8::2", port: 54 },
  ])
  const nine = Array(9).fill("9.9.9.9").join(",")
  for (const wrong of ["dns.example.org", "9.9.9.9:0", "9.9.9", "[9.9.9.9]:53", "9.9.9.9,", "none,9.9.9.9", nine])
    expect(() => read(wrong)).toThrow("FREEHOLD_DNS_RECURSIVES must be none, or up to 8 IP addresses")
})

test("what the edge is told is read", () => {
  const config = loadConfig(["--edge-workers", "64", "--drain-limit=5s"], {
    FREEHOLD_TRUSTED_PROXIES: "10.0.0.0/8, 2001:db8::/32",
    FREEHOLD_PROXY_PROTOCOL: "192.0.2.7/32",
    FREEHOLD_ACCESS_LOG: "off",
    FREEHOLD_MAX_CONNECTIONS: "1000000",
  })
  expect(config.trustedProxies).toEqual(["10.0.0.0/8", "2001:db8::/32"])
  expect(config.proxyProtocol).toEqual(["192.0.2.7/32"])
  expect([config.edgeWorkers, config.drainLimitMs, config.accessLog, config.maxConnections]).toEqual([64, 5000, false, 1_000_000])
})

test("secrets come from files and systemd credentials too", () => {
  const path = file("jwt", `${"j".repeat(40)}\n`)
  expect(loadConfig([], { FREEHOLD_JWT_SECRET_FILE: path }).jwtSecret).toBe("j".repeat(40))
  file("freehold.encryption_key", `${"ab".repeat(32)}\n`)
  expect(loadConfig([], { CREDENTIALS_DIRECTORY: folder }).encryptionKey).toBe("ab".repeat(32))
  expect(() => loadConfig([], { FREEHOLD_JWT_SECRET_FILE: path, FREEHOLD_JWT_SECRET: "k".repeat(40) })).toThrow("both set")
})

test("the key of backups has one name, as a setting and as a credential, and a former one", () => {
  const [one, other] = [`age1${"q".repeat(58)}`, `age1${"p".repeat(58)}`]
  const key = (environment: Record<string, string>) => loadConfig([], environment).backup.key
  expect(key({ FREEHOLD_BACKUP_RECIPIENT: `${one}, ${other}` })).toEqual({ recipients: [one, other] })
  file("freehold.backup_passphrase", "correct horse battery\n")
  expect(key({ CREDENTIALS_DIRECTORY: folder })).toEqual({ passphrase: "correct horse battery" })
  file("freehold.backup_recipients", `# of the safe\n${other}\n`)
  expect(key({ CREDENTIALS_DIRECTORY: folder })).toEqual({ recipients: [other] })
  file("freehold.backup_recipient", `${one}\n# of the safe\n\n${other}\n`)
  expect(key({ CREDENTIALS_DIRECTORY: folder })).toEqual({ recipients: [one, other] })
  file("freehold.backup_recipient", "ssh-ed25519 AAAA")
  expect(() => key({ CREDENTIALS_DIRECTORY: folder })).toThrow("the credential freehold.backup_recipient must be public keys of age")
  expect(() => key({ FREEHOLD_BACKUP_RECIPIENT: one, FREEHOLD_BACKUP_PASSPHRASE: "correct horse battery" })).toThrow("exclude each other")
})

test.each([
  [["--colour", "blue"], {}, "--colour is not a setting"],
  [["--dns-port"], {}, "--dns-port needs a value"],
  [["serve"], {}, '"serve" is not a flag'],
  [[], { FREEHOLD_DNSPORT: "53" }, "FREEHOLD_DNSPORT is not a setting"],
  [[], { FREEHOLD_DNS_PORT: "70000" }, "FREEHOLD_DNS_PORT must be a port from 1 to 65535"],
  [[], { FREEHOLD_HTTP_LISTEN: "eighty" }, "FREEHOLD_HTTP_LISTEN must be [host]:port"],
  [[], { FREEHOLD_HTTP_LISTEN: "box.example:80" }, "FREEHOLD_HTTP_LISTEN must be [host]:port"],
  [[], { FREEHOLD_VERIFY_INTERVAL: "0s" }, "FREEHOLD_VERIFY_INTERVAL must be a duration"],
  [[], { FREEHOLD_VERIFY_INTERVAL: "30" }, "FREEHOLD_VERIFY_INTERVAL must be a duration"],
  [[], { FREEHOLD_LOG_LEVEL: "loud" }, "FREEHOLD_LOG_LEVEL must be debug, info, warn or error"],
  [[], { FREEHOLD_EDGE_WORKERS: "0" }, "FREEHOLD_EDGE_WORKERS must be a whole number from 1 to 64"],
  [[], { FREEHOLD_EDGE_WORKERS: "65" }, "FREEHOLD_EDGE_WORKERS must be a whole number from 1 to 64"],
  [[], { FREEHOLD_EDGE_WORKERS: "two" }, 'from 1 to 64; it is "two"'],
  [[], { FREEHOLD_TRUSTED_PROXIES: "10.0.0.0/33" }, "FREEHOLD_TRUSTED_PROXIES must be address ranges"],
  [[], { FREEHOLD_PROXY_PROTOCOL: "on" }, "FREEHOLD_PROXY_PROTOCOL must be address ranges"],
  [[], { FREEHOLD_DRAIN_LIMIT: "30" }, "FREEHOLD_DRAIN_LIMIT must be a duration"],
  [[], { FREEHOLD_ACCESS_LOG: "yes" }, 'FREEHOLD_ACCESS_LOG must be on or off; it is "yes"'],
  [[], { FREEHOLD_MAX_CONNECTIONS: "1000001" }, "FREEHOLD_MAX_CONNECTIONS must be a whole number from 1 to 1000000"],
  [[], { FREEHOLD_ACME_EAB_KID: "k" }, "acme_eab_hmac is missing"],
  [[], { FREEHOLD_ADMIN_PASSWORD: "p" }, "admin_username is missing"],
  [[], { FREEHOLD_ALLOW_UPSTREAMS: "127.0.0.1" }, "FREEHOLD_ALLOW_UPSTREAMS must be address ranges"],
  [[], { FREEHOLD_WEBHOOK_ALLOW: "10.0.0.0/8,lan" }, "FREEHOLD_WEBHOOK_ALLOW must be address ranges"],
  [[], { FREEHOLD_ACME_CA_FILE: "/nowhere.pem" }, "/nowhere.pem cannot be read (ENOENT)"],
  [["--config", "/nowhere.toml"], {}, "/nowhere.toml cannot be read (ENOENT)"],
])("%p with %p stops the start and says why", (args, environment, message) => {
  expect(() => loadConfig(args, environment)).toThrow(message)
})

test("Domain Connect is switched on by a provider, and signs with a key from a file", () => {
  const path = file("domain-connect.pem", "-----BEGIN PRIVATE KEY-----\nYWJj\n-----END PRIVATE KEY-----\n")
  const given = { FREEHOLD_DOMAIN_CONNECT_PROVIDER: "connect.example.net" }
  expect(loadConfig([], given).domainConnect).toEqual({ provider: "connect.example.net", service: "custom-domain" })
  const signing = { FREEHOLD_DOMAIN_CONNECT_KEY_LABEL: "_dck1", FREEHOLD_DOMAIN_CONNECT_SIGNING_KEY_FILE: path }
  expect(loadConfig([], { ...given, ...signing, FREEHOLD_DOMAIN_CONNECT_SERVICE: "site" }).domainConnect).toEqual({
    provider: "connect.example.net",
    service: "site",
    keyLabel: "_dck1",
    signingKey: "-----BEGIN PRIVATE KEY-----\nYWJj\n-----END PRIVATE KEY-----",
  })
  expect(loadConfig([], {}).domainConnect).toBeUndefined()
  expect(() => loadConfig([], { ...given, FREEHOLD_DOMAIN_CONNECT_KEY_LABEL: "_dck1" })).toThrow("go together")
  expect(() => loadConfig([], signing)).toThrow("domain_connect_provider, which is missing")
  expect(() => loadConfig([], { FREEHOLD_DOMAIN_CONNECT_PROVIDER: "box" })).toThrow("must be a domain name")
})

test("the value of a secret is never shown", () => {
  for (const environment of [{ FREEHOLD_ENCRYPTION_KEY: "hunter2" }, { FREEHOLD_JWT_SECRET: "hunter2" }]) {
    try {
      loadConfig([], environment)
      throw new Error("must not be accepted")
    } catch (error) {
      expect(String(error)).not.toContain("hunter2")
      expect(String(error)).toContain("the value is not shown")
    }
  }
})

test("a file that is not TOML is named", () => {
  expect(() => loadConfig(["--config", file("bad.toml", "a = = b")], {})).toThrow("bad.toml is not TOML")
  expect(() => loadConfig(["--config", file("typo.toml", 'bse_domain = "x.example"')], {})).toThrow("bse_domain in")
})

test("the client's own names do not disturb the server", () => {
  expect(() => loadConfig([], { FREEHOLD_SERVER: "http://x", FREEHOLD_TOKEN: "t" })).not.toThrow()
  expect(clientEnvironment({ HOME: "/home/a", FREEHOLD_TOKEN: "t" })).toEqual({
    server: undefined,
    token: "t",
    configFolder: "/home/a/.config/freehold",
    isRemote: false,
  })
  expect(clientEnvironment({ SSH_CONNECTION: "192.0.2.1 50000 192.0.2.2 22" }).isRemote).toBe(true)
})

test.each([
  [{}, {}],
  [{ LISTEN_FDS: "1", LISTEN_FDNAMES: "https" }, {}],
  [{ LISTEN_PID: "8", LISTEN_FDS: "1", LISTEN_FDNAMES: "https" }, {}],
  [{ LISTEN_PID: "7", LISTEN_FDS: "0" }, {}],
  [{ LISTEN_PID: "7", LISTEN_FDS: "1", LISTEN_FDNAMES: "https" }, { https: 3 }],
  [
    { LISTEN_PID: "7", LISTEN_FDS: "2", LISTEN_FDNAMES: "http:https" },
    { http: 3, https: 4 },
  ],
])("with %p process 7 was handed over %p", (environment, sockets) => {
  expect(activationSockets(environment, 7)).toEqual(sockets)
})

test.each([
  [{ LISTEN_FDS: "1" }, 'descriptor 3 is named ""'],
  [{ LISTEN_FDS: "2", LISTEN_FDNAMES: "https" }, 'descriptor 4 is named ""'],
  [
    { LISTEN_FDS: "1", LISTEN_FDNAMES: "freehold.socket" },
    'descriptor 3 is named "freehold.socket": its unit must say FileDescriptorName=',
  ],
  [{ LISTEN_FDS: "2", LISTEN_FDNAMES: "http:http" }, 'descriptor 4 is named "http" like the one before it'],
])("sockets without a use stop the start: %p", (environment, message) => {
  expect(() => activationSockets({ LISTEN_PID: "7", ...environment }, 7)).toThrow(message)
})

test.each([
  [{}, undefined],
  [{ WATCHDOG_USEC: "90000000" }, 90_000],
  [{ WATCHDOG_USEC: "90000000", WATCHDOG_PID: "7" }, 90_000],
  [{ WATCHDOG_USEC: "90000000", WATCHDOG_PID: "8" }, undefined],
  [{ WATCHDOG_USEC: "0" }, undefined],
  [{ WATCHDOG_USEC: "soon" }, undefined],
])("systemd wants to hear from process 7 as its environment says: %p", (environment, ms) => {
  expect(watchdogMs(environment, 7)).toBe(ms)
})

test("hostnames that are shown apart are canonical, and at most 100", () => {
  const read = (value: string) => loadConfig([], { FREEHOLD_METRICS_HOSTNAMES: value }).metricsHostnames
  expect(read("Shop.example.com, *.example.com,shop.example.com")).toEqual(["shop.example.com", "*.example.com"])
  expect(read("")).toEqual([])
  for (const bad of ["shop", "a..b", "10.0.0.1", Array.from({ length: 101 }, (_, n) => `n${n}.example.com`).join(",")])
    expect(() => read(bad)).toThrow("FREEHOLD_METRICS_HOSTNAMES must be up to 100 hostnames")
})
