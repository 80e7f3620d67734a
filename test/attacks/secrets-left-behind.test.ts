import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { randomBytes } from "node:crypto"
import { readdir, readFile, stat } from "node:fs/promises"
import { join, relative } from "node:path"
import { type AttackedHouse, apiToken, houseObstacle, startAttackedHouse } from "./attacked-house"
import { countInMemory } from "./process-memory"
import { admin } from "../e2e/appliance"
import { waitUntil } from "../lab/process"

/** What lies in the data folder as it is: keys of the house itself, each readable by its owner alone. */
const keyFiles = /^(jwt-secret|store-key|encryption-key|[a-z-]*(secret|key)[a-z-]*)$/

/** What somebody might have written of a secret: as it is, or in one of the usual dresses. */
const dresses = (secret: string): string[] => [
  secret,
  Buffer.from(secret).toString("base64").replace(/=+$/, ""),
  Buffer.from(secret).toString("base64url"),
  Buffer.from(secret).toString("hex"),
  encodeURIComponent(secret),
  JSON.stringify(secret).slice(1, -1),
]

describe.skipIf(houseObstacle !== undefined)(`what a full life leaves behind${houseObstacle ? ` (skipped: ${houseObstacle})` : ""}`, () => {
  let attacked: AttackedHouse
  /** Secrets that were given to the house or made by it, by what they are. */
  const secrets: Record<string, string> = {}
  let upstream: Bun.Server<undefined>

  beforeAll(async () => {
    upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ok") })
    attacked = await startAttackedHouse({
      settings: { FREEHOLD_LOG_LEVEL: "debug", FREEHOLD_ALLOW_UPSTREAMS: "127.0.0.0/8", FREEHOLD_WEBHOOK_ALLOW: "127.0.0.0/8" },
    })
    const { house, ada } = attacked
    const keep = (name: string, secret: string | undefined) => {
      if (secret === undefined || secret.length < 8) throw new Error(`no ${name}`)
      secrets[name] = secret
    }
    const made = <T>(path: string, body: object, method = "POST") => ada.send<T>(method, path, body)
    keep("a person's password", `person ${randomBytes(12).toString("hex")}`)
    keep("a password that was refused", `wrong ${randomBytes(12).toString("hex")}`)
    keep("a password that was changed", `later ${randomBytes(12).toString("hex")}`)
    const password = secrets["a person's password"]!
    await made("/admin/users", { username: "cleo", password })
    await house.api("POST", "/api/login", { body: { username: "cleo", password: secrets["a password that was refused"] } })
    await house.api("POST", "/api/login", { body: { username: "nobody", password: secrets["a password that was refused"] } })
    const cleo = await house.login({ username: "cleo", password })
    await cleo.send("PUT", "/api/settings/password", { current_password: password, new_password: secrets["a password that was changed"] })
    keep("a session", cleo.token)
    keep("an API token", await apiToken(ada, { "networking.me": ["read"] }))
    await house.api("GET", "/api/domain-mappings", { token: secrets["an API token"] })
    const account = await made<{ id: string }>("/api/service-accounts", { name: "bot", scopes: { [`networking.${ada.id}`]: ["read"] } })
    keep("a service account's token", (await made<{ token: string }>(`/api/service-accounts/${account.id}/tokens`, { name: "t" })).token)
    keep("a TOTP secret", (await cleo.send<{ secret: string }>("POST", "/api/settings/totp/begin", {})).secret)
    keep("a link to a new password", (await made<{ link: string }>(`/admin/users/${cleo.id}/reset`, {})).link.split("/").at(-1))
    await house.api("GET", `/reset/${secrets["a link to a new password"]}`)

    const application = await made<{ id: string }>("/v1/applications", { name: "Site" })
    const keyScopes = ["connections:read", "connections:write"]
    keep(
      "an application's key",
      (await made<{ secret: string }>(`/v1/applications/${application.id}/keys`, { name: "k", scopes: keyScopes })).secret,
    )
    await house.api("GET", "/v1/connections", { token: secrets["an application's key"] })
    keep("a widget's token", (await made<{ auth_token: string }>("/v1/tokens", { application_id: application.id })).auth_token)
    const connection = await made<{ id: string }>("/v1/connections", { application_id: application.id, hostname: "app.left.example" })
    keep("a customer's link", (await made<{ url: string }>(`/v1/connections/${connection.id}/link`, {})).url.split("/").at(-1))
    await house.api("GET", `/c/${secrets["a customer's link"]}`)
    keep("a DNS credential", randomBytes(32).toString("base64"))
    const token = `127.0.0.1:9;key.test;hmac-sha256;${secrets["a DNS credential"]}`
    await made(`/v1/applications/${application.id}/credentials`, { provider: "rfc2136", token })
    await ada.ask("POST", `/v1/applications/${application.id}/credentials`, { provider: "rfc2136", token, domain: "left.example" })
    const url = `http://127.0.0.1:${upstream.port}/hook`
    const hook = await made<{ id: string; signing_secret?: string; secret?: string }>("/v1/webhook-endpoints", { url })
    keep("a webhook's secret", hook.signing_secret ?? hook.secret)
    await made(`/v1/webhook-endpoints/${hook.id}/test`, {})
    keep("a registry's password", randomBytes(18).toString("hex"))
    await made("/compute/registries", { registry: "r.left.example", username: "u", password: secrets["a registry's password"] })
    const s3 = await made<{ id: string; secret: string }>("/storage/keys", { name: "s3" })
    keep("an S3 secret", s3.secret)
    const container = await ada.external("app", { "8080": upstream.port ?? 0 })
    const mapping = await ada.map("left.home.arpa", container)
    await ada.certified(mapping.id)
    await house.curl("https://left.home.arpa/?token=in-the-query", { args: ["-k"] })
    await waitUntil(async () => (await ada.ask("GET", "/api/audit?limit=10")).status === 200, { what: "the audit trail" })
  }, 150_000)
  afterAll(async () => {
    await attacked?.stop()
    await upstream?.stop(true)
  })

  const everything = () =>
    Object.entries({ ...secrets, "the administrator's password": admin.password }).flatMap(([name, secret]) =>
      dresses(secret).map((form) => ({ name, form })),
    )
  const filesOf = async (folder: string): Promise<string[]> =>
    (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))

  test("no line of the log has one, at the level that tells most", () => {
    const log = attacked.house.history()
    expect(log.length).toBeGreaterThan(1000)
    expect(
      everything()
        .filter(({ form }) => log.includes(form))
        .map(({ name }) => name),
    ).toEqual([])
    expect(log).not.toContain("in-the-query")
    expect(log).not.toContain("PRIVATE KEY")
  })

  test("no byte of the store, its log of writes or any other file has one", async () => {
    const { house } = attacked
    const files = (await filesOf(house.dataDir)).filter((path) => !keyFiles.test(relative(house.dataDir, path)))
    const names = files.map((path) => relative(house.dataDir, path))
    expect(names).toContain("freehold.db")
    expect(names.some((name) => name.endsWith("-wal"))).toBe(true)
    const found: string[] = []
    for (const path of files) {
      const bytes = await readFile(path)
      for (const { name, form } of everything()) if (bytes.includes(form)) found.push(`${name} in ${relative(house.dataDir, path)}`)
      if (bytes.includes("PRIVATE KEY-----")) found.push(`a private key in ${relative(house.dataDir, path)}`)
    }
    expect(found).toEqual([])
  })

  test("the keys that have to be there are their owner's alone", async () => {
    const { house } = attacked
    const keys = (await readdir(house.dataDir)).filter((name) => keyFiles.test(name))
    expect(keys.length).toBeGreaterThan(1)
    for (const name of keys) expect([name, ((await stat(join(house.dataDir, name))).mode & 0o777).toString(8)]).toEqual([name, "600"])
    expect(((await stat(house.dataDir)).mode & 0o777).toString(8)).toBe("700")
  })

  test("no answer of the API shows one a second time", async () => {
    const { ada } = attacked
    const lists = [
      "/api/tokens",
      "/api/service-accounts",
      "/v1/applications",
      "/v1/webhook-endpoints",
      "/compute/registries",
      "/storage/keys",
      "/api/audit?limit=500",
      "/admin/settings",
      "/admin/system",
      "/admin/users",
      "/api/settings/two-factor",
      "/api/overview",
      "/v1/webhook-deliveries",
    ]
    for (const path of lists) {
      const { status, text } = await ada.ask("GET", path)
      expect([path, status]).toEqual([path, 200])
      expect([
        path,
        everything()
          .filter(({ form }) => text.includes(form))
          .map(({ name }) => name),
      ]).toEqual([path, []])
    }
  })

  // Strings are freed, not wiped, so that none of this can be promised; what is held to is that nothing gathers them.
  test("the memory of the process gathers none of those that are kept as hashes", async () => {
    const { house, ada } = attacked
    for (let n = 0; n < 60; n++) await ada.ask("GET", "/openapi.json")
    const hashed = Object.entries(secrets).filter(([name]) => !/DNS|webhook|registry|S3|TOTP|customer/.test(name))
    const counts = await countInMemory(house.pid, { ...Object.fromEntries(hashed), "what is surely there": house.dataDir })
    expect(counts["what is surely there"]).toBeGreaterThan(0)
    if (process.env.FREEHOLD_SHOW_MEMORY) console.log(counts)
    for (const [name] of hashed) expect([name, counts[name]! <= 10]).toEqual([name, true])
  })
})
