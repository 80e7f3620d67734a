import { describe, expect, test } from "bun:test"
import { type Reply, startConnect } from "./connect.fixture"

const code = async (res: Response) => [res.status, ((await res.json()) as Reply).error.code]

describe("applications and keys", () => {
  test("an application is made, shown, changed and deleted", async () => {
    const t = await startConnect()
    const ada = await t.person("ada")
    const body = { name: " Acme Sites ", allowed_origins: ["https://app.acme.example"] }
    const made = await t.ask(201, "POST", "/v1/applications", ada.token, body)
    expect(made).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: "Acme Sites",
      allowed_origins: ["https://app.acme.example"],
      record_template: null,
      environment: "live",
      origin_url: null,
      container_id: null,
      target_port: null,
      created_at: "2026-11-29T14:00:00.000Z",
    } as never)
    const change = { name: "Acme", record_template: [{ type: "CNAME", value: "{edge_cname}" }], origin_url: "https://origin.acme.example" }
    expect(await t.ask(200, "PATCH", `/v1/applications/${made.id}`, ada.token, change)).toMatchObject({
      name: "Acme",
      record_template: [{ host: "{hostname}", type: "CNAME", value: "{edge_cname}", ttl: 300 }],
      origin_url: "https://origin.acme.example",
    })
    expect((await t.ask(200, "GET", "/v1/applications", ada.token)).data).toHaveLength(1)
    await t.ask(204, "DELETE", `/v1/applications/${made.id}`, ada.token)
    expect((await t.send("GET", `/v1/applications/${made.id}`, ada.token)).status).toBe(404)
  })

  test.each([
    [{}, "name is required"],
    [{ name: "x".repeat(65) }, "name must have at most 64 characters"],
    [{ name: "a", allowed_origins: "x" }, "allowed_origins must be a list of at most 50 origins"],
    [
      { name: "a", allowed_origins: ["https://a.example/path"] },
      'allowed_origins: "https://a.example/path" is not an origin such as https://app.acme.example',
    ],
    [{ name: "a", environment: "prod" }, 'environment must be "test" or "live"'],
    [{ name: "a", record_template: [{}] }, "record_template[0].type: nothing is none of A, AAAA, CNAME, TXT, MX, CAA, SRV"],
    ["nonsense", "the body is not JSON"],
    ["[]", "the body must be a JSON object"],
  ])("%p is refused: %p", async (body, message) => {
    const t = await startConnect()
    const ada = await t.person("ada")
    expect((await t.ask(400, "POST", "/v1/applications", ada.token, body)).error).toEqual({ code: "invalid", message, details: null })
    expect((await t.ask(200, "GET", "/v1/applications", ada.token)).data).toEqual([])
  })

  test("a secret is shown once, kept as a hash, and dies when it is revoked", async () => {
    const t = await startConnect()
    const app = await t.product(await t.person("ada"), ["apps:admin", "connections:read"])
    expect(app.key).toMatch(/^sk_test_[0-9A-Za-z]{43}$/)
    const listed = await t.ask(200, "GET", `/v1/applications/${app.id}/keys`, app.key)
    expect(listed.data[0]).toMatchObject({ name: "server", last4: app.key.slice(-4), environment: "test", revoked_at: null })
    expect(JSON.stringify(listed)).not.toContain(app.key)
    const rows = await t.db.selectFrom("applicationKeys").selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain(app.key)
    await t.ask(200, "DELETE", `/v1/applications/${app.id}/keys/${app.keyId}`, app.key)
    expect(await code(await t.send("GET", "/v1/applications", app.key))).toEqual([401, "unauthorized"])
  })

  test("a key grants only what it has itself", async () => {
    const t = await startConnect()
    const app = await t.product(await t.person("ada"), ["apps:admin", "connections:read"])
    const path = `/v1/applications/${app.id}/keys`
    const { error } = await t.ask(403, "POST", path, app.key, { name: "more", scopes: ["connections:read", "connections:write"] })
    expect(error).toMatchObject({ code: "forbidden", message: "a key cannot grant what its maker has not: connections:write" })
    expect((await t.ask(201, "POST", path, app.key, { name: "less" })).scopes).toEqual(["connections:read"])
  })

  test("an idempotent key creation gives the same secret, which is nowhere in clear", async () => {
    const t = await startConnect()
    const ada = await t.person("ada")
    const app = await t.product(ada)
    const make = () => t.ask(201, "POST", `/v1/applications/${app.id}/keys`, ada.token, { name: "k" }, { "idempotency-key": "one" })
    const [first, again] = [await make(), await make()]
    expect(again).toEqual(first)
    expect(JSON.stringify(await t.db.selectFrom("idempotencyKeys").selectAll().execute())).not.toContain(String(first.secret))
  })
})

describe("who may what", () => {
  test("a test key sees neither live applications nor their connections", async () => {
    const t = await startConnect()
    const ada = await t.person("ada")
    const test = await t.product(ada, ["apps:admin", "connections:read"])
    const live = await t.product(ada, ["connections:read", "connections:write"], { environment: "live" })
    expect(live.key).toStartWith("sk_live_")
    expect((await t.send("GET", `/v1/applications/${live.id}`, test.key)).status).toBe(404)
    expect((await t.ask(200, "GET", "/v1/applications", test.key)).data.map(({ id }) => id)).toEqual([test.id])
    expect(await code(await t.send("POST", "/v1/applications", test.key, { name: "x", environment: "live" }))).toEqual([400, "invalid"])
  })

  test("a key without apps:admin stays within its application", async () => {
    const t = await startConnect()
    const ada = await t.person("ada")
    const [one, two] = [await t.product(ada), await t.product(ada)]
    const refused = await t.send("POST", "/v1/connections", one.key, { application_id: two.id, hostname: "a.customer.com" })
    expect(await code(refused)).toEqual([404, "not_found"])
  })
})

describe("widget tokens", () => {
  const origin = { origin: "https://app.acme.example" }

  async function setup(domain?: string) {
    const t = await startConnect()
    const app = await t.product(await t.person("ada"), undefined, { allowed_origins: [origin.origin] })
    const minted = await t.ask(201, "POST", "/v1/tokens", app.key, { application_id: app.id, ...(domain === undefined ? {} : { domain }) })
    return { ...t, app, minted, token: String(minted.auth_token) }
  }

  test("live for an hour, and drive the flow without naming the application", async () => {
    const t = await setup()
    expect(t.minted.expires_at).toBe("2026-11-29T15:00:00.000Z")
    const made = await t.ask(201, "POST", "/v1/connections", t.token, { hostname: "app.customer.com" }, origin)
    expect(made.application_id).toBe(t.app.id)
    await t.ask(200, "POST", `/v1/connections/${made.id}/records:check`, t.token, undefined, origin)
    t.clock.ms += 3_600_001
    expect(await code(await t.send("GET", `/v1/connections/${made.id}`, t.token, undefined, origin))).toEqual([401, "unauthorized"])
  })

  test("bound to a hostname act on that one only", async () => {
    const t = await setup("app.customer.com")
    const other = await t.ask(201, "POST", "/v1/connections", t.app.key, { application_id: t.app.id, hostname: "b.customer.com" })
    expect(await code(await t.send("POST", "/v1/connections", t.token, { hostname: "b.customer.com" }, origin))).toEqual([403, "forbidden"])
    expect(await code(await t.send("GET", `/v1/connections/${other.id}`, t.token, undefined, origin))).toEqual([403, "forbidden"])
    await t.ask(201, "POST", "/v1/connections", t.token, { hostname: "app.customer.com" }, origin)
  })

  test("are refused on pages of origins that the application does not name, and cannot say where a name leads", async () => {
    const t = await setup()
    const body = { hostname: "app.customer.com" }
    expect(await code(await t.send("POST", "/v1/connections", t.token, body, { origin: "https://evil.example" }))).toEqual([
      403,
      "forbidden",
    ])
    const led = { ...body, origin_url: "http://198.51.100.80" }
    expect(await code(await t.send("POST", "/v1/connections", t.token, led, origin))).toEqual([403, "forbidden"])
  })

  test("are not minted by a key that only reads", async () => {
    const t = await startConnect()
    const app = await t.product(await t.person("ada"), ["connections:read"])
    expect(await code(await t.send("POST", "/v1/tokens", app.key, { application_id: app.id }))).toEqual([403, "forbidden"])
  })

  test("are no session, and neither is a key", async () => {
    const t = await setup()
    expect((await t.send("GET", "/v1/applications", t.token)).status).toBe(403)
    expect((await t.send("GET", "/v1/applications", `${t.token}x`)).status).toBe(401)
    expect((await t.send("GET", "/v1/applications", "sk_test_demo")).status).toBe(401)
  })
})

test("pages that an application names may ask, with tokens and never with cookies; others are told nothing", async () => {
  const t = await startConnect()
  await t.product(await t.person("ada"), undefined, { allowed_origins: ["https://app.acme.example"] })
  const headers = async (method: string, path: string, origin: string) => {
    const res = await t.send(method, path, undefined, undefined, { origin })
    return [
      res.status,
      res.headers.get("access-control-allow-origin"),
      res.headers.get("access-control-allow-credentials"),
      res.headers.get("vary"),
    ]
  }
  const embedding = "https://app.acme.example"
  expect(await headers("OPTIONS", "/v1/connections", embedding)).toEqual([200, embedding, null, "Origin"])
  expect(await headers("GET", "/v1/connections", embedding)).toEqual([401, embedding, null, "Origin"])
  expect((await headers("GET", "/livez", embedding))[1]).toBeNull()
  expect((await headers("GET", "/v1/connections", "https://evil.example"))[1]).toBeNull()
  expect((await headers("GET", "/v1/connections", "https://cloud.example.org")).slice(0, 3)).toEqual([
    401,
    "https://cloud.example.org",
    "true",
  ])
})

describe("plans", () => {
  test("of parallel creates over a limit exactly so many succeed, and the rest say what was reached", async () => {
    const t = await startConnect()
    const [root, ada] = [await t.person("root", true), await t.person("ada")]
    const app = await t.product(ada)
    await t.ask(200, "PUT", "/v1/plans/free", root.token, { limits: { connect: 3 } })
    await t.ask(200, "POST", "/v1/subscriptions", root.token, { plan: "free", user_id: "ada" })
    const create = (n: number) => t.send("POST", "/v1/connections", app.key, { application_id: app.id, hostname: `a${n}.customer.com` })
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => create(n)))
    expect(all.filter(({ status }) => status === 201)).toHaveLength(3)
    const refused = all.find(({ status }) => status === 402)
    const reached = { limit: 3, plan: "free", upgrade_url: null }
    expect(await refused?.json()).toEqual({
      error: {
        code: "QuotaExceeded",
        message: 'the plan "free" allows 3 of connect a month',
        details: { kind: "connect", ...reached },
        kind: "connect",
        ...reached,
      },
      kind: "connect",
      ...reached,
    })
    expect(all.filter(({ status }) => status === 402)).toHaveLength(17)
    expect(await t.ask(200, "GET", "/v1/subscription", app.key)).toMatchObject({ plan: "free" })
    expect(await t.ask(200, "GET", "/v1/usage?period=2026-11", app.key)).toMatchObject({
      usage: [{ kind: "connect", used: 3, limit: 3 }, {}, {}, {}],
    })
    expect((await t.send("GET", "/v1/usage?period=2026-13", app.key)).status).toBe(400)
  })

  test("nobody takes themselves out of their limits, and there is nothing to buy", async () => {
    const t = await startConnect()
    const ada = await t.person("ada")
    const app = await t.product(ada, ["apps:admin"])
    expect((await t.send("POST", "/v1/subscriptions", app.key, { plan: "local" })).status).toBe(403)
    expect((await t.send("PUT", "/v1/plans/local", ada.token, { limits: {} })).status).toBe(403)
    expect(await code(await t.send("POST", "/v1/billing/checkout", app.key, { plan: "pro" }))).toEqual([502, "billing_unavailable"])
  })
})

test("lists come in pages that new rows do not disturb", async () => {
  const t = await startConnect()
  const app = await t.product(await t.person("ada"))
  const create = async (n: number) => {
    t.clock.ms += 1
    return t.ask(201, "POST", "/v1/connections", app.key, { application_id: app.id, hostname: `a${n}.customer.com` })
  }
  for (let n = 0; n < 5; n++) await create(n)
  const page = (query: string) => t.ask(200, "GET", `/v1/connections?limit=2${query}`, app.key)
  const first = await page("")
  await create(9)
  const second = await page(`&cursor=${first.next_cursor}`)
  const third = await page(`&cursor=${second.next_cursor}`)
  const names = [first, second, third].flatMap(({ data }) => data.map(({ hostname }) => hostname))
  expect(names).toEqual(["a4", "a3", "a2", "a1", "a0"].map((name) => `${name}.customer.com`))
  expect(third.next_cursor).toBeNull()
  expect((await t.ask(200, "GET", "/v1/connections?hostname=A3.customer.com", app.key)).data).toHaveLength(1)
  expect((await t.send("GET", "/v1/connections?state=nope", app.key)).status).toBe(400)
})

test("connections are found by application, part of the name and several states, and counted by them", async () => {
  const t = await startConnect()
  const ada = await t.person("ada")
  const [shop, blog] = [await t.product(ada), await t.product(ada)]
  const create = (app: { id: string }, hostname: string) =>
    t.ask(201, "POST", "/v1/connections", ada.token, { application_id: app.id, hostname })
  await create(shop, "shop.customer.com")
  const gone = await create(shop, "old.customer.com")
  await create(blog, "blog.customer.com")
  await t.ask(200, "DELETE", `/v1/connections/${gone.id}`, ada.token)
  const names = async (query: string) =>
    (await t.ask(200, "GET", `/v1/connections?${query}`, ada.token)).data.map(({ hostname }) => hostname).sort()
  expect(await names(`application_id=${shop.id}`)).toEqual(["old.customer.com", "shop.customer.com"])
  expect(await names(`application_id=${shop.id}&state=pending_ownership,live`)).toEqual(["shop.customer.com"])
  expect(await names("q=LOG.cust")).toEqual(["blog.customer.com"])
  expect(await names("q=%25")).toEqual([])
  expect(await names("q=_")).toEqual([])
  for (const query of ["state=live,nope", "state=", "application_id=1"]) {
    expect((await t.send("GET", `/v1/connections?${query}`, ada.token)).status).toBe(400)
  }
  const counts: unknown[] = (await t.ask(200, "GET", "/v1/connection-counts", ada.token)).data
  expect(counts).toHaveLength(3)
  expect(counts).toContainEqual({ application_id: shop.id, state: "archived", count: 1 })
  expect(counts).toContainEqual({ application_id: blog.id, state: "pending_ownership", count: 1 })
  // A key sees its own application alone, and another person nothing.
  expect((await t.ask(200, "GET", "/v1/connection-counts", (await t.product(ada)).key)).data).toEqual([])
  expect((await t.ask(200, "GET", "/v1/connection-counts", (await t.person("bob")).token)).data).toEqual([])
  expect((await t.send("GET", "/v1/connection-counts", "sk_test_none")).status).toBe(401)
})

test("a DNS credential is tried at its provider before it is kept, where a domain is named", async () => {
  const t = await startConnect({ credentials: true })
  const ada = await t.person("ada")
  const app = await t.product(ada)
  const path = `/v1/applications/${app.id}/credentials`
  const give = (domain: unknown) => t.send("POST", path, ada.token, { provider: "cloudflare", token: "token", domain })
  expect(await code(await give("customer.com"))).toEqual([409, "zone_not_found"])
  expect(await code(await give("not a domain"))).toEqual([400, "invalid"])
  t.world.refusal = "cloudflare does not accept the credential"
  expect(await code(await give("customer.com"))).toEqual([502, "bad_gateway"])
  expect((await t.ask(200, "GET", path, ada.token)).data).toEqual([])
  t.world.refusal = undefined
  t.world.tokens.set("token", ["customer.com"])
  expect((await give("app.customer.com")).status).toBe(201)
  expect((await t.ask(200, "GET", path, ada.token)).data).toHaveLength(1)
})
