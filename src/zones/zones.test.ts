import { afterEach, describe, expect, test } from "bun:test"
import { Vault } from "../vault"
import { at, key, setup, stopZones, target } from "./zones.fixture"

afterEach(stopZones)

describe("/api/domains", () => {
  test("a token is added, listed, refreshed and removed", async () => {
    const { send, cloudflare, lines, db } = await setup()
    expect(await send("GET", "/api/domains")).toMatchObject({ status: 200, text: '{"connections":[]}' })
    const added = await send("POST", "/api/domains", '{"token":" token-one\\n","extra":1}')
    expect(added.status).toBe(201)
    const { id, ...rest } = JSON.parse(added.text) as { id: string }
    expect(id).toMatch(/^cfc_[0-9a-f]{24}$/)
    expect(rest).toEqual({ zones: ["example.test"] })
    const connection = { id, zones: ["example.test"], created_at: "2026-06-01T12:00:00Z" }
    expect(JSON.parse((await send("GET", "/api/domains")).text)).toEqual({ connections: [connection] })
    cloudflare.tokens["token-one"] = ["z1", "z2"]
    const refreshed = await send("POST", `/api/domains/${id}/refresh`)
    expect(refreshed.status).toBe(200)
    expect(JSON.parse(refreshed.text)).toEqual({ id, zones: ["example.test", "dev.example.test"] })
    const [row] = await db.selectFrom("ownedDomains").selectAll().execute()
    expect(JSON.stringify(row)).not.toContain("token-one")
    expect(await send("DELETE", `/api/domains/${id}`)).toMatchObject({ status: 204, text: "" })
    expect(await send("GET", "/api/domains")).toMatchObject({ text: '{"connections":[]}' })
    expect(lines.join("")).not.toContain("token-one")
  })

  test.each([
    ["token-unknown", /^token invalid or lacks zone access: cloudflare answered 40\d: .+\n$/],
    ["token-none", /^token invalid or lacks zone access: cloudflare accepts it, and shows it no zone\n$/],
  ])("why %s is refused is told in the provider's words where that is asked for", async (token, said) => {
    const { send, add } = await setup()
    const { id } = await add("token-one")
    for (const [method, path] of [
      ["POST", "/api/domains"],
      ["PUT", `/api/domains/${id}`],
    ] as const) {
      const told = await send(method, `${path}?explain=true`, JSON.stringify({ token }))
      expect([told.status, told.text]).toEqual([400, expect.stringMatching(said)])
      expect((await send(method, path, JSON.stringify({ token }))).text).toBe("token invalid or lacks zone access\n")
    }
  })

  test("another token takes the place of one, once it was seen to work", async () => {
    const { send, add, cloudflare, db } = await setup()
    const { id } = await add("token-one")
    const replaced = await send("PUT", `/api/domains/${id}`, '{"token":"token-all"}')
    expect([replaced.status, JSON.parse(replaced.text)]).toEqual([200, { id, zones: ["example.test", "dev.example.test"] }])
    // What is kept is the new one: the old one is worth nothing any more.
    delete cloudflare.tokens["token-one"]
    expect((await send("POST", `/api/domains/${id}/refresh`)).status).toBe(200)
    expect(JSON.stringify(await db.selectFrom("ownedDomains").selectAll().execute())).not.toContain("token-")
    for (const [body, status, text] of [
      ["{}", 400, "token is required\n"],
      ['{"token":"token-none"}', 400, "token invalid or lacks zone access\n"],
      ['{"token":"token-unknown"}', 400, "token invalid or lacks zone access\n"],
    ] as const) {
      expect(await send("PUT", `/api/domains/${id}`, body)).toMatchObject({ status, text })
    }
    expect((await send("POST", `/api/domains/${id}/refresh`)).status).toBe(200)
    const others = { authorization: "ben" }
    expect(await send("PUT", `/api/domains/${id}`, '{"token":"token-all"}', others)).toMatchObject({ status: 404, text: "not found\n" })
    expect((await send("PUT", `/api/domains/${id}`, '{"token":"token-all"}', {})).status).toBe(401)
  })

  test("connections are listed from the oldest to the newest, and the same token may be added again", async () => {
    const { add, send } = await setup()
    const ids = [await add("token-one"), await add("token-all"), await add("token-one")].map(({ id }) => id)
    const { connections } = JSON.parse((await send("GET", "/api/domains")).text) as { connections: { id: string }[] }
    expect(connections.map(({ id }) => id)).toEqual(ids)
  })

  test.each([undefined, "", "{", "null", "[]", '"x"', '{"token":""}', '{"token":"  "}', '{"token":7}', '{"Token":"x"}'])(
    "the body %p lacks a token",
    async (body) => {
      const { send, cloudflare } = await setup()
      expect(await send("POST", "/api/domains", body)).toMatchObject({ status: 400, text: "token is required\n" })
      expect(cloudflare.requests).toEqual([])
    },
  )

  test.each(["token-none", "token-unknown", "short", "with space", "line\nbreak", "ключ", "x".repeat(513)])(
    "the token %p is refused, and is not kept",
    async (token) => {
      const { send, db } = await setup()
      const res = await send("POST", "/api/domains", JSON.stringify({ token }))
      expect(res).toMatchObject({ status: 400, text: "token invalid or lacks zone access\n", type: "text/plain; charset=utf-8" })
      expect(await db.selectFrom("ownedDomains").selectAll().execute()).toEqual([])
    },
  )

  test.each(["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])(
    "the body is read as JSON under the content type %s",
    async (type) => {
      const { send } = await setup()
      const headers = { authorization: "ann", "content-type": type }
      expect((await send("POST", "/api/domains", '{"token":"token-one"}', headers)).status).toBe(201)
      expect((await send("POST", "/api/domains", "{", headers)).text).toBe("token is required\n")
    },
  )

  test("a body that is far too large is not read to its end", async () => {
    const { send } = await setup()
    expect((await send("POST", "/api/domains", JSON.stringify({ token: "x".repeat(200_000) }))).status).toBe(413)
  })

  test("what belongs to somebody else is not found, and stays", async () => {
    const { add, send } = await setup()
    const { id } = await add("token-one", "ben")
    for (const foreign of [id, "cfc_000000000000000000000000", "a%2Fb", "%00"]) {
      expect(await send("DELETE", `/api/domains/${foreign}`)).toMatchObject({ status: 404, text: "not found\n" })
      expect(await send("POST", `/api/domains/${foreign}/refresh`)).toMatchObject({ status: 404, text: "not found\n" })
    }
    expect(await send("GET", "/api/domains")).toMatchObject({ text: '{"connections":[]}' })
    expect((await send("DELETE", `/api/domains/${id}`, undefined, { authorization: "ben" })).status).toBe(204)
  })

  const odd: [string, string, number, string][] = [
    ["PUT", "/api/domains", 405, "method not allowed\n"],
    ["DELETE", "/api/domains", 405, "method not allowed\n"],
    ["PATCH", "/api/domains", 405, "method not allowed\n"],
    ["GET", "/api/domains/cfc_1", 405, "method not allowed\n"],
    ["POST", "/api/domains/cfc_1", 405, "method not allowed\n"],
    ["GET", "/api/domains/cfc_1/refresh", 405, "method not allowed\n"],
    ["DELETE", "/api/domains/cfc_1/refresh", 405, "method not allowed\n"],
    ["GET", "/api/domains/", 404, "not found\n"],
    ["POST", "/api/domains/", 404, "not found\n"],
    ["DELETE", "/api/domains/", 404, "not found\n"],
    ["DELETE", "/api/domains/cfc_1/", 404, "not found\n"],
    ["POST", "/api/domains/cfc_1/other", 404, "not found\n"],
    ["POST", "/api/domains/cfc_1/refresh/more", 404, "not found\n"],
  ]
  const bad = { "content-type": "application/json" }
  test.each(odd)("%s %s is answered %p, after the guard and the missing key", async (method, path, status, text) => {
    const { send, service, serve } = await setup()
    const body = method === "GET" ? undefined : "{"
    expect(await send(method, path, body, { ...bad, authorization: "ann" })).toMatchObject({ status, text })
    expect(await send(method, path, body, bad)).toMatchObject({ status: 401, text: "unauthorized\n" })
    expect((await send(method, path, body, { ...bad, authorization: "nobody" })).status).toBe(403)
    expect((await serve(service(null))(method, path, body, { ...bad, authorization: "ann" })).status).toBe(503)
  })

  test("the guard is told the path segment that the scope names", async () => {
    const { send, guarded } = await setup()
    await send("GET", "/api/domains?x=/y")
    await send("GET", "/api/domains/")
    await send("DELETE", "/api/domains/cfc_1")
    await send("POST", "/api/domains/cfc_1/refresh")
    expect(guarded).toEqual([undefined, undefined, "cfc_1", "cfc_1"])
  })

  test("without a key every endpoint says so, but only to those who may ask", async () => {
    const { send, zones } = await setup({ keyHex: null })
    for (const [method, path] of [
      ["GET", ""],
      ["POST", ""],
      ["DELETE", "/cfc_1"],
      ["POST", "/cfc_1/refresh"],
    ] as const) {
      expect(await send(method, `/api/domains${path}`)).toMatchObject({ status: 503, text: "cloudflare integration not configured\n" })
      expect((await send(method, `/api/domains${path}`, undefined, {})).status).toBe(401)
    }
    expect(await zones.automate("ann", "app.example.test", "m1")).toBe(false)
    expect(await zones.unautomate("ann", "app.example.test")).toBeUndefined()
  })

  test("at 50 owned domains the next one is refused, however many ask at once", async () => {
    const { send, store } = await setup()
    for (let index = 0; index < 48; index++) {
      await store.insert({ id: `cfc_${index}`, personId: "ann", sealedToken: "x", zones: ["a.test"], createdAt: index }, 50)
    }
    const answers = await Promise.all(Array.from({ length: 5 }, () => send("POST", "/api/domains", '{"token":"token-one"}')))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409, 409])
    expect(await send("POST", "/api/domains", '{"token":"token-one"}')).toMatchObject({
      status: 409,
      text: "no more than 50 owned domains\n",
    })
    expect((await send("POST", "/api/domains", '{"token":"token-one"}', { authorization: "ben" })).status).toBe(201)
  })

  test("more than 50 zones behind one token are all kept", async () => {
    const many = Array.from({ length: 120 }, (_, index) => ({ id: `m${index}`, name: `zone-${index}.test` }))
    const { add, zones } = await setup({ zones: many, tokens: { "token-many": many.map(({ id }) => id) } })
    expect((await add("token-many")).zones.length).toBe(120)
    expect(await zones.covers("ann", "app.zone-119.test")).toBe(true)
    expect(await zones.automate("ann", "app.zone-119.test", "m1")).toBe(true)
  })
})

describe("a provider that does not play along", () => {
  test("a token revoked since is a 502 that asks to reconnect, and the snapshot stays", async () => {
    const { add, send, cloudflare } = await setup()
    const { id } = await add("token-one")
    for (const grant of [undefined, []] as const) {
      delete cloudflare.tokens["token-one"]
      if (grant) cloudflare.tokens["token-one"] = [...grant]
      const res = await send("POST", `/api/domains/${id}/refresh`)
      expect(res).toMatchObject({ status: 502, text: "token no longer valid — disconnect and reconnect\n" })
    }
    expect((await send("GET", "/api/domains")).text).toContain('"zones":["example.test"]')
  })

  test("a provider that cannot be reached is not the token's fault", async () => {
    const { add, service, serve } = await setup()
    const { id } = await add("token-one")
    const send = serve(service(key, "http://127.0.0.1:1"))
    const lost = { status: 502, text: "cloudflare could not be reached\n" }
    expect(await send("POST", "/api/domains", '{"token":"token-one"}')).toMatchObject(lost)
    expect(await send("POST", `/api/domains/${id}/refresh`)).toMatchObject(lost)
  })

  test("a token sealed with another key is a 409, told in the log from a broken row", async () => {
    const { add, service, serve, zones, lines, db } = await setup()
    const { id } = await add("token-one")
    const unreadable = { status: 409, text: "token unreadable — disconnect and reconnect\n" }
    const rotated = service("b".repeat(64))
    expect(await serve(rotated)("POST", `/api/domains/${id}/refresh`)).toMatchObject(unreadable)
    expect(lines.at(-1)).toContain('"reason":"wrong_key"')
    expect(await rotated.automate("ann", "app.example.test", "m1")).toBe(false)
    const { sealedToken } = await db.selectFrom("ownedDomains").select("sealedToken").executeTakeFirstOrThrow()
    await db
      .updateTable("ownedDomains")
      .set({ sealedToken: `${sealedToken.slice(0, -6)}AAAAAA` })
      .execute()
    expect(await serve(zones)("POST", `/api/domains/${id}/refresh`)).toMatchObject(unreadable)
    expect(lines.at(-1)).toContain('"reason":"broken"')
  })

  test("zones that were never listed are filled in by the next listing, which no failure stops", async () => {
    const { store, send, service, serve, cloudflare, lines } = await setup()
    const sealed = (id: string, token: string) => ({
      id,
      personId: "ann",
      zones: [],
      createdAt: at,
      sealedToken: new Vault(key).seal(token, `owned_domains/${id}`),
    })
    await store.insert(sealed("cfc_1", "token-one"), 50)
    await store.insert(sealed("cfc_2", "token-gone"), 50)
    await store.insert({ ...sealed("cfc_3", "token-one"), sealedToken: "junk" }, 50)
    const zonesOf = (text: string) => (JSON.parse(text) as { connections: { zones: string[] }[] }).connections.map(({ zones }) => zones)
    expect(zonesOf((await serve(service(key, "http://127.0.0.1:1"))("GET", "/api/domains")).text)).toEqual([[], [], []])
    expect(zonesOf((await send("GET", "/api/domains")).text)).toEqual([["example.test"], [], []])
    expect(lines.some((line) => line.includes("cfc_2") && line.includes('"reason":"denied"'))).toBe(true)
    const asked = cloudflare.requests.length
    await send("GET", "/api/domains")
    expect(cloudflare.requests.length).toBe(asked + 1)
    expect((await store.find("ann", "cfc_1"))?.zones).toEqual(["example.test"])
  })
})

describe("automation", () => {
  test("the first connection that works is used, whichever came first", async () => {
    const { add, zones, cloudflare, lines } = await setup()
    await add("token-reads")
    await add("token-one")
    expect(await zones.automate("ann", "app.example.test", "m1")).toBe(true)
    expect(cloudflare.records("z1")).toMatchObject([{ name: "app.example.test", type: "CNAME", content: target, proxied: false }])
    expect(lines.some((line) => line.includes('"level":"warn"') && line.includes('"reason":"denied"'))).toBe(true)
    expect(lines.join("")).not.toContain("token-")
  })

  test("a challenge is written beside other texts, for a wildcard too, and taken away alone", async () => {
    const { add, zones, cloudflare } = await setup()
    await add("token-one")
    expect(await zones.covers("ann", "*.app.example.test")).toBe(true)
    expect(await zones.automate("ann", "*.app.example.test", "m1")).toBe(true)
    const name = "_acme-challenge.app.example.test"
    const texts = () => cloudflare.records("z1").flatMap(({ type, content }) => (type === "TXT" ? [content] : []))
    const first = await zones.writeTxt("ann", "*.app.example.test", name, "one")
    const second = await zones.writeTxt("ann", "app.example.test", name, 'two "quoted"')
    expect(texts()).toEqual(['"one"', '"two \\"quoted\\""'])
    expect(cloudflare.records("z1").filter(({ ttl, type }) => type === "TXT" && ttl === 60)).toHaveLength(2)
    // Said again, it is one record.
    expect(await zones.writeTxt("ann", "app.example.test", name, "one")).toBeDefined()
    expect(texts()).toHaveLength(2)
    await first!()
    await first!()
    expect(texts()).toEqual(['"two \\"quoted\\""'])
    await second!()
    expect(cloudflare.records("z1").map(({ name: host, type }) => `${host} ${type}`)).toEqual(["*.app.example.test CNAME"])
    await zones.unautomate("ann", "*.app.example.test")
    expect(cloudflare.records("z1")).toEqual([])
  })

  test("a challenge that cannot be written is undefined, and one that cannot be taken away is a line in the log", async () => {
    const { add, zones, cloudflare, lines } = await setup()
    expect(await zones.writeTxt("ann", "app.example.test", "_acme-challenge.app.example.test", "x")).toBeUndefined()
    await add("token-one")
    expect(await zones.writeTxt("ben", "app.example.test", "_acme-challenge.app.example.test", "x")).toBeUndefined()
    const undo = await zones.writeTxt("ann", "app.example.test", "_acme-challenge.app.example.test", "x")
    cloudflare.tokens["token-one"] = []
    await undo!()
    expect(lines.some((line) => line.includes("challenge not removed"))).toBe(true)
  })

  test("a name in no zone, or in somebody else's, is not touched", async () => {
    const { add, zones, cloudflare } = await setup()
    await add("token-one", "ben")
    for (const host of ["app.example.test", "example.test"]) expect(await zones.automate("ann", host, "m1")).toBe(false)
    for (const host of ["app.other.test", "badexample.test", "test"]) expect(await zones.automate("ben", host, "m1")).toBe(false)
    expect(await zones.covers("ann", "app.example.test")).toBe(false)
    expect(await zones.covers("ben", "app.example.test")).toBe(true)
    expect(cloudflare.records("z1")).toEqual([])
  })

  test("a zone that the provider only has a claim on proves nothing", async () => {
    const { add, zones, cloudflare } = await setup()
    expect((await add("token-claims")).zones).toEqual(["claimed.test"])
    expect(await zones.automate("ann", "app.claimed.test", "m1")).toBe(false)
    expect(cloudflare.records("z3")).toEqual([])
  })

  test("of all connections the one with the longest zone is asked, and a shorter zone never stands in for it", async () => {
    const { add, zones, cloudflare } = await setup()
    await add("token-one")
    await add("token-all")
    expect(await zones.automate("ann", "app.dev.example.test", "m1")).toBe(true)
    expect(cloudflare.records("z2").map(({ name }) => name)).toEqual(["app.dev.example.test"])
    cloudflare.tokens["token-all"] = ["z1"]
    expect(await zones.automate("ann", "web.dev.example.test", "m1")).toBe(false)
    expect(cloudflare.records("z1")).toEqual([])
  })

  test("taking back removes our record only, and a provider that is gone makes no noise but a warning", async () => {
    const { add, zones, service, cloudflare, lines } = await setup()
    await add("token-one")
    await zones.automate("ann", "app.example.test", "m1")
    await service(key, "http://127.0.0.1:1").unautomate("ann", "app.example.test")
    expect(lines.at(-1)).toContain("record not removed")
    expect(cloudflare.records("z1").length).toBe(1)
    await zones.unautomate("ann", "app.example.test")
    expect(cloudflare.records("z1")).toEqual([])
  })
})
