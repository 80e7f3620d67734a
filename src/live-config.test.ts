import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { readSettings } from "./config"
import { LiveConfig } from "./live-config"
import { type Given, type SettingKey, settings } from "./settings"

const folder = mkdtempSync(join(tmpdir(), "freehold-live-config-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A configuration read from a table that the test changes. */
function live(given: Given) {
  const now = { given }
  return { now, config: new LiveConfig(() => ({ given: now.given, origins: {} })) }
}

test("a setting that reloads is in force at once, another waits for the next start", () => {
  const { now, config } = live({ dns_port: 53 })
  now.given = { dns_port: 5300, log_level: "debug", trusted_proxies: ["10.0.0.0/8"] }
  expect(config.reload()).toEqual({ applied: ["trusted_proxies", "log_level"], waiting: ["dns_port"] })
  expect(config.current.logLevel).toBe("debug")
  expect(config.current.trustedProxies).toEqual(["10.0.0.0/8"])
  expect(config.current.dnsPort).toBe(53)
  expect(Object.isFrozen(config.current)).toBe(true)
})

test("a setting that is taken out has its default again", () => {
  const { now, config } = live({ max_pending_mappings: 3, access_log: "off" })
  now.given = {}
  expect(config.reload()).toEqual({ applied: ["max_pending_mappings", "access_log"], waiting: [] })
  expect([config.current.maxPendingMappings, config.current.accessLog]).toEqual([100, true])
})

test("what waits is named at every reload until the start that takes it over", () => {
  const { now, config } = live({})
  now.given = { private_zones: ["corp"] }
  expect([config.reload().waiting, config.reload().waiting]).toEqual([["private_zones"], ["private_zones"]])
  now.given = {}
  expect(config.reload()).toEqual({ applied: [], waiting: [] })
})

test("a default that is spelled out is no change", () => {
  const { now, config } = live({})
  now.given = { dns_port: 53, log_level: "info", dns_listen: "off", private_zones: ["home.arpa", "internal", "lan"] }
  expect(config.reload()).toEqual({ applied: [], waiting: [] })
})

test("both halves of a pair are named when it comes and when it goes", () => {
  const { now, config } = live({})
  now.given = { acme_eab_kid: "k", acme_eab_hmac: "h" }
  expect(config.reload().waiting).toEqual(["acme_eab_kid", "acme_eab_hmac"])
  const { now: later, config: paired } = live(now.given)
  later.given = {}
  expect(paired.reload().waiting).toEqual(["acme_eab_kid", "acme_eab_hmac"])
})

test("a default that follows from a setting which waits does not change before it", () => {
  const { now, config } = live({ base_domain: "a.example" })
  now.given = { base_domain: "b.example" }
  expect(config.reload()).toEqual({ applied: [], waiting: ["base_domain"] })
  expect(config.current.allowedOrigins).toEqual(["https://a.example", "https://*.a.example"])
})

test("reading that fails changes nothing", () => {
  const path = join(folder, "freehold.toml")
  writeFileSync(path, 'log_level = "warn"')
  const config = new LiveConfig(() => readSettings(["--config", path], {}))
  for (const [text, message] of [
    ["log_level = = 1", "is not TOML"],
    ['log_level = "debug"\nverify_interval = "soon"', "verify_interval in"],
    ['log_level = "debug"\nadmin_username = "ada"', "admin_password is missing"],
  ] as const) {
    writeFileSync(path, text)
    expect(() => config.reload()).toThrow(message)
    expect(config.current.logLevel).toBe("warn")
  }
  rmSync(path)
  expect(() => config.reload()).toThrow("cannot be read")
  writeFileSync(path, 'log_level = "debug"')
  expect(config.reload()).toEqual({ applied: ["log_level"], waiting: [] })
})

test("flags and environment keep their place above the file, and files of secrets are read again", () => {
  const path = join(folder, "above.toml")
  const secret = join(folder, "jwt")
  writeFileSync(path, 'log_level = "warn"\nverify_interval = "1m"\ncontainer_limit = 5')
  writeFileSync(secret, "j".repeat(40))
  const environment = { FREEHOLD_VERIFY_INTERVAL: "5s", FREEHOLD_JWT_SECRET_FILE: secret }
  const config = new LiveConfig(() => readSettings(["--config", path, "--log-level", "error"], environment))
  writeFileSync(path, 'log_level = "debug"\nverify_interval = "2m"\ncontainer_limit = 6')
  writeFileSync(secret, "k".repeat(40))
  expect(config.reload()).toEqual({ applied: ["container_limit"], waiting: ["jwt_secret"] })
  expect([config.current.logLevel, config.current.verifyIntervalMs, config.current.containerLimit]).toEqual(["error", 5000, 6])
  expect(config.current.jwtSecret).toBe("j".repeat(40))
})

test("the text of a file that a setting names is what is compared", () => {
  const path = join(folder, "ca.pem")
  writeFileSync(path, "one")
  const config = new LiveConfig(() => readSettings([], { FREEHOLD_ACME_CA_FILE: path }))
  writeFileSync(path, "two")
  expect(config.reload().waiting).toEqual(["acme_ca_file"])
  expect(config.current.acmeCa).toBe("one")
})

test("no secret, address of ours or name of ours changes while running", () => {
  const table = Object.entries(settings) as [SettingKey, { reloads: boolean; secret?: boolean }][]
  for (const [key, { reloads, secret }] of table) {
    if (secret === true || key.endsWith("_listen") || key === "base_domain" || key === "data_dir")
      expect([key, reloads]).toEqual([key, false])
  }
})
