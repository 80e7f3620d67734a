import { describe, expect, test } from "bun:test"
import { type Reply, startConnect } from "./connect.fixture"

async function setup() {
  const t = await startConnect()
  const ada = await t.person("ada")
  const app = await t.product(ada)
  const create = (hostname: string, more: object = {}, key = app.key) =>
    t.send("POST", "/v1/connections", key, { application_id: app.id, hostname, ...more })
  const made = async (hostname: string, more: object = {}) => (await (await create(hostname, more)).json()) as Reply
  const at = (id: string, verb = "") => `/v1/connections/${id}${verb}`
  const verify = (id: string) => t.send("POST", at(id, "/verify"), app.key)
  const check = (id: string) => t.ask(200, "POST", at(id, "/records:check"), app.key)
  const get = (id: string) => t.ask(200, "GET", at(id), app.key)
  const publishTxt = ({ ownership_challenge: { name, value } }: Reply) => t.world.records.set(`${name} TXT`, [value])
  const publish = (connection: Reply) => {
    for (const { host, type, value } of connection.desired_records) t.world.records.set(`${host} ${type}`, [value])
  }
  /** A connection that has gone live. */
  const live = async (hostname: string) => {
    const connection = await made(hostname)
    publishTxt(connection)
    publish(connection)
    expect((await check(connection.id)).state).toBe("live")
    return connection
  }
  const types = () => t.world.events.map(({ type }) => type)
  return { ...t, ada, app, create, made, at, verify, check, get, publishTxt, publish, live, types }
}

const code = async (res: Response) => [res.status, ((await res.json()) as Reply).error.code]

describe("create", () => {
  test("answers 201 with state, challenge and records", async () => {
    const t = await setup()
    const res = await t.create(" App.Customer.COM. ")
    expect(res.status).toBe(201)
    expect(await res.json()).toMatchObject({
      application_id: t.app.id,
      hostname: "app.customer.com",
      kind: "subdomain",
      setup_type: "manual",
      state: "pending_ownership",
      provider: "cloudflare",
      error_code: null,
      created_at: "2026-11-29T14:00:00.000Z",
      desired_records: [{ host: "app.customer.com", type: "CNAME", value: "ingress.cloud.example.org", ttl: 300 }],
      ownership_challenge: {
        name: "_customdomain-challenge.app.customer.com",
        type: "TXT",
        value: expect.stringMatching(/^cd-verify-[0-9a-f]{40}$/),
      },
      certificate: { status: "none", not_after: null, ca: null },
    })
  })

  test("an apex gets the addresses of the edge", async () => {
    const t = await setup()
    expect((await t.made("customer.com")).desired_records).toEqual([{ host: "customer.com", type: "A", value: "198.51.100.4", ttl: 300 }])
  })

  test.each([
    [{ hostname: "" }, "hostname is required"],
    [{ hostname: "a b.com" }, 'hostname: "a b.com" is not a hostname such as app.customer.com'],
    [{ hostname: "10.0.0.1" }, 'hostname: "10.0.0.1" is not a hostname such as app.customer.com'],
    [{ hostname: "x.cloud.example.org" }, "hostname: x.cloud.example.org belongs to this platform"],
    [{ setup_type: "magic" }, 'setup_type: "magic" is none of automatic, manual, semiautomatic, shared_login, async, api'],
    [{ setup_type: "automatic" }, "setup_type: automatic needs a DNS credential of the application"],
    [{ batch_id: "7" }, "batch_id must be a UUID"],
    [
      { origin_url: "ftp://a.example" },
      "origin_url must be http:// or https:// with a host and nothing after it, such as https://origin.acme.example",
    ],
    [{ origin_url: "https://inside.acme.example" }, "origin_url: 10.0.0.5 is a private address"],
    [
      { origin_url: "https://nobody.acme.example" },
      "origin_url: nobody.acme.example could not be looked up (nobody.acme.example has no address)",
    ],
    [{ origin_url: "https://a.example", container_id: "aaaaaaaa" }, "origin_url and container_id exclude each other"],
    [{ container_id: "aaaaaaaa", target_port: 22 }, "target_port must be 80, 443, or 8000-8999"],
    [{ dns_records: [{ type: "PTR", value: "x" }] }, 'dns_records[0].type: "PTR" is none of A, AAAA, CNAME, TXT, MX, CAA, SRV'],
    [
      { dns_records: [{ type: "A", value: "{edge_ipv5}" }] },
      /^dns_records\[0\]\.value: \{edge_ipv5\} is no placeholder: there are \{hostname\}/,
    ],
    [
      { dns_records: [{ type: "A", value: "1.2.3" }] },
      "dns_records: the value of the A record of app.customer.com must be an IPv4 address",
    ],
    [{ dns_records: [{ host: "www.other.com", type: "A", value: "1.2.3.4" }] }, /neither at app.customer.com nor at customer.com$/],
    [{ dns_records: [{ type: "A", value: "1.2.3.4", ttl: 1 }] }, "dns_records[0].ttl must be a whole number from 30 to 86400"],
  ])("%p is refused, named, and makes nothing", async (change, message) => {
    const t = await setup()
    const res = await t.create("app.customer.com", change)
    const { error } = (await res.json()) as Reply
    expect([res.status, error.code]).toEqual([400, "invalid"])
    expect(error.message).toMatch(typeof message === "string" ? new RegExp(`^${RegExp.escape(message)}$`) : message)
    expect((await t.ask(200, "GET", "/v1/connections", t.app.key)).data).toEqual([])
    expect(await t.ask(200, "GET", "/v1/usage", t.app.key)).toMatchObject({ usage: [{ kind: "connect", used: 0 }, {}, {}, {}] })
  })

  test("records with placeholders replace the template", async () => {
    const t = await setup()
    const dns_records = [
      { host: "{hostname}", type: "cname", value: "{host}.{apex}.{edge_cname}" },
      { host: "_acme.{hostname}", type: "TXT", value: "for {hostname}", ttl: 60 },
    ]
    expect((await t.made("app.customer.com", { dns_records })).desired_records).toEqual([
      { host: "app.customer.com", type: "CNAME", value: "app.customer.com.ingress.cloud.example.org", ttl: 300 },
      { host: "_acme.app.customer.com", type: "TXT", value: "for app.customer.com", ttl: 60 },
    ])
  })

  test("several may claim a name, and the one that proves it first has it", async () => {
    const t = await setup()
    const [one, two] = [await t.made("app.customer.com"), await t.made("app.customer.com")]
    t.publishTxt(two)
    expect((await t.verify(two.id)).status).toBe(200)
    t.publishTxt(one)
    expect(await code(await t.verify(one.id))).toEqual([409, "HostnameConflict"])
    expect(await code(await t.create("app.customer.com"))).toEqual([409, "HostnameConflict"])
    expect((await t.get(one.id)).error_code).toBe("HostnameConflict")
  })

  test("a name that a mapping has proved is held too, and the other way round", async () => {
    const t = await setup()
    await t.container(t.ada, "aaaaaaaa")
    const mapping = {
      personId: "ada",
      containerId: "aaaaaaaa",
      targetPort: 80,
      http: "redirect",
      upstreamProtocol: "http1",
      accessLog: 1,
    } as const
    const time = { windowStartedAt: 0, nextCheckAt: 0, checks: 0, lastDetail: null, createdAt: 0 }
    const verified = { status: "verified", verifyToken: "x", proof: "txt", verifiedAt: 0 } as const
    await t.db
      .insertInto("domainMappings")
      .values({ id: "dom_1", domain: "a.customer.com", ...mapping, ...time, ...verified })
      .execute()
    expect(await code(await t.create("a.customer.com"))).toEqual([409, "HostnameConflict"])
    await t.live("b.customer.com")
    const second = t.db.insertInto("domainMappings").values({ id: "dom_2", domain: "b.customer.com", ...mapping, ...time, ...verified })
    await expect(second.execute()).rejects.toThrow("held_names.hostname")
    await t.db.deleteFrom("domainMappings").where("id", "=", "dom_1").execute()
    expect((await t.create("a.customer.com")).status).toBe(201)
  })

  test("the same Idempotency-Key makes one connection, and another body with it is a conflict", async () => {
    const t = await setup()
    const headers = { "idempotency-key": "k-1" }
    const body = { application_id: t.app.id, hostname: "app.customer.com" }
    const all = await Promise.all([1, 2, 3].map(() => t.ask(201, "POST", "/v1/connections", t.app.key, body, headers)))
    all.push(await t.ask(201, "POST", "/v1/connections", t.app.key, body, headers))
    expect(new Set(all.map(({ id }) => id)).size).toBe(1)
    expect((await t.ask(200, "GET", "/v1/connections", t.app.key)).data).toHaveLength(1)
    const other = await t.send("POST", "/v1/connections", t.app.key, { ...body, hostname: "b.customer.com" }, headers)
    expect(await code(other)).toEqual([409, "idempotency_conflict"])
    t.clock.ms += 25 * 3_600_000
    expect((await t.ask(201, "POST", "/v1/connections", t.app.key, body, headers)).id).not.toBe(all[0]!.id)
  })
})

test("where the provider applies templates, the address to send the browser to stands in the answer until the name is proved", async () => {
  const t = await setup()
  expect((await t.made("a.customer.com")).domain_connect).toEqual({ apply_url: null })
  t.world.applies = true
  const made = await t.made("app.customer.com")
  expect(made.domain_connect).toEqual({ apply_url: "https://dns.example/apply?domain=app.customer.com" })
  t.publishTxt(made)
  expect(await t.ask(200, "POST", t.at(made.id, "/verify"), t.app.key)).not.toHaveProperty("domain_connect")
})

describe("wildcards", () => {
  test("without a way to a DNS challenge one is refused, with it the record to delegate stands in the answer", async () => {
    const t = await setup()
    const refused = await t.create("*.customer.com")
    const { error } = (await refused.json()) as Reply
    expect([refused.status, error.message]).toEqual([
      400,
      "hostname: the certificate of *.customer.com needs a DNS challenge: store a DNS credential for the application, or set FREEHOLD_DNS_LISTEN so that it can be delegated here",
    ])
    t.world.serves = true
    const made = await t.made("*.customer.com")
    expect(made).toMatchObject({
      hostname: "*.customer.com",
      kind: "subdomain",
      desired_records: [{ host: "*.customer.com", type: "CNAME", value: "ingress.cloud.example.org" }],
      ownership_challenge: { name: "_customdomain-challenge.customer.com" },
      acme_challenge: { name: "_acme-challenge.customer.com", type: "CNAME", value: "c-ada.acme.cloud.example.org" },
    })
    t.publishTxt(made)
    t.publish(made)
    expect((await t.check(made.id)).state).toBe("live")
    expect(t.world.obtained).toEqual(["*.customer.com"])
    expect((await t.live("exact.customer.com")).hostname).toBe("exact.customer.com")
  })
})

describe("ownership", () => {
  test("without the record it is 409 that says what was found, and the state stays", async () => {
    const t = await setup()
    const connection = await t.made("app.customer.com")
    t.world.records.set("_customdomain-challenge.app.customer.com TXT", ["cd-verify-of-somebody-else"])
    const res = await t.verify(connection.id)
    const { error } = (await res.json()) as Reply
    expect([res.status, error.code, error.message]).toEqual([
      409,
      "ownership_not_found",
      "the ownership record is not there: TXT _customdomain-challenge.app.customer.com: cd-verify-of-somebody-else",
    ])
    expect((await t.get(connection.id)).state).toBe("pending_ownership")
    expect(t.world.published).toEqual([])
  })

  test("with it the state is verified, the edge is told and the event is kept", async () => {
    const t = await setup()
    const connection = await t.made("app.customer.com")
    t.publishTxt(connection)
    const verified = await t.ask(200, "POST", t.at(connection.id, "/verify"), t.app.key)
    expect(verified.state).toBe("verified")
    expect(verified.ownership_challenge).toBeUndefined()
    expect(t.world.published).toEqual([["app.customer.com"]])
    expect(t.world.events).toEqual([
      {
        personId: "ada",
        environment: "test",
        type: "domain.verified",
        jobId: connection.id,
        data: { hostname: "app.customer.com" },
        at: t.clock.ms,
      },
    ])
    expect((await t.verify(connection.id)).status).toBe(200)
    expect(t.types()).toEqual(["domain.verified"])
  })

  test("the worker finds it too, and gives up after a week until it is asked again", async () => {
    const t = await setup()
    const [one, two] = [await t.made("one.customer.com"), await t.made("two.customer.com")]
    t.publishTxt(one)
    t.clock.ms += 16_000
    await t.due()
    expect([(await t.get(one.id)).state, (await t.get(two.id)).state]).toEqual(["propagating", "pending_ownership"])
    t.clock.ms += 7 * 86_400_000
    await t.due()
    expect(await t.get(two.id)).toMatchObject({ state: "failed", error_code: "ownership_timeout" })
    t.publishTxt(two)
    expect((await t.verify(two.id)).status).toBe(200)
  })
})

describe("going live", () => {
  test("from the records to the certificate to live, with both events in order", async () => {
    const t = await setup()
    const connection = await t.made("app.customer.com")
    t.publishTxt(connection)
    expect(await t.check(connection.id)).toMatchObject({ state: "propagating", all_propagated: false, diagnostics: [expect.any(String)] })
    t.world.records.set("app.customer.com CNAME", ["elsewhere.example"])
    expect((await t.check(connection.id)).records).toMatchObject([{ propagated: false, observed_value: "elsewhere.example" }])
    expect(t.world.obtained).toEqual([])
    t.publish(connection)
    expect(await t.check(connection.id)).toMatchObject({ state: "live", all_propagated: true, diagnostics: [] })
    expect(t.world.obtained).toEqual(["app.customer.com"])
    expect(t.types()).toEqual(["domain.verified", "ssl.issued", "domain.flow.completed"])
    expect(await t.get(connection.id)).toMatchObject({ certificate: { status: "issued" }, live_at: "2026-11-29T14:00:00.000Z" })
    expect(t.world.timeline.filter((line) => line.includes("→"))).toEqual([
      "app.customer.com: created → pending_ownership: the ownership record has to be published",
      "app.customer.com: verifying → verified: the ownership record was seen",
      "app.customer.com: verified → propagating: not every record is there yet",
      "app.customer.com: propagating → issuing_cert: every record is there",
      "app.customer.com: issuing_cert → live: the certificate is there",
    ])
  })

  test("fifty parallel checks and the worker make one pair of events and one increment", async () => {
    const t = await setup()
    const connection = await t.made("app.customer.com")
    t.publishTxt(connection)
    t.publish(connection)
    t.clock.ms += 16_000
    await Promise.all([...Array.from({ length: 50 }, () => t.check(connection.id)), t.due(), t.due()])
    expect(t.types()).toEqual(["domain.verified", "ssl.issued", "domain.flow.completed"])
    expect(await t.ask(200, "GET", "/v1/usage", t.app.key)).toMatchObject({
      usage: [{ kind: "connect", used: 1 }, { kind: "active_domain", used: 1 }, { kind: "cert", used: 1 }, { kind: "api_call" }],
    })
  })

  test("a certificate that cannot be had leaves issuing_cert with the CA's words, and live follows when it can", async () => {
    const t = await setup()
    const connection = await t.made("app.customer.com")
    t.publishTxt(connection)
    t.publish(connection)
    t.world.issues = false
    expect(await t.check(connection.id)).toMatchObject({
      state: "issuing_cert",
      error_code: "certificate_failed",
      error_detail: "the CA said no",
    })
    expect(t.types()).toEqual(["domain.verified"])
    t.world.issues = true
    t.clock.ms += 600_000
    await t.due()
    expect(await t.get(connection.id)).toMatchObject({ state: "live", error_code: null })
  })

  test("an order that a limit puts off is no failure: the connection waits, says why and until when, and is live by itself", async () => {
    const t = await setup()
    const connection = await t.made("app.customer.com")
    t.publishTxt(connection)
    t.publish(connection)
    t.world.issues = false
    const problem =
      "Let's Encrypt allows 50 certificates a week for customer.com, and they are used up; it is ordered at 2026-11-29 15:00 UTC, in 1 h"
    const nextAttemptAt = t.clock.ms + 3_600_000
    t.world.uncertified = { state: "backing_off", problem, nextAttemptAt, isPutOff: true }
    expect(await t.check(connection.id)).toMatchObject({ state: "issuing_cert", error_code: null, error_detail: problem })
    expect(await t.get(connection.id)).toMatchObject({
      state: "issuing_cert",
      certificate: { status: "pending", problem, next_attempt_at: new Date(nextAttemptAt).toISOString() },
    })
    // The CA's own words about its limit are shown as words.
    t.world.uncertified.problem = JSON.stringify({ type: "urn:ietf:params:acme:error:rateLimited", detail: "too many, retry after 15:00" })
    t.clock.ms += 600_000
    await t.due()
    expect(await t.get(connection.id)).toMatchObject({
      state: "issuing_cert",
      error_code: null,
      error_detail: "too many, retry after 15:00",
    })
    // What fails afterwards is told of as a failure.
    t.world.uncertified = { state: "backing_off", problem: "the CA said no", nextAttemptAt }
    t.clock.ms += 600_000
    await t.due()
    expect(await t.get(connection.id)).toMatchObject({
      state: "issuing_cert",
      error_code: "certificate_failed",
      certificate: { status: "failed" },
    })
    t.world.issues = true
    t.clock.ms += 3_600_000
    await t.due()
    expect(await t.get(connection.id)).toMatchObject({ state: "live", error_code: null, error_detail: null })
  })

  test("what the preflight forbids costs no order, and its sentence and fix are shown", async () => {
    const t = await setup()
    const connection = await t.made("app.customer.com")
    t.publishTxt(connection)
    t.publish(connection)
    t.world.preflight = { verdict: "blocked", sentence: "CAA of customer.com allows only other.example.", fix: "Add ours." }
    expect(await t.check(connection.id)).toMatchObject({
      state: "verified",
      error_code: "preflight_blocked",
      error_detail: "CAA of customer.com allows only other.example. Add ours.",
    })
    expect(t.world.obtained).toEqual([])
  })

  test("after three days it is stalled, and any complete look goes on", async () => {
    const t = await setup()
    const connection = await t.made("app.customer.com")
    t.publishTxt(connection)
    await t.check(connection.id)
    t.clock.ms += 73 * 3_600_000
    expect((await t.check(connection.id)).state).toBe("stalled")
    t.publish(connection)
    expect((await t.check(connection.id)).state).toBe("live")
  })
})

describe("drift", () => {
  test("two rounds make an episode with its cause and one event, and recovery ends it with another", async () => {
    const t = await setup()
    const connection = await t.live("customer.com")
    t.world.records.set("customer.com A", ["203.0.113.9"])
    expect((await t.check(connection.id)).state).toBe("live")
    expect((await t.check(connection.id)).state).toBe("live")
    t.clock.ms += 61_000
    await t.due()
    await t.check(connection.id)
    const drifted = await t.get(connection.id)
    expect(drifted).toMatchObject({
      state: "drifted",
      error_detail: "customer.com A record now 203.0.113.9, ours is 198.51.100.4, since 2026-11-29 14:00 UTC",
    })
    expect(t.types().slice(3)).toEqual(["domain.drift"])
    expect(t.connect.isHeld("customer.com")).toBe(true)
    t.publish(connection)
    expect((await t.check(connection.id)).state).toBe("live")
    expect(t.types().slice(3)).toEqual(["domain.drift", "domain.recovered"])
    expect(t.connect.isHeld("customer.com")).toBe(false)
  })

  const moveHouse = async (t: Awaited<ReturnType<typeof setup>>) => {
    t.world.former = [{ address: t.world.address, leftAt: t.clock.ms, successor: "198.51.100.5" }]
    t.world.address = "198.51.100.5"
    await t.connect.followAddresses(t.world.former)
  }

  test("records that lead to an address that was ours are no drift: their owner is told what to change, and since when", async () => {
    const t = await setup()
    const connection = await t.live("customer.com")
    await moveHouse(t)
    const events = t.types().length
    for (let round = 0; round < 3; round++) {
      t.clock.ms += 61_000
      await t.due()
      await t.check(connection.id)
    }
    expect(await t.get(connection.id)).toMatchObject({
      state: "live",
      error_code: "address_changed",
      error_detail: "our address changed at 2026-11-29 14:00 UTC: change the A record of customer.com from 198.51.100.4 to 198.51.100.5",
      desired_records: [{ value: "198.51.100.5" }],
    })
    expect(t.types()).toHaveLength(events)
    expect(t.connect.isHeld("customer.com")).toBe(false)
    expect(t.world.timeline.filter((text) => text.includes("change the A record"))).toHaveLength(1)
    t.world.records.set("customer.com A", ["198.51.100.5"])
    expect(await t.check(connection.id)).toMatchObject({ state: "live", error_code: null })
    expect(t.types()).toHaveLength(events)
  })

  test("where a credential edits the zone the records are written anew, also when the first try fails", async () => {
    const t = await setup()
    const connection = await t.live("customer.com")
    await t.ask(201, "POST", `/v1/applications/${t.app.id}/credentials`, t.ada.token, { provider: "cloudflare", token: "token" })
    t.world.tokens.set("token", ["customer.com"])
    t.world.refusal = "the provider is down"
    await moveHouse(t)
    expect(t.world.records.get("customer.com A")).toEqual(["198.51.100.4"])
    t.world.refusal = undefined
    await t.check(connection.id)
    expect(t.world.records.get("customer.com A")).toEqual(["198.51.100.5"])
    expect(await t.check(connection.id)).toMatchObject({ state: "live", error_code: null })
    expect(t.types()).not.toContain("domain.drift")
  })

  test("whoever leads the name elsewhere, or not at all, after the change has drifted like anybody, and so has who never followed when the grace is over", async () => {
    const t = await setup()
    const names = ["customer.com", "other.com", "late.com"]
    const made: Awaited<ReturnType<typeof t.live>>[] = []
    for (const name of names) made.push(await t.live(name))
    await moveHouse(t)
    t.world.records.set("customer.com A", ["203.0.113.9"])
    t.world.records.delete("other.com A")
    const states = async () => {
      for (let round = 0; round < 2; round++) {
        for (const { id } of made) await t.check(id)
        t.clock.ms += 61_000
      }
      return Promise.all(made.map(async ({ id }) => (await t.get(id)).state))
    }
    expect(await states()).toEqual(["drifted", "drifted", "live"])
    t.world.former = []
    expect(await states()).toEqual(["drifted", "drifted", "drifted"])
  })

  test("servers that do not answer are no drift", async () => {
    const t = await setup()
    const connection = await t.live("app.customer.com")
    t.world.silent = true
    for (let round = 0; round < 4; round++) {
      t.clock.ms += 900_000
      await t.due()
    }
    expect((await t.get(connection.id)).state).toBe("live")
  })

  test("whoever proves a drifted name takes it over", async () => {
    const t = await setup()
    const old = await t.live("app.customer.com")
    t.world.records.set("app.customer.com CNAME", ["elsewhere.example"])
    await t.check(old.id)
    t.clock.ms += 61_000
    await t.due()
    expect((await t.get(old.id)).state).toBe("drifted")
    const eve = await t.person("eve")
    const rival = await t.product(eve)
    // It is held while its holder does nothing, but not from somebody who can prove it.
    const refused = await t.send("POST", "/v1/connections", rival.key, { application_id: rival.id, hostname: "app.customer.com" })
    expect(refused.status).toBe(201)
    const connection = (await refused.json()) as Reply
    t.publishTxt(connection)
    expect((await t.ask(200, "POST", `/v1/connections/${connection.id}/verify`, rival.key)).state).toBe("verified")
    expect(await t.get(old.id)).toMatchObject({ state: "archived", error_code: "taken_over" })
  })
})

describe("archive", () => {
  test("frees the name, takes the route away and stays listed", async () => {
    const t = await setup()
    const connection = await t.live("app.customer.com")
    expect((await t.ask(200, "DELETE", t.at(connection.id), t.app.key)).state).toBe("archived")
    expect(t.world.published.at(-1)).toEqual([])
    expect((await t.ask(200, "DELETE", t.at(connection.id), t.app.key)).state).toBe("archived")
    expect((await t.create("app.customer.com")).status).toBe(201)
    expect((await t.ask(200, "GET", "/v1/connections?state=archived", t.app.key)).data.map(({ id }) => id)).toEqual([connection.id])
    expect((await t.verify(connection.id)).status).toBe(409)
  })
})
