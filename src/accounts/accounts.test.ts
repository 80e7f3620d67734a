import { describe, expect, test } from "bun:test"
import { SignJWT, UnsecuredJWT } from "jose"
import { jwtSecret, password, startApi } from "../../test/api"
import { covers, parseScopes } from "./scopes"

const key = new TextEncoder().encode(jwtSecret)
const forge = (claims: Record<string, unknown>, secret = key, alg = "HS256") =>
  new SignJWT(claims).setProtectedHeader({ alg }).setIssuedAt(1_700_000_000).setExpirationTime(4_000_000_000).sign(secret)

describe("login", () => {
  test("a person signs in, is known by the session, and is unknown after logout", async () => {
    const api = await startApi()
    await api.person("ada")
    const reply = (await (await api.send("POST", "/api/login", { body: { username: " ada ", password } })).json()) as Record<string, string>
    expect(reply).toMatchObject({ username: "ada", display_name: "ada", is_admin: true })
    expect(await (await api.send("GET", "/api/session", { token: reply.token })).json()).toEqual({
      username: "ada",
      display_name: "ada",
      user_id: reply.user_id,
      is_admin: true,
    })
    expect(await (await api.send("POST", "/api/logout", { token: reply.token })).json()).toEqual({ status: "ok" })
    expect((await api.send("GET", "/api/session", { token: reply.token })).status).toBe(401)
    expect((await api.send("POST", "/api/logout")).status).toBe(200)
  })

  test("a session is over after 24 hours", async () => {
    const api = await startApi()
    const ada = await api.person("ada")
    api.clock.ms += 24 * 3_600_000 - 1000
    expect((await api.send("GET", "/api/session", { token: ada.token })).status).toBe(200)
    api.clock.ms += 2000
    expect((await api.send("GET", "/api/session", { token: ada.token })).status).toBe(401)
  })

  test.each([
    ["not json", 400, "invalid request body"],
    ["[]", 400, "invalid request body"],
    [{}, 400, "username and password required"],
    [{ username: "ada" }, 400, "username and password required"],
    [{ username: ["ada"], password }, 400, "username and password required"],
    [{ username: "ada", password: "wrong" }, 401, "invalid credentials"],
    [{ username: "nobody", password }, 401, "invalid credentials"],
  ])("%p is answered %p %p", async (body, status, error) => {
    const api = await startApi()
    await api.person("ada")
    const res = await api.send("POST", "/api/login", { body })
    expect([res.status, await res.json()]).toEqual([status, { error }])
  })

  test("attempts are limited for an account and for an address, with the time to wait", async () => {
    const api = await startApi()
    await api.person("ada")
    const attempt = (username: string, from: string) =>
      api.send("POST", "/api/login", { body: { username, password: "wrong" }, from, headers: { "x-forwarded-for": crypto.randomUUID() } })
    for (let i = 0; i < 9; i++) expect((await attempt("ada", `192.0.2.${i}`)).status).toBe(401)
    const limited = await attempt("ada", "192.0.2.200")
    expect(limited.status).toBe(429)
    expect(await limited.json()).toEqual({ error: "too many login attempts for this account, try again later" })
    expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(800)
    for (let i = 0; i < 20; i++) expect((await attempt(`user${i}`, "198.51.100.1")).status).toBe(401)
    expect(await (await attempt("user99", "198.51.100.1")).json()).toEqual({ error: "too many login attempts, try again later" })
    api.clock.ms += 15 * 60_000 + 1
    expect((await attempt("ada", "198.51.100.1")).status).toBe(401)
  }, 60_000)
})

describe("the first person", () => {
  test("is made through a link that works once, as a page and as JSON", async () => {
    const api = await startApi()
    const secret = (await api.people.setupSecret()) ?? ""
    const page = await api.send("GET", `/setup/${secret}`)
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"])
    expect((await api.send("GET", "/setup/wrong")).status).toBe(404)
    const short = await api.send("POST", `/setup/${secret}`, { body: { username: "ada", password: "short" } })
    expect([short.status, await short.json()]).toEqual([400, { error: "password must have 10 to 256 characters" }])
    const headers = { "content-type": "application/x-www-form-urlencoded" }
    const made = await api.send("POST", `/setup/${secret}`, {
      body: new URLSearchParams({ username: "ada", password }).toString(),
      headers,
    })
    expect([made.status, made.headers.get("location"), await made.text()]).toEqual([303, "/welcome", ""])
    const cookie = made.headers.get("set-cookie") ?? ""
    expect(cookie).toMatch(/^token=[^;]+; Path=\/; HttpOnly; SameSite=Strict$/)
    const known = await api.send("GET", "/api/session", { headers: { cookie: cookie.split(";")[0] ?? "" } })
    expect(await known.json()).toMatchObject({ username: "ada", is_admin: true })
    expect((await api.send("POST", `/setup/${secret}`, { body: { username: "eve", password } })).status).toBe(404)
    expect(await api.people.setupSecret()).toBeUndefined()
    expect((await api.send("POST", "/api/login", { body: { username: "ada", password } })).status).toBe(200)
  })

  test("cannot be two, however they race", async () => {
    const api = await startApi()
    const secret = (await api.people.setupSecret()) ?? ""
    const all = await Promise.all(
      ["a1", "b2", "c3"].map((username) => api.send("POST", `/setup/${secret}`, { body: { username, password } })),
    )
    expect(all.map((res) => res.status).sort()).toEqual([200, 404, 404])
  })
})

describe("tokens", () => {
  test("every wrong kind of token is the same 401", async () => {
    const api = await startApi()
    const ada = await api.person("ada")
    const session = JSON.parse(atob(ada.token.split(".")[1] ?? "")) as Record<string, unknown>
    const { exp: _, iat: __, ...claims } = session
    const bad = {
      none: new UnsecuredJWT(claims).encode(),
      "another secret": await forge(claims, new TextEncoder().encode("x".repeat(40))),
      "another algorithm": await forge(claims, key, "HS512"),
      "2fa challenge": await forge({ ...claims, type: "2fa_challenge" }),
      "unknown type": await forge({ ...claims, type: "repository" }),
      registry: await forge({ access: [], sub: "ada" }),
      "empty user": await forge({ ...claims, user_id: "" }),
      "unknown user": await forge({ ...claims, user_id: "nobody" }),
      "session that never was": await forge({ ...claims, sid: "x" }),
      "api token that never was": await forge({ user_id: ada.id, token_id: "abcdef", type: "api_token" }),
      expired: await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).setExpirationTime(1_700_000_000).sign(key),
      garbage: "a.b.c",
    }
    for (const [name, token] of Object.entries(bad)) {
      for (const path of ["/api/domain-mappings", "/api/session"]) {
        const res = await api.send("GET", path, { token })
        const text = path === "/api/session" ? '{"error":"unauthorized"}' : "unauthorized\n"
        expect([name, res.status, await res.text()]).toEqual([name, 401, text])
      }
    }
    expect((await api.send("GET", "/api/domain-mappings", { token: await forge(claims) })).status).toBe(200)
  })

  test("a token is taken from the cookie, and a bearer header goes first", async () => {
    const api = await startApi()
    const ada = await api.person("ada")
    const cookie = { cookie: `a=b; token=${ada.token}` }
    expect((await api.send("GET", "/api/domain-mappings", { headers: cookie })).status).toBe(200)
    expect((await api.send("GET", "/api/domain-mappings", { headers: cookie, token: "bad" })).status).toBe(401)
    expect((await api.send("GET", "/api/domain-mappings", { headers: { ...cookie, authorization: "Basic eDp5" } })).status).toBe(200)
  })

  test("a page of a foreign origin cannot act with the cookie, a page of ours can", async () => {
    const api = await startApi()
    const ada = await api.person("ada")
    const create = (headers: Record<string, string>) =>
      api.send("POST", "/api/domain-mappings", { headers: { cookie: `token=${ada.token}`, ...headers }, body: {} })
    for (const origin of ["https://evil.example", "null", "http://127.0.0.1:9"]) expect((await create({ origin })).status).toBe(401)
    for (const headers of [{ origin: "https://x.cloud.example.org" }, { origin: "http://127.0.0.1", host: "127.0.0.1" }, {}]) {
      expect((await create(headers as never)).status).toBe(400)
    }
    const own = await api.send("POST", "/api/domain-mappings", { token: ada.token, headers: { origin: "https://evil.example" }, body: {} })
    expect(own.status).toBe(400)
  })

  test("a standalone token is shown once, kept as a hash, counted when used, and gone when deleted", async () => {
    const api = await startApi()
    const ada = await api.person("ada")
    const scopes = { [`networking.${ada.id}`]: ["read"] }
    const made = (await (
      await api.send("POST", "/api/tokens", { token: ada.token, body: { name: "ci", scopes, expires_in: "30d" } })
    ).json()) as Record<string, never>
    expect(made).toMatchObject({ name: "ci", scopes, last_used_at: 0 })
    expect(String(made.token)).toStartWith("ecloud_")
    expect(Number(made.expires_at)).toBe(Math.floor(api.clock.ms / 1000) + 30 * 86_400)
    expect(JSON.stringify(await api.db.selectFrom("apiTokens").selectAll().execute())).not.toContain(String(made.token))
    expect((await api.send("GET", "/api/domain-mappings", { token: String(made.token) })).status).toBe(200)
    expect((await api.send("GET", "/api/domain-mappings", { token: String(made.token).slice("ecloud_".length) })).status).toBe(200)
    const [listed] = (await (await api.send("GET", "/api/tokens", { token: ada.token })).json()) as Record<string, unknown>[]
    expect(listed).toEqual({
      id: made.id,
      name: "ci",
      scopes,
      expires_at: made.expires_at,
      created_at: made.created_at,
      last_used_at: Math.floor(api.clock.ms / 1000),
    })
    expect(await (await api.send("GET", `/api/tokens/${made.id}/check`)).json()).toEqual({ status: "valid" })
    const eve = await api.person("eve")
    expect(await (await api.send("DELETE", `/api/tokens/${made.id}`, { token: eve.token })).json()).toEqual({ error: "token not found" })
    expect(await (await api.send("DELETE", `/api/tokens/${made.id}`, { token: ada.token })).json()).toEqual({ status: "ok" })
    expect((await api.send("GET", "/api/domain-mappings", { token: String(made.token) })).status).toBe(401)
    const check = await api.send("GET", `/api/tokens/${made.id}/check`)
    expect([check.status, await check.text()]).toEqual([404, ""])
  })

  test("an API token cannot manage accounts, with its prefix or without", async () => {
    const api = await startApi()
    const ada = await api.person("ada")
    const bot = await api.serviceToken(ada, { [`networking.${ada.id}`]: ["create", "read", "update", "delete"] })
    for (const token of [bot.token, bot.token.slice("ecloud_".length)]) {
      for (const path of ["/api/session", "/api/tokens", "/api/service-accounts"])
        expect((await api.send("GET", path, { token })).status).toBe(401)
    }
  })

  test("an expired token is refused and its check fails", async () => {
    const api = await startApi()
    const ada = await api.person("ada")
    const body = { name: "ci", scopes: { [`networking.${ada.id}`]: ["read"] }, expires_in: "30d" }
    const made = (await (await api.send("POST", "/api/tokens", { token: ada.token, body })).json()) as Record<string, string>
    api.clock.ms += 30 * 86_400_000 + 1000
    expect((await api.send("GET", "/api/domain-mappings", { token: String(made.token) })).status).toBe(401)
    expect((await api.send("GET", `/api/tokens/${made.id}/check`)).status).toBe(404)
  })

  test.each([
    [{}, "token name required"],
    [{ name: "x".repeat(65) }, "token name too long (max 64 characters)"],
    [{ name: "t" }, "at least one scope required"],
    [{ name: "t", scopes: {} }, "at least one scope required"],
    [{ name: "t", scopes: { "networking.UID": ["read"] }, expires_in: "1d" }, "invalid expires_in (use 30d, 90d, 365d, or never)"],
    [{ name: "t", scopes: { "networking.UID": ["read"] }, expires_in: "constructor" }, "invalid expires_in (use 30d, 90d, 365d, or never)"],
  ])("%p is refused with %p", async (body, error) => {
    const api = await startApi()
    const ada = await api.person("ada")
    const res = await api.send("POST", "/api/tokens", { token: ada.token, body: JSON.stringify(body).replaceAll("UID", ada.id) })
    expect([res.status, await res.json()]).toEqual([400, { error }])
  })
})

describe("service accounts", () => {
  test("their tokens follow the account's current scopes and end with it", async () => {
    const api = await startApi()
    const ada = await api.person("ada")
    const bot = await api.serviceToken(ada, { [`networking.${ada.id}.domain-mappings`]: ["read"] })
    const list = () => api.send("GET", "/api/domain-mappings", { token: bot.token })
    expect((await list()).status).toBe(200)
    const scopes = { [`networking.${ada.id}.domains`]: ["read"] }
    expect((await api.send("PUT", `/api/service-accounts/${bot.account}/scopes`, { token: ada.token, body: { scopes } })).status).toBe(200)
    const denied = await list()
    expect([denied.status, await denied.text()]).toEqual([403, `forbidden: missing networking.${ada.id}.domain-mappings scope\n`])
    expect(await (await api.send("GET", `/api/tokens/${bot.id}/check`)).json()).toEqual({ status: "valid", scopes })
    expect((await api.send("DELETE", `/api/service-accounts/${bot.account}`, { token: ada.token })).status).toBe(200)
    expect((await list()).status).toBe(401)
  })

  test("belong to one person: everything about another's is 404", async () => {
    const api = await startApi()
    const [ada, eve] = [await api.person("ada"), await api.person("eve")]
    const bot = await api.serviceToken(ada, { [`networking.${ada.id}`]: ["read"] })
    const path = `/api/service-accounts/${bot.account}`
    const body = { name: "x", scopes: { [`networking.${eve.id}`]: ["read"] } }
    for (const [method, at] of [
      ["GET", path],
      ["PUT", `${path}/scopes`],
      ["DELETE", path],
      ["POST", `${path}/tokens`],
      ["GET", `${path}/tokens`],
    ] as const) {
      const res = await api.send(method, at, { token: eve.token, ...(method === "PUT" || method === "POST" ? { body } : {}) })
      expect([method, at, res.status, await res.json()]).toEqual([method, at, 404, { error: "service account not found" }])
    }
    const mine = (await (await api.send("GET", "/api/service-accounts", { token: ada.token })).json()) as unknown[]
    expect(mine).toEqual([expect.objectContaining({ id: bot.account, name: "bot", token_count: 1 })])
    expect(await (await api.send("GET", "/api/service-accounts", { token: eve.token })).json()).toEqual([])
  })
})

describe("scopes", () => {
  test.each([
    ["networking", "invalid scope path: networking"],
    ["registry.u1", "invalid scope root: registry"],
    ["constructor.u1", "invalid scope root: constructor"],
    ["networking.u2", "cannot create token for another user's resources"],
    ["networking.u1.zones", "invalid resource: zones for root networking"],
    ["networking.u1.domains.", "resource ID cannot be empty in scope networking.u1.domains."],
  ])("%p is refused with %p", (path, message) => {
    expect(() => parseScopes({ [path]: ["read"] }, "u1")).toThrow(message)
  })

  test("actions are those of the resource", () => {
    expect(() => parseScopes({ "networking.u1.domains": [] }, "u1")).toThrow("at least one action required for scope networking.u1.domains")
    expect(() => parseScopes({ "networking.u1.domains": ["update"] }, "u1")).toThrow(
      'invalid action "update" for scope networking.u1.domains',
    )
    expect(() => parseScopes({ "compute.u1": ["start"] }, "u1")).toThrow('invalid action "start" for scope compute.u1')
    expect(parseScopes({ "compute.u1.containers.a.b": ["start", "start"] }, "u1")).toEqual({ "compute.u1.containers.a.b": ["start"] })
    expect(parseScopes({ "storage.u1.registry.my.app": ["push", "pull"] }, "u1")).toEqual({
      "storage.u1.registry.my.app": ["push", "pull"],
    })
  })

  const need = { path: ["networking", "u1", "domains", "d1"], action: "read" }
  test.each([
    ["networking.u1.domains.d1", ["read"], true],
    ["networking.u1.domains", ["read"], true],
    ["networking.u1", ["read"], true],
    ["networking", ["read"], false],
    ["networking.u1", ["create"], false],
    ["networking.u2", ["read"], false],
    ["networking.u1.domains.d2", ["read"], false],
    ["networking.u1.domain-mappings", ["read"], false],
    ["networking.u1.domains.d1.x", ["read"], false],
  ])("a grant of %p for %p covers reading one domain: %p", (path, actions, result) => {
    expect(covers({ [path]: actions }, need)).toBe(result)
  })

  test("an id is one segment, dots and all", () => {
    expect(covers({ "storage.u1.namespaces.my": ["read"] }, { path: ["storage", "u1", "namespaces", "my.data"], action: "read" })).toBe(
      false,
    )
    expect(
      covers({ "storage.u1.namespaces.my.data": ["read"] }, { path: ["storage", "u1", "namespaces", "my.data"], action: "read" }),
    ).toBe(true)
  })
})
