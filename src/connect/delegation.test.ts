import { expect, test } from "bun:test"
import { type Reply, startConnect } from "./connect.fixture"

async function setup(zones = ["customer.com"]) {
  const t = await startConnect()
  const ada = await t.person("ada")
  const app = await t.product(ada)
  t.world.tokens.set("good-token", zones)
  const credential = await t.ask(201, "POST", `/v1/applications/${app.id}/credentials`, ada.token, {
    provider: "cloudflare",
    token: "good-token",
  })
  const create = (hostname: string, more: object = {}) =>
    t.ask(201, "POST", "/v1/connections", app.key, { application_id: app.id, hostname, ...more })
  const types = () => t.world.events.map(({ type }) => type)
  return { ...t, ada, app, credential, create, types }
}

test("a credential is sealed and never shown again", async () => {
  const t = await setup()
  const listed = await t.ask(200, "GET", `/v1/applications/${t.app.id}/credentials`, t.ada.token)
  expect(listed.data).toEqual([
    { id: t.credential.id, provider: "cloudflare", created_at: "2026-11-29T14:00:00.000Z", last_used_at: null, last_error: null } as never,
  ])
  expect(JSON.stringify(await t.db.selectFrom("dnsCredentials").selectAll().execute())).not.toContain("good-token")
  await t.ask(204, "DELETE", `/v1/applications/${t.app.id}/credentials/${t.credential.id}`, t.ada.token)
  expect((await t.create("app.customer.com")).state).toBe("pending_ownership")
})

test.each([
  [{}, "provider is required: GET /v1/providers lists them"],
  [{ provider: "nobody", token: "good-token" }, 'provider: "nobody" is not known'],
  [{ provider: "cloudflare" }, "token is required"],
  [{ provider: "cloudflare", token: "x" }, "token must be an API token"],
])("%p is refused: %p", async (body, message) => {
  const t = await setup()
  expect((await t.ask(400, "POST", `/v1/applications/${t.app.id}/credentials`, t.ada.token, body)).error.message).toBe(message)
})

test.each([
  [{ provider: "namecheap", fields: "x" }, "fields must be an object with api_user, api_key, client_ip"],
  [{ provider: "namecheap", fields: { api_user: "ann", api_key: "k" } }, "fields.client_ip: the Client IP is required"],
  [
    { provider: "namecheap", fields: { api_user: "ann", api_key: "k", client_ip: "::1" } },
    "fields.client_ip: the Client IP must be an IPv4 address, such as 203.0.113.7",
  ],
  [{ provider: "cloudflare", fields: { token: "x", key: "y" } }, "fields.key is no field of Cloudflare: it has token"],
  [{ provider: "cloudflare", fields: { token: 1 } }, "fields.token: the API token must be a text"],
  [{ provider: "cloudflare", token: "x", fields: { token: "y" } }, "token and fields exclude each other: fields make a token"],
])("%j is refused: %p", async (body, message) => {
  const t = await setup()
  expect((await t.ask(400, "POST", `/v1/applications/${t.app.id}/credentials`, t.ada.token, body)).error.message).toBe(message)
})

test("a credential is replaced in place once it was tried, and stays what it was where it is refused", async () => {
  const t = await setup()
  const path = `/v1/applications/${t.app.id}/credentials`
  const [kept] = (await t.ask(200, "GET", path, t.ada.token)).data as Reply[]
  t.world.tokens.set("better-token", ["customer.com"])
  const at = `${path}/${kept?.id}`
  expect((await t.ask(409, "PUT", at, t.ada.token, { fields: { token: "blind-token" }, domain: "shop.customer.com" })).error).toMatchObject(
    {
      code: "zone_not_found",
      details: { field: "domain" },
    },
  )
  t.world.tokens.delete("good-token")
  expect((await t.create("one.customer.com")).state).toBe("pending_ownership")
  const replaced = await t.ask(200, "PUT", at, t.ada.token, { fields: { token: "better-token" }, domain: "shop.customer.com" })
  expect(replaced).toMatchObject({ id: kept?.id, provider: "cloudflare", last_error: null })
  expect((await t.create("two.customer.com")).state).toBe("propagating")
  const other = { provider: "desec", token: "better-token" }
  expect((await t.ask(400, "PUT", at, t.ada.token, other)).error.message).toBe(
    "provider must stay cloudflare: make another credential for another provider",
  )
  const bob = await t.person("bob")
  await t.ask(404, "PUT", at, bob.token, { token: "better-token" })
  await t.ask(404, "PUT", `${path}/nope`, t.ada.token, { token: "better-token" })
  await t.ask(403, "PUT", at, t.app.key, { token: "better-token" })
})

test("without an encryption key none is stored", async () => {
  const t = await startConnect({ credentials: false })
  const ada = await t.person("ada")
  const app = await t.product(ada)
  const body = { provider: "cloudflare", token: "good-token" }
  const { error } = await t.ask(503, "POST", `/v1/applications/${app.id}/credentials`, ada.token, body)
  expect(error.message).toBe("credentials cannot be stored: FREEHOLD_ENCRYPTION_KEY is none")
})

test("with one the records are written, and the gate opens when our TXT is seen in the world", async () => {
  const t = await setup()
  const made = await t.create("app.customer.com")
  expect(made).toMatchObject({ state: "propagating", setup_type: "automatic", error_code: null })
  expect(made.ownership_challenge).toBeUndefined()
  expect(t.world.events).toMatchObject([
    { type: "domain.added", jobId: made.id, data: { hostname: "app.customer.com", setup_type: "automatic" } },
  ])
  expect(t.world.published).toEqual([])
  expect(t.world.written).toEqual([
    "app.customer.com: _customdomain-challenge.app.customer.com TXT in customer.com at cloudflare for ownership",
    "app.customer.com: app.customer.com CNAME in customer.com at cloudflare for address",
  ])
  await t.due()
  expect((await t.ask(200, "GET", `/v1/connections/${made.id}`, t.app.key)).state).toBe("live")
  expect(t.types()).toEqual(["domain.added", "domain.verified", "ssl.issued", "domain.flow.completed"])
})

test("records that were written and are not seen open nothing", async () => {
  const t = await setup()
  const made = await t.create("app.customer.com")
  t.world.records.clear()
  const looked = await t.ask(200, "POST", `/v1/connections/${made.id}/records:check`, t.app.key)
  expect(looked).toMatchObject({ state: "propagating", ownership: { verified: false } })
  expect(t.world.published).toEqual([])
})

test.each([
  [
    ["customer.com"],
    ["app.customer.com", "customer.com"],
    "zone_not_delegated",
    "the cloudflare credential edits the zone customer.com, and the world is led to the zone app.customer.com",
  ],
  [["customer.com"], [], "zone_not_delegated", "the cloudflare credential edits the zone customer.com, and no delegation was found for it"],
  [["other.com"], ["customer.com"], "zone_not_found", "the cloudflare credential edits no zone around app.customer.com"],
])("a credential for %p where the world has %p proves nothing: %p", async (edits, world, code, detail) => {
  const t = await setup(edits)
  t.world.zones = world
  const made = await t.create("app.customer.com")
  expect(made).toMatchObject({ state: "pending_ownership", setup_type: "manual", error_code: code, error_detail: detail })
  expect(made.ownership_challenge.value).toStartWith("cd-verify-")
  expect([t.world.records.size, t.world.events, t.world.published]).toEqual([0, [], []])
})

test("a provider that refuses leaves the manual way open, with its words, and applying again goes on", async () => {
  const t = await setup()
  t.world.refusal = "cloudflare answered 429: slow down"
  const made = await t.create("app.customer.com")
  expect(made).toMatchObject({
    state: "pending_ownership",
    error_code: "dns_write_failed",
    error_detail: "cloudflare answered 429: slow down",
  })
  const apply = (status: number) => t.ask(status, "POST", `/v1/connections/${made.id}/records:apply`, t.app.key)
  expect((await apply(409)).error).toMatchObject({ code: "dns_write_failed", message: "cloudflare answered 429: slow down" })
  const listed = await t.ask(200, "GET", `/v1/applications/${t.app.id}/credentials`, t.ada.token)
  expect(listed.data[0]).toMatchObject({ last_error: "cloudflare answered 429: slow down" } as never)
  t.world.refusal = undefined
  expect((await apply(200)).state).toBe("propagating")
  await t.due()
  expect((await t.ask(200, "GET", `/v1/connections/${made.id}`, t.app.key)).state).toBe("live")
})

test("a drifted name is repaired by applying its records, without being anything but drifted meanwhile", async () => {
  const t = await setup()
  const made = await t.create("app.customer.com")
  await t.due()
  t.world.records.set("app.customer.com CNAME", ["elsewhere.example"])
  const look = () => t.ask(200, "POST", `/v1/connections/${made.id}/records:check`, t.app.key)
  await look()
  t.clock.ms += 61_000
  expect((await look()).state).toBe("drifted")
  expect((await t.ask(200, "POST", `/v1/connections/${made.id}/records:apply`, t.app.key)).state).toBe("drifted")
  await t.due()
  expect((await t.ask(200, "GET", `/v1/connections/${made.id}`, t.app.key)).state).toBe("live")
  expect(t.types().slice(-2)).toEqual(["domain.drift", "domain.recovered"])
})

test("what the process left in dns_writing is written again", async () => {
  const t = await setup()
  const made = await t.create("app.customer.com", { setup_type: "manual" })
  await t.db.updateTable("connections").set({ state: "dns_writing", nextCheckAt: 0 }).execute()
  await t.due()
  const after: Reply = await t.ask(200, "GET", `/v1/connections/${made.id}`, t.app.key)
  expect(after.state).toBe("live")
})

test("email records are written for the connection's own domain alone, SPF never, and by hand without a credential", async () => {
  const t = await setup()
  const made = await t.create("app.customer.com")
  const apply = (status: number, body: object) => t.ask(status, "POST", `/v1/connections/${made.id}/email:apply`, t.app.key, body)
  expect((await apply(409, { provider: "google_workspace" })).error.message).toBe(
    "the name is not proved yet: publish the ownership record first",
  )
  await t.due()
  expect((await apply(400, { provider: "google_workspace", domain: "other.com" })).error.message).toBe(
    "domain must be app.customer.com or customer.com, the connection's own",
  )
  expect(await apply(200, { provider: "google_workspace" })).toMatchObject({
    applied: true,
    domain: "customer.com",
    written_records: [{ type: "MX" }],
    manual_records: [{ type: "TXT" }],
  })
  expect(t.world.records.get("customer.com MX")).toEqual(["smtp.google.com"])
  expect(t.world.written.at(-1)).toBe("app.customer.com: customer.com MX in customer.com at cloudflare for email")
  expect(t.world.records.has("customer.com TXT")).toBe(false)
  t.world.tokens.clear()
  expect(await apply(200, { provider: "google_workspace" })).toMatchObject({
    applied: false,
    written_records: [],
    manual_records: [{}, {}],
  })
})

test("changes with one credential come one after the other, and one that fails does not stop the next", async () => {
  const t = await setup()
  const order: string[] = []
  const work = (name: string, fails = false) =>
    t.connect.credentials.inTurn("c1", async () => {
      order.push(`${name} begins`)
      await Bun.sleep(1)
      order.push(`${name} ends`)
      if (fails) throw new Error(name)
    })
  const all = [work("a"), work("b", true), work("c")]
  expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"])
  expect(order).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"])
})
