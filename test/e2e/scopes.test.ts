import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { findProgram } from "../lab/dns"
import { loopbackBlock } from "../lab/ports"
import { type Appliance, startAppliance } from "./appliance"
import type { Person } from "./person"

const obstacle = ["curl", "openssl", "setpriv"].map((name) => (findProgram(name) ? undefined : `${name} is not installed`)).find(Boolean)

describe.skipIf(obstacle !== undefined)(`service accounts from the command line${obstacle ? ` (skipped: ${obstacle})` : ""}`, () => {
  let house: Appliance
  let upstream: Bun.Server<undefined>
  let ada: Person
  let container: string

  beforeAll(async () => {
    upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("at home\n") })
    house = await startAppliance({
      address: (await loopbackBlock(8080, 1)).address(1),
      settings: { FREEHOLD_ENCRYPTION_KEY: "c".repeat(64) },
    })
    ada = await house.login()
    container = await ada.external("nas", { "8080": upstream.port ?? 0 })
  })
  afterAll(async () => {
    await house?.stop()
    await upstream?.stop(true)
  })

  /** One command that must go well, as the person who is logged in; its JSON. */
  const run = async <T>(...args: string[]): Promise<T> => {
    const { code, out, err } = await house.cli([...args, "--json"])
    if (code !== 0) throw new Error(`freehold ${args.join(" ")} ended with ${code}: ${err}`)
    return JSON.parse(out) as T
  }
  /** A service account with these scopes and a token of it, both made with the CLI. */
  const bot = async (name: string, ...scopes: string[]) => {
    const flags = scopes.flatMap((scope) => ["--scope", scope])
    const account = await run<{ id: string }>("service-accounts", "create", "--name", name, ...flags)
    const made = await run<{ id: string; token: string }>("service-accounts", "token", "create", account.id, "--name", "t")
    const ask = async (method: string, path: string, body?: unknown) => {
      const { status, text } = await house.api(method, path, { token: made.token, body })
      return { status, text }
    }
    return { account: account.id, tokenId: made.id, token: made.token, ask }
  }
  const missing = (scope: string) => ({ status: 403, text: `forbidden: missing ${scope} scope\n` })
  const unauthorized = { status: 401, text: "unauthorized\n" }
  const mappingOf = (name: string) => ({ container_id: container, domain: name, target_port: 8080 })

  test("a person logs in once, and the session is kept for them alone", async () => {
    const { code, out, err } = await house.cli(["login", "--username", "ada", "--password-stdin"], { input: "correct horse battery\n" })
    expect({ code, err }).toEqual({ code: 0, err: "" })
    expect(out).toContain("ada")
    expect((await Bun.file(`${house.home}/.config/freehold/config.json`).stat()).mode & 0o777).toBe(0o600)
    expect((await house.cli(["login", "--username", "ada", "--password-stdin"], { input: "wrong\n" })).code).toBe(1)
  })

  test("the command of the document makes an account, and its token may do what the scopes say", async () => {
    const created = await house.cli("service-accounts create --name dns-bot --scope networking.me.domains=read,create,delete".split(" "))
    expect(created).toMatchObject({ code: 0, err: "" })
    expect(created.out).toContain(`networking.${ada.id}.domains`)
    const dns = await bot("dns-bot-2", "networking.me.domains=read,create,delete")
    expect(await dns.ask("GET", "/api/domains")).toEqual({ status: 200, text: '{"connections":[]}' })
    expect(await dns.ask("POST", "/api/domains", {})).toEqual({ status: 400, text: "token is required\n" })
    expect(await dns.ask("DELETE", "/api/domains/cfc_none")).toEqual({ status: 404, text: "not found\n" })
    expect(await dns.ask("GET", "/api/domain-mappings")).toEqual(missing(`networking.${ada.id}.domain-mappings`))
  })

  test("a scope on the whole of networking covers every resource and id below it, for its actions", async () => {
    const mapping = await ada.map("root.home.arpa", container)
    const root = await bot("root", "networking.me=read,delete")
    expect((await root.ask("GET", "/api/domains")).status).toBe(200)
    expect((await root.ask("GET", "/api/domain-mappings")).status).toBe(200)
    expect(await root.ask("POST", "/api/domain-mappings", mappingOf("x.home.arpa"))).toEqual(
      missing(`networking.${ada.id}.domain-mappings`),
    )
    const verify = `/api/domain-mappings/${mapping.id}/verify`
    expect(await root.ask("POST", verify)).toEqual(missing(`networking.${ada.id}.domain-mappings.${mapping.id}`))
    expect((await root.ask("DELETE", `/api/domain-mappings/${mapping.id}`)).status).toBe(204)
    expect((await root.ask("GET", "/compute/containers")).status).toBe(403)
  })

  test("a scope on one resource says nothing about the other", async () => {
    const one = await bot("mappings-bot", "networking.me.domain-mappings=read,create")
    const made = await one.ask("POST", "/api/domain-mappings", mappingOf("bot.home.arpa"))
    expect(made.status).toBe(201)
    const { id } = JSON.parse(made.text) as { id: string }
    expect((await one.ask("POST", `/api/domain-mappings/${id}/verify`)).status).toBe(200)
    expect(await one.ask("DELETE", `/api/domain-mappings/${id}`)).toEqual(missing(`networking.${ada.id}.domain-mappings.${id}`))
    expect(await one.ask("GET", "/api/domains")).toEqual(missing(`networking.${ada.id}.domains`))
    expect(await one.ask("POST", "/api/domains/cfc_x/refresh")).toEqual(missing(`networking.${ada.id}.domains.cfc_x`))
  })

  test("a scope on one id says nothing about its neighbours or the list", async () => {
    const mine = await ada.map("mine.home.arpa", container)
    const other = await ada.map("other.home.arpa", container)
    const one = await bot("one-mapping", `networking.me.domain-mappings.${mine.id}=create,delete`)
    expect(await one.ask("GET", "/api/domain-mappings")).toEqual(missing(`networking.${ada.id}.domain-mappings`))
    expect(await one.ask("DELETE", `/api/domain-mappings/${other.id}`)).toEqual(missing(`networking.${ada.id}.domain-mappings.${other.id}`))
    expect((await one.ask("POST", `/api/domain-mappings/${mine.id}/verify`)).status).toBe(200)
    expect((await one.ask("DELETE", `/api/domain-mappings/${mine.id}`)).status).toBe(204)
    expect((await one.ask("DELETE", `/api/domain-mappings/${mine.id}`)).status).toBe(404)
  })

  test("compute has scopes of its own, and refuses in JSON", async () => {
    const one = await bot("compute-bot", `compute.me.containers.${container}=read`)
    expect((await one.ask("GET", `/compute/containers/${container}`)).status).toBe(200)
    const refusal = { status: 403, text: '{"error":"forbidden: insufficient token scope"}' }
    expect(await one.ask("POST", `/compute/containers/${container}/stop`)).toEqual(refusal)
    expect(await one.ask("GET", "/compute/containers")).toEqual(refusal)
    expect((await one.ask("GET", "/api/domains")).status).toBe(403)
  })

  test("a token manages no accounts, whatever its scopes", async () => {
    const root = await bot("climber", "networking.me=read,create,delete,update", "compute.me=read,create,update,delete")
    for (const path of ["/api/tokens", "/api/service-accounts", "/api/session"]) expect((await root.ask("GET", path)).status).toBe(401)
    const scopes = { [`networking.${ada.id}`]: ["read"] }
    expect((await root.ask("PUT", `/api/service-accounts/${root.account}/scopes`, { scopes })).status).toBe(401)
  })

  test("scopes for somebody else, a bare root and unknown actions are refused with a reason", async () => {
    for (const [scope, reason] of [
      ["networking.somebody.domains=read", "cannot create token for another user's resources"],
      ["networking=read", "invalid scope path: networking"],
      ["networking.me.domains=fly", "invalid action"],
      ["networking.me.ponies=read", "invalid resource: ponies for root networking"],
    ] as const) {
      const { code, err } = await house.cli(["service-accounts", "create", "--name", "bad", "--scope", scope])
      expect(code).toBe(1)
      expect(err).toContain(reason)
    }
  })

  test("new scopes, a revoked token and a removed account hold on the very next request", async () => {
    const one = await bot("short-lived", "networking.me.domains=read")
    const twin = await run<{ token: string }>("service-accounts", "token", "create", one.account, "--name", "twin")
    const twinAsks = async () => (await house.api("GET", "/api/domain-mappings", { token: twin.token })).status
    expect((await one.ask("GET", "/api/domains")).status).toBe(200)
    expect(await twinAsks()).toBe(403)
    await run("service-accounts", "scopes", one.account, "--scope", "networking.me.domain-mappings=read")
    expect(await one.ask("GET", "/api/domains")).toEqual(missing(`networking.${ada.id}.domains`))
    expect(await twinAsks()).toBe(200)
    await run("service-accounts", "token", "rm", one.tokenId)
    expect(await one.ask("GET", "/api/domain-mappings")).toEqual(unauthorized)
    expect((await house.cli(["tokens", "check", one.tokenId])).code).toBe(1)
    expect(await twinAsks()).toBe(200)
    await run("service-accounts", "rm", one.account)
    expect(await twinAsks()).toBe(401)
  })

  test("names in a private zone are certified by the built-in CA, and /ca.pem makes them trusted", async () => {
    const mapping = await ada.map("nas.home.arpa", container)
    expect(mapping.status).toBe("verified")
    await ada.certified(mapping.id)
    const trusted = `${house.home}/ca.pem`
    const ca = await house.api("GET", "/ca.pem")
    expect(ca.status).toBe(200)
    await Bun.write(trusted, ca.text)
    expect(await house.curl("https://nas.home.arpa/", { trusted })).toMatchObject({ code: 0, status: 200, text: "at home\n" })
    expect((await house.curl("https://nas.home.arpa/")).code).toBe(60)
    expect(await house.certificate("other-nas.home.arpa")).toBeUndefined()
    const base = await house.curl("https://net.freehold.localhost/healthz", { trusted })
    expect(base).toMatchObject({ code: 0, status: 200 })
    expect(JSON.parse(base.text)).toMatchObject({ status: "ok" })
  })

  test("the list of mappings is a table for people", async () => {
    const { code, out } = await house.cli(["mappings", "ls"])
    expect(code).toBe(0)
    expect(out).toMatch(/HOSTNAME.*STATUS/)
    expect(out).toMatch(/nas\.home\.arpa.*verified/)
  })
})
