import { describe, expect, test } from "bun:test"
import { startConnect } from "./connect.fixture"

const body = { hostname: "app.customer.com" }

async function begin(more: object = {}) {
  const t = await startConnect()
  const ada = await t.person("ada")
  const app = await t.product(ada, undefined, { allowed_origins: ["https://acme.example"], ...more })
  const made = await t.ask(201, "POST", "/v1/connections", app.key, { application_id: app.id, ...body })
  const path = `/v1/connections/${made.id}/link`
  const link = async (wish: object = {}) => {
    const answer = await t.ask(201, "POST", path, app.key, wish)
    const [url, mailto] = [String(answer.url), String(answer.mailto)]
    return { url, mailto, expiresAt: answer.expires_at, at: new URL(url).pathname }
  }
  const page = async (at: string) => {
    const res = await t.send("GET", at)
    return { status: res.status, headers: res.headers, text: await res.text() }
  }
  const publish = (record: { name?: string; host?: string; type: string; value: string }) =>
    t.world.records.set(`${record.name ?? record.host} ${record.type}`, [record.value])
  return { ...t, ada, app, made, path, link, page, publish }
}

test("a link is made once, kept as a hash, and comes with a letter ready to be sent", async () => {
  const t = await begin()
  const made = await t.link({ email: "dns+1@customer.com", expires_in: 3600 })
  expect(made.url).toMatch(/^https:\/\/connect\.cloud\.example\.org\/c\/[A-Za-z0-9_-]{43}$/)
  expect(made.expiresAt).toBe("2026-11-29T15:00:00.000Z")
  const letter = new URL(made.mailto)
  expect(letter.pathname).toBe("dns%2B1@customer.com")
  expect(letter.searchParams.get("subject")).toBe("Connect app.customer.com to Acme")
  expect(letter.searchParams.get("body")).toContain(made.url)
  const rows = JSON.stringify(await t.db.selectFrom("connectionLinks").selectAll().execute())
  expect(rows).not.toContain(made.at.slice(3))
  expect((await t.link()).expiresAt).toBe("2026-12-06T14:00:00.000Z")
})

test.each([
  [{ expires_in: 59 }, "expires_in must be a whole number of seconds from 60 to 2592000, which is 30 days"],
  [{ expires_in: 2_592_001 }, "expires_in must be a whole number of seconds from 60 to 2592000, which is 30 days"],
  [{ expires_in: "1d" }, "expires_in must be a whole number of seconds from 60 to 2592000, which is 30 days"],
  [{ redirect_url: "http://acme.example/" }, "redirect_url must be an https:// URL"],
  [{ redirect_url: "https://ada@acme.example/" }, "redirect_url must be an https:// URL"],
  [{ redirect_url: "javascript:alert(1)" }, "redirect_url must be an https:// URL"],
  [
    { redirect_url: "https://evil.example/" },
    "redirect_url must be at one of the application's allowed_origins; https://evil.example is none",
  ],
  [{ email: "ada@customer.com,bob@evil.example" }, "email must be one address such as ada@customer.com"],
  [{ email: "ada" }, "email must be one address such as ada@customer.com"],
])("%p is refused: %p", async (wish, message) => {
  const t = await begin()
  expect((await t.ask(400, "POST", t.path, t.app.key, wish)).error).toEqual({ code: "invalid", message, details: null })
  expect(await t.db.selectFrom("connectionLinks").selectAll().execute()).toEqual([])
})

describe("the page", () => {
  test("lists the records in the form of the provider, ticks them off, and ends with the way back", async () => {
    const t = await begin()
    const { at } = await t.link({ redirect_url: "https://acme.example/domains" })
    const first = await t.page(at)
    expect(first.status).toBe(200)
    expect(first.text).toContain("<code>_customdomain-challenge.app</code>")
    expect(first.text).toContain("in full: _customdomain-challenge.app.customer.com")
    expect(first.text).toContain(t.made.ownership_challenge.value)
    expect(first.text).toContain('href="https://dash.cloudflare.com/"')
    expect(first.text).toContain("0 of 2 records found.")
    expect(first.text).not.toContain("<script")
    expect(first.headers.get("refresh")).toBe(`20;url=${at}`)
    t.publish(t.made.ownership_challenge)
    const check = await t.send("POST", `${at}/check`)
    expect([check.status, check.headers.get("location")]).toEqual([303, at])
    const second = await t.page(at)
    expect(second.text).toContain("1 of 2 records found.")
    expect(second.text.match(/class="record found"/g)).toHaveLength(1)
    for (const record of t.made.desired_records) t.publish(record)
    t.clock.ms += 6000
    await t.send("POST", `${at}/check`)
    const last = await t.page(at)
    expect(last.text).toContain("app.customer.com is connected")
    expect(last.text).toContain('href="https://acme.example/domains"')
    expect(last.headers.get("refresh")).toBeNull()
    expect(last.text).not.toContain("/check")
  })

  test("is kept by nobody, framed by nobody and runs nothing", async () => {
    const t = await begin()
    const { at } = await t.link()
    for (const { headers } of [await t.page(at), await t.page(`${at}?format=text`), await t.page("/c/nothing")]) {
      expect(headers.get("cache-control")).toBe("no-store")
      expect(headers.get("referrer-policy")).toBe("no-referrer")
      expect(headers.get("x-robots-tag")).toContain("noindex")
      expect(headers.get("content-security-policy")).toBe(
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      )
    }
    expect((await t.page("/link.css")).headers.get("content-type")).toContain("text/css")
  })

  test("is a plain text too", async () => {
    const t = await begin()
    const { text, headers } = await t.page(`${(await t.link()).at}?format=text`)
    expect(headers.get("content-type")).toBe("text/plain; charset=utf-8")
    expect(text).toContain(`1. TXT record [Not seen yet] Shows that the domain is yours
   Name:      _customdomain-challenge.app   (in full: _customdomain-challenge.app.customer.com)
   Value:     ${t.made.ownership_challenge.value}
   TTL:       300 seconds`)
  })

  test("can be told to stay as it is, and stays so after a look", async () => {
    const t = await begin()
    const { at } = await t.link()
    const still = await t.page(`${at}?still=1`)
    expect(still.headers.get("refresh")).toBeNull()
    expect(still.text).toContain('name="still"')
    const form = { "content-type": "application/x-www-form-urlencoded" }
    expect((await t.send("POST", `${at}/check`, undefined, "still=1", form)).headers.get("location")).toBe(`${at}?still=1`)
  })

  test("says what stands there instead, and escapes it", async () => {
    const t = await begin()
    const { at } = await t.link()
    t.world.records.set("app.customer.com CNAME", ["<b>old</b>.example"])
    await t.send("POST", `${at}/check`)
    expect((await t.page(at)).text).toContain("Not yet: it says &#60;b&#62;old&#60;/b&#62;.example at the moment")
  })

  test("speaks plainly of what is in the way", async () => {
    const t = await begin()
    const { at } = await t.link()
    const put = (change: object) => t.db.updateTable("connections").set(change).execute()
    const cases: [object, string][] = [
      [{ state: "failed", errorCode: "ownership_timeout" }, "We have stopped looking"],
      [{ state: "pending_ownership", errorCode: "HostnameConflict" }, "is already connected elsewhere. Ask Acme to release it."],
      [{ state: "propagating", errorCode: "preflight_blocked", errorDetail: "CAA forbids it." }, "CAA forbids it."],
      [{ state: "stalled", errorCode: "propagation_timeout" }, "This takes unusually long"],
      [{ state: "issuing_cert", errorCode: null, errorDetail: null }, "The certificate is being issued now."],
      [
        { state: "issuing_cert", errorCode: null, errorDetail: "50 of them are used up; it is ordered at 03:22" },
        "Every record is there. The certificate comes by itself: 50 of them are used up; it is ordered at 03:22.",
      ],
      [{ state: "drifted", errorCode: "drifted", errorDetail: "the record is gone" }, "A record has changed"],
    ]
    for (const [change, words] of cases) {
      await put(change)
      expect([change, (await t.page(at)).text.includes(words)]).toEqual([change, true])
    }
  })
})

test("looks are asked for once in five seconds, over all links of a connection", async () => {
  const t = await begin()
  const [one, other] = [await t.link(), await t.link()]
  const looked = async () => (await t.db.selectFrom("connections").select("checks").executeTakeFirstOrThrow()).checks
  const check = async (at: string) => (await t.send("POST", `${at}/check`)).headers.get("location")
  expect(await check(one.at)).toBe(one.at)
  const checks = await looked()
  expect(await check(other.at)).toBe(`${other.at}?early=1`)
  expect(await looked()).toBe(checks)
  expect((await t.page(`${other.at}?early=1`)).text).toContain("We looked a moment ago.")
  t.clock.ms += 5001
  expect(await check(other.at)).toBe(other.at)
  expect(await looked()).toBe(checks + 1)
})

describe("a link is over", () => {
  const isOver = async (t: Awaited<ReturnType<typeof begin>>, at: string) => {
    const { status, text } = await t.page(at)
    const check = (await t.send("POST", `${at}/check`)).status
    expect([status, check, text.includes("This link is over"), text.includes("customer.com")]).toEqual([404, 404, true, false])
  }

  test("when its time has come, and then it is removed", async () => {
    const t = await begin()
    const { at } = await t.link({ expires_in: 60 })
    t.clock.ms += 60_000
    await isOver(t, at)
    await t.connect.links.sweep()
    expect(await t.db.selectFrom("connectionLinks").selectAll().execute()).toEqual([])
  })

  test("when it is revoked, which may be done twice", async () => {
    const t = await begin()
    const { at } = await t.link()
    for (let n = 0; n < 2; n++) await t.ask(204, "DELETE", t.path, t.app.key)
    await isOver(t, at)
  })

  test("when the connection is archived, which then gets no other", async () => {
    const t = await begin()
    const { at } = await t.link()
    await t.ask(200, "DELETE", `/v1/connections/${t.made.id}`, t.app.key)
    await isOver(t, at)
    expect((await t.ask(409, "POST", t.path, t.app.key)).error.message).toBe("the connection is archived: make a new one")
  })

  test("while its owner is disabled", async () => {
    const t = await begin()
    const { at } = await t.link()
    const disable = (disabledAt: number | null) => t.db.updateTable("people").set({ disabledAt }).execute()
    await disable(1)
    await isOver(t, at)
    await disable(null)
    expect((await t.page(at)).status).toBe(200)
  })

  test("when ten newer ones were made", async () => {
    const t = await begin()
    const first = await t.link()
    for (let n = 0; n < 9; n++) {
      t.clock.ms += 1
      await t.link()
    }
    expect((await t.page(first.at)).status).toBe(200)
    t.clock.ms += 1
    await t.link()
    await isOver(t, first.at)
  })

  test("when it was never one", async () => {
    const t = await begin()
    for (const at of ["/c/x", `/c/${"A".repeat(43)}`, `/c/${"A".repeat(500)}`]) await isOver(t, at)
  })
})

test("links that have not ended are listed without their addresses", async () => {
  const t = await begin()
  const { expiresAt } = await t.link({ expires_in: 3600 })
  await t.link({ expires_in: 60 })
  const list = async (): Promise<unknown[]> => (await t.ask(200, "GET", t.path, t.app.key)).data
  expect(await list()).toHaveLength(2)
  t.clock.ms += 61_000
  expect(await list()).toEqual([{ created_at: "2026-11-29T14:00:00.000Z", expires_at: expiresAt, redirect_url: null }])
  await t.ask(204, "DELETE", t.path, t.app.key)
  expect(await list()).toEqual([])
  expect((await t.send("GET", t.path, (await t.person("eve")).token)).status).toBe(404)
  expect((await t.send("GET", t.path)).status).toBe(401)
})

test("another person's connection has no link for me, and a widget's token makes none", async () => {
  const t = await begin()
  const bob = await t.product(await t.person("bob"))
  for (const method of ["POST", "DELETE"]) expect((await t.send(method, t.path, bob.key)).status).toBe(404)
  const { auth_token: widget } = await t.ask(201, "POST", "/v1/tokens", t.app.key, { application_id: t.app.id })
  for (const method of ["POST", "DELETE"]) expect((await t.send(method, t.path, String(widget))).status).toBe(403)
})
