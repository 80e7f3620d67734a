import { describe, expect, test } from "bun:test"
import { startApi } from "../../test/api"

const path = "/api/domain-mappings"
type Reply = { id: string; domain: string; status: string; verify_name: string; verify_token: string; detail?: string }

async function setup(change: Parameters<typeof startApi>[0] = {}) {
  const api = await startApi(change)
  const [ada, eve] = [await api.person("ada"), await api.person("eve")]
  await api.container(ada.id, "aaaaaaaa")
  await api.container(eve.id, "eeeeeeee")
  const create = (
    who: { token: string },
    domain: string,
    container_id = who === eve ? "eeeeeeee" : "aaaaaaaa",
    target_port: unknown = 8080,
    options: object = {},
  ) => api.send("POST", path, { token: who.token, body: { container_id, domain, target_port, ...options } })
  const made = async (who: { token: string }, domain: string) => (await (await create(who, domain)).json()) as Reply
  const patch = (who: { token: string }, id: string, body: unknown) =>
    api.send("PATCH", `${path}/${id}`, { token: who.token, body: body as object })
  const verify = (who: { token: string }, id: string) => api.send("POST", `${path}/${id}/verify`, { token: who.token })
  const list = async (who: { token: string }) =>
    ((await (await api.send("GET", path, { token: who.token })).json()) as { domains: Reply[] }).domains
  const show = (mapping: Reply, value = mapping.verify_token) =>
    api.txt.set(mapping.verify_name, [{ server: "ns1.example.net", address: "192.0.2.1", outcome: "answer", values: [value] }])
  const due = () => api.mappings.checkDue(new AbortController().signal)
  return { ...api, ada, eve, create, made, patch, verify, list, show, due }
}

describe("create", () => {
  test("answers 201 with the mapping, pending and with its record", async () => {
    const t = await setup()
    const res = await t.create(t.ada, " App.Example.COM. ")
    expect(res.status).toBe(201)
    const mapping = (await res.json()) as Reply
    expect(mapping).toEqual({
      id: expect.stringMatching(/^dom_[0-9a-f]{24}$/),
      domain: "app.example.com",
      container_id: "aaaaaaaa",
      target_port: 8080,
      http: "redirect",
      upstream_protocol: "http1",
      access_log: true,
      status: "pending",
      verify_name: "_edd-verify.app.example.com",
      verify_token: expect.stringMatching(/^edd-verify-[0-9a-f]{40}$/),
      created_at: "2026-11-21T00:00:00.000Z",
    } as never)
    expect(await t.list(t.ada)).toEqual([mapping])
    expect(await t.list(t.eve)).toEqual([])
  })

  test.each([
    ["nonsense", 400, "invalid JSON"],
    ["[1]", 400, "invalid JSON"],
    ["", 400, "invalid JSON"],
    [{ domain: "1.2.3.4", container_id: "nope", target_port: 1 }, 400, "invalid domain"],
    [{ container_id: "aaaaaaaa", target_port: 80 }, 400, "invalid domain"],
    [{ domain: "net.cloud.example.org", container_id: "aaaaaaaa", target_port: 80 }, 400, "invalid domain"],
    [{ domain: "a.example.com", container_id: "nope", target_port: 7999 }, 400, "port must be 80, 443, or 8000-8999"],
    [{ domain: "a.example.com", container_id: "nope", target_port: "8080" }, 400, "port must be 80, 443, or 8000-8999"],
    [{ domain: "a.example.com", container_id: "nope", target_port: 8080 }, 404, "container not found"],
    [{ domain: "a.example.com", target_port: 8080 }, 404, "container not found"],
    [{ domain: "a.example.com", container_id: "eeeeeeee", target_port: 8080 }, 403, "forbidden"],
  ])("%p is %p %p in plain text and changes nothing", async (body, status, text) => {
    const t = await setup()
    const res = await t.send("POST", path, { token: t.ada.token, body })
    expect([res.status, await res.text(), res.headers.get("content-type")]).toEqual([status, `${text}\n`, "text/plain; charset=utf-8"])
    expect(await t.list(t.ada)).toEqual([])
  })

  test.each([80, 443, 8000, 8999])("port %p is allowed", async (port) => {
    const t = await setup()
    expect((await t.create(t.ada, "a.example.com", "aaaaaaaa", port)).status).toBe(201)
  })

  test.each([7999, 9000, 22, 0, -1, 8080.5, Number.MAX_SAFE_INTEGER])("port %p is refused", async (port) => {
    const t = await setup()
    expect((await t.create(t.ada, "a.example.com", "aaaaaaaa", port)).status).toBe(400)
  })

  test("a hostname is mapped once on the platform, and the database decides a race", async () => {
    const t = await setup()
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => t.create(i % 2 ? t.ada : t.eve, "a.example.com")))
    expect(all.map((res) => res.status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409])
    const taken = await t.create(t.ada, "A.example.com.")
    expect([taken.status, await taken.text()]).toEqual([409, "domain already in use\n"])
  })

  test("unproven claims are capped for each person", async () => {
    const t = await setup()
    for (let i = 0; i < 5; i++) expect((await t.create(t.ada, `a${i}.example.com`)).status).toBe(201)
    const capped = await t.create(t.ada, "a5.example.com")
    expect([capped.status, await capped.text()]).toEqual([
      429,
      "too many unverified domain mappings (max 5): verify or delete some first\n",
    ])
    expect((await t.create(t.eve, "a5.example.com")).status).toBe(201)
  })

  test("an owned zone makes it verified at once, and a taken name never reaches the provider", async () => {
    const asked: string[] = []
    const t = await setup({ automate: async (_person, domain) => asked.push(domain) > 0 })
    const mapping = (await (await t.create(t.ada, "a.example.com")).json()) as Record<string, unknown>
    expect(mapping).toMatchObject({ status: "verified", dns_automated: true })
    expect(t.live).toMatchObject({ published: [["a.example.com"]], certified: ["a.example.com"] })
    expect((await t.create(t.eve, "a.example.com")).status).toBe(409)
    expect(asked).toEqual(["a.example.com"])
    expect((await t.list(t.ada))[0]).not.toHaveProperty("dns_automated")
  })

  test("names in a private zone are an administrator's, and verified at once", async () => {
    const t = await setup()
    expect((await t.made(t.ada, "nas.home.arpa")).status).toBe("verified")
    expect(t.live.certified).toEqual(["nas.home.arpa"])
    const refused = await t.create(t.eve, "tv.lan")
    expect([refused.status, await refused.text()]).toEqual([
      403,
      "forbidden: only an administrator maps names in a private zone, and tv.lan is in one\n",
    ])
  })
})

describe("options", () => {
  const all = { http: "serve", upstream_protocol: "h2c", access_log: false }
  const defaults = { http: "redirect", upstream_protocol: "http1", access_log: true }

  test("are taken at create, listed, and read by the edge", async () => {
    const t = await setup()
    const res = await t.create(t.ada, "nas.home.arpa", "aaaaaaaa", 8080, all)
    expect([res.status, await res.json()]).toEqual([201, expect.objectContaining(all)])
    expect(await t.list(t.ada)).toEqual([expect.objectContaining(all)])
    expect(await t.mappingStore.verified()).toEqual([
      { domain: "nas.home.arpa", containerId: "aaaaaaaa", targetPort: 8080, http: "serve", upstreamProtocol: "h2c", accessLog: 0 },
    ])
  })

  test("are changed one by one or together, and the rest of the mapping stays", async () => {
    const t = await setup()
    const mapping = await t.made(t.ada, "a.example.com")
    const other = await t.made(t.ada, "b.example.com")
    const steps = [{ http: "serve" }, { upstream_protocol: "h2c" }, { access_log: false }, defaults, all]
    const expected = { ...mapping }
    for (const step of steps) {
      Object.assign(expected, step)
      const res = await t.patch(t.ada, mapping.id, step)
      expect([res.status, await res.json()]).toEqual([200, expected])
    }
    const listed = await t.list(t.ada)
    expect(listed.find(({ id }) => id === mapping.id)).toEqual(expected)
    expect(listed.find(({ id }) => id === other.id)).toEqual(other)
  })

  test("are live when the answer comes, without a new certificate; those of an unproven name publish nothing", async () => {
    const t = await setup()
    const live = await t.made(t.ada, "nas.home.arpa")
    const res = await t.patch(t.ada, live.id, { http: "serve" })
    expect(await res.json()).toMatchObject({ ...defaults, http: "serve", status: "verified", certificate: { state: "none" } })
    expect(t.live).toMatchObject({ published: [["nas.home.arpa"], ["nas.home.arpa"]], certified: ["nas.home.arpa"] })
    await t.patch(t.ada, (await t.made(t.ada, "a.example.com")).id, { http: "serve" })
    expect(t.live.published.length).toBe(2)
  })

  test("stay through verification", async () => {
    const t = await setup()
    const mapping = (await (await t.create(t.ada, "a.example.com", "aaaaaaaa", 8080, all)).json()) as Reply
    t.show(mapping)
    await t.verify(t.ada, mapping.id)
    expect((await t.list(t.ada))[0]).toMatchObject({ ...all, status: "verified" })
  })

  test("that nobody knows are 400 with the field and what is allowed, at create and at update, and change nothing", async () => {
    const t = await setup()
    const mapping = await t.made(t.ada, "nas.home.arpa")
    const before = await t.list(t.ada)
    const expectRefused = async (res: Response, text: string) =>
      expect([res.status, await res.text(), res.headers.get("content-type")]).toEqual([400, `${text}\n`, "text/plain; charset=utf-8"])
    for (const [option, text] of [
      [{ http: "Serve" }, 'http must be "redirect" or "serve"'],
      [{ http: null }, 'http must be "redirect" or "serve"'],
      [{ upstream_protocol: "h2" }, 'upstream_protocol must be "http1" or "h2c"'],
      [{ upstream_protocol: ["h2c"] }, 'upstream_protocol must be "http1" or "h2c"'],
      [{ access_log: "false" }, "access_log must be true or false"],
      [{ http: "serve", access_log: 0 }, "access_log must be true or false"],
    ] as const) {
      await expectRefused(await t.create(t.ada, "b.example.com", "nope", 8080, option), text)
      await expectRefused(await t.patch(t.ada, mapping.id, option), text)
    }
    const rule = "an update changes container_id, target_port, http, upstream_protocol and access_log"
    for (const [body, text] of [
      ["nonsense", "invalid JSON"],
      [[], "invalid JSON"],
      [{}, `nothing to change: ${rule}`],
      [{ access_log: false, domain: "b.example.com" }, `"domain" cannot be changed: ${rule}`],
      [{ access_log: false, target_port: 22 }, "port must be 80, 443, or 8000-8999"],
      ['{"__proto__":1,"access_log":false}', `"__proto__" cannot be changed: ${rule}`],
    ] as const) {
      await expectRefused(await t.patch(t.ada, mapping.id, body), text)
    }
    expect(await t.list(t.ada)).toEqual(before)
    expect(t.live.published.length).toBe(1)
  })

  test("an update leads the name elsewhere, to a container of one's own and an allowed port", async () => {
    const t = await setup()
    const mapping = await t.made(t.ada, "nas.home.arpa")
    await t.container(t.ada.id, "bbbbbbbb")
    const moved = await t.patch(t.ada, mapping.id, { container_id: "bbbbbbbb", target_port: 8443 })
    expect([moved.status, await moved.json()]).toMatchObject([200, { container_id: "bbbbbbbb", target_port: 8443, http: "redirect" }])
    expect(t.live.published.length).toBe(2)
    for (const [container_id, status, text] of [
      ["eeeeeeee", 403, "forbidden"],
      ["nope", 404, "container not found"],
      [7, 404, "container not found"],
    ] as const) {
      const res = await t.patch(t.ada, mapping.id, { container_id })
      expect([res.status, await res.text()]).toEqual([status, `${text}\n`])
    }
    const others = await t.patch(t.eve, mapping.id, { container_id: "eeeeeeee" })
    expect([others.status, await others.text()]).toEqual([404, "not found\n"])
    expect((await t.list(t.ada))[0]).toMatchObject({ container_id: "bbbbbbbb", target_port: 8443 })
  })

  test("an update needs somebody, and answers 404 alike for another's mapping, an unknown and a deleted one", async () => {
    const t = await setup()
    const mapping = await t.made(t.ada, "nas.home.arpa")
    const nobody = await t.send("PATCH", `${path}/${mapping.id}`, { body: { http: "serve" } })
    expect([nobody.status, await nobody.text()]).toEqual([401, "unauthorized\n"])
    const refused = [await t.patch(t.eve, mapping.id, { http: "serve" }), await t.patch(t.ada, "dom_unknown", { http: "serve" })]
    expect((await t.list(t.ada))[0]).toMatchObject(defaults)
    await t.send("DELETE", `${path}/${mapping.id}`, { token: t.ada.token })
    refused.push(await t.patch(t.ada, mapping.id, { http: "serve" }))
    for (const res of refused) expect([res.status, await res.text()]).toEqual([404, "not found\n"])
  })

  test("a create that finds the name taken leaves the options of its holder", async () => {
    const t = await setup()
    await t.made(t.ada, "nas.home.arpa")
    expect((await t.create(t.ada, "nas.home.arpa", "aaaaaaaa", 8080, all)).status).toBe(409)
    expect((await t.list(t.ada))[0]).toMatchObject(defaults)
  })

  test("updates at the same time do not undo each other", async () => {
    const t = await setup()
    const mapping = await t.made(t.ada, "nas.home.arpa")
    await Promise.all(
      [{ http: "serve" }, { upstream_protocol: "h2c" }, { access_log: false }].map((body) => t.patch(t.ada, mapping.id, body)),
    )
    expect((await t.list(t.ada))[0]).toMatchObject(all)
  })
})

describe("verify", () => {
  test("says what each server answered, then verifies, publishes and asks for the certificate", async () => {
    const t = await setup()
    const mapping = await t.made(t.ada, "a.example.com")
    expect(await (await t.verify(t.ada, mapping.id)).json()).toEqual({
      status: "pending",
      detail: "TXT _edd-verify.a.example.com: ns1.example.net answered NXDOMAIN",
    })
    t.txt.set(mapping.verify_name, [
      { server: "ns1.example.net", address: "192.0.2.1", outcome: "nodata", values: [] },
      { server: "ns2.example.net", address: "192.0.2.2", outcome: "answer", values: ["edd-verify-other"] },
    ])
    expect(((await (await t.verify(t.ada, mapping.id)).json()) as Reply).detail).toBe(
      'TXT _edd-verify.a.example.com: ns1.example.net answered that the name has no TXT record; ns2.example.net answered a TXT record with another value, "edd-verify-other"',
    )
    expect((await t.list(t.ada))[0]?.detail).toContain("another value")
    t.show(mapping, ` ${mapping.verify_token} `)
    expect(await (await t.verify(t.ada, mapping.id)).json()).toEqual({ status: "verified" })
    expect(t.live).toMatchObject({ published: [["a.example.com"]], certified: ["a.example.com"] })
    const asked = t.live.asked.length
    expect(await (await t.verify(t.ada, mapping.id)).json()).toEqual({ status: "verified" })
    expect(t.live.asked.length).toBe(asked)
  })

  test("an order that a limit puts off is told apart from one that failed", async () => {
    const trouble = { state: "backing_off" as const, problem: "they are used up", nextAttemptAt: Date.UTC(2026, 10, 30) }
    const standing: { now: typeof trouble & { isPutOff?: true } } = { now: { ...trouble, isPutOff: true } }
    const t = await setup({ certificateStatus: async () => standing.now })
    await t.made(t.ada, "nas.home.arpa")
    const shown = async () => (await t.list(t.ada))[0] as unknown as { certificate: object }
    expect((await shown()).certificate).toEqual({
      state: "backing_off",
      problem: "they are used up",
      next_attempt_at: "2026-11-30T00:00:00.000Z",
      put_off: true,
    })
    standing.now = trouble
    expect((await shown()).certificate).not.toHaveProperty("put_off")
  })

  test("servers that said the same are named together, and a cached answer is marked as one", async () => {
    const servers = ["a", "b", "c", "d", "e"].map((letter) => `${letter}.example.net`)
    const t = await setup({
      lookupTxt: async () => ({
        via: "doh",
        answers: servers.map((server) => ({ server, outcome: "unreachable", values: [] })),
        problem: "Port 53 seems closed outward.",
      }),
    })
    const mapping = await t.made(t.ada, "a.example.com")
    expect(((await (await t.verify(t.ada, mapping.id)).json()) as Reply).detail).toBe(
      "TXT _edd-verify.a.example.com: a.example.net, b.example.net, c.example.net and 2 others could not be reached; Port 53 seems closed outward. (asked over DNS-over-HTTPS, so the answer may be cached)",
    )
  })

  test("the match is exact and case-sensitive", async () => {
    const t = await setup()
    const mapping = await t.made(t.ada, "a.example.com")
    for (const value of [mapping.verify_token.toUpperCase(), `${mapping.verify_token}0`, mapping.verify_token.slice(0, -1)]) {
      t.show(mapping, value)
      expect(await (await t.verify(t.ada, mapping.id)).json()).toMatchObject({ status: "pending" })
    }
  })

  test("the worker backs off from 30 seconds to ten minutes and finds the record by itself", async () => {
    const t = await setup()
    const mapping = await t.made(t.ada, "a.example.com")
    await t.due()
    expect(t.live.asked.length).toBe(0)
    const at: number[] = []
    for (let i = 0; i < 40; i++) {
      const before = t.live.asked.length
      while (t.live.asked.length === before) {
        t.clock.ms += 1000
        await t.due()
      }
      at.push(t.clock.ms)
    }
    const gaps = at.slice(1).map((ms, i) => (ms - (at[i] ?? 0)) / 1000)
    expect(gaps[0]).toBe(30)
    expect(Math.max(...gaps)).toBe(600)
    t.show(mapping)
    t.clock.ms += 600_000
    await t.due()
    expect((await t.list(t.ada))[0]?.status).toBe("verified")
  })

  test("after seven days it is failed, a verify restarts the seven days, and a match verifies", async () => {
    const t = await setup()
    const mapping = await t.made(t.ada, "a.example.com")
    t.clock.ms += 7 * 86_400_000
    await t.due()
    expect((await t.mappingStore.list(t.ada.id))[0]?.status).toBe("failed")
    const fresh = (await (await t.send("POST", "/api/login", { body: { username: "ada", password: "correct horse battery" } })).json()) as {
      token: string
    }
    expect(await (await t.verify(fresh, mapping.id)).json()).toMatchObject({ status: "pending" })
    t.clock.ms += 6 * 86_400_000
    await t.due()
    expect((await t.mappingStore.list(t.ada.id))[0]?.status).toBe("pending")
    t.clock.ms += 86_400_000
    await t.due()
    expect((await t.mappingStore.list(t.ada.id))[0]?.status).toBe("failed")
    t.show(mapping)
    const again = (await (await t.send("POST", "/api/login", { body: { username: "ada", password: "correct horse battery" } })).json()) as {
      token: string
    }
    expect(await (await t.verify(again, mapping.id)).json()).toEqual({ status: "verified" })
  })

  test("a failed claim holds nothing: another may claim the name, and who proves it first has it", async () => {
    const t = await setup()
    const old = await t.made(t.ada, "a.example.com")
    await t.mappingStore.fail(old.id, "expired")
    const rival = await t.made(t.eve, "a.example.com")
    expect(rival.status).toBe("pending")
    const refused = await t.verify(t.ada, old.id)
    expect([refused.status, await refused.text()]).toEqual([409, "domain already in use\n"])
    t.show(old)
    expect(await (await t.verify(t.ada, old.id)).json()).toEqual({ status: "verified" })
    expect((await t.list(t.eve))[0]).toMatchObject({ status: "failed", detail: "somebody else proved that they hold this name" })
    t.show(rival)
    expect((await t.verify(t.eve, rival.id)).status).toBe(409)
    expect((await t.list(t.ada))[0]?.status).toBe("verified")
  })

  test("requests at the same time share one look", async () => {
    let looks = 0
    const answer = Promise.withResolvers<void>()
    const t = await setup({
      lookupTxt: async () => {
        looks++
        await answer.promise
        return { via: "authoritative", answers: [] }
      },
    })
    const mapping = await t.made(t.ada, "a.example.com")
    const rows = await t.mappingStore.due(t.clock.ms + 3_600_000, 1)
    const checks = Array.from({ length: 10 }, () => t.mappings.check(rows[0] as never))
    answer.resolve()
    expect(await Promise.all(checks)).toEqual(
      Array.from({ length: 10 }, () => ({ status: "pending", detail: "TXT _edd-verify.a.example.com: no server could be asked" })),
    )
    expect([mapping.status, looks]).toEqual(["pending", 1])
  })
})

describe("the ladder", () => {
  test("another's mapping and an unknown one are the same 404", async () => {
    const t = await setup()
    const mapping = await t.made(t.ada, "a.example.com")
    for (const id of [mapping.id, "dom_unknown"]) {
      for (const res of [await t.verify(t.eve, id), await t.send("DELETE", `${path}/${id}`, { token: t.eve.token })]) {
        expect([res.status, await res.text()]).toEqual([404, "not found\n"])
      }
    }
    expect((await t.list(t.ada)).length).toBe(1)
  })

  test("delete answers 204, unpublishes and frees the name", async () => {
    const t = await setup({ automate: async () => true })
    const mapping = await t.made(t.ada, "a.example.com")
    const res = await t.send("DELETE", `${path}/${mapping.id}`, { token: t.ada.token })
    expect([res.status, await res.text()]).toEqual([204, ""])
    expect(t.live.published.at(-1)).toEqual([])
    expect((await t.create(t.eve, "a.example.com")).status).toBe(201)
  })

  test.each([
    ["GET", `${path}/dom_x`],
    ["POST", `${path}/dom_x`],
    ["PUT", path],
    ["PATCH", path],
    ["PATCH", `${path}/dom_x/verify`],
    ["GET", `${path}/dom_x/verify`],
  ])("%s %s is 405, after authentication", async (method, at) => {
    const t = await setup()
    expect((await t.send(method, at)).status).toBe(401)
    const res = await t.send(method, at, { token: t.ada.token })
    expect([res.status, await res.text()]).toEqual([405, "method not allowed\n"])
  })

  test("service-account tokens are held to the exact scope of the request", async () => {
    const t = await setup()
    const [a, b] = [await t.made(t.ada, "a.example.com"), await t.made(t.ada, "b.example.com")]
    const scope = `networking.${t.ada.id}.domain-mappings`
    const token = async (scopes: Record<string, string[]>) => (await t.serviceToken(t.ada, scopes)).token
    const expectDenied = async (res: Response, missing: string) =>
      expect([res.status, await res.text()]).toEqual([403, `forbidden: missing ${missing} scope\n`])

    const one = await token({ [`${scope}.${a.id}`]: ["delete"] })
    await expectDenied(await t.send("GET", path, { token: one }), scope)
    await expectDenied(await t.send("DELETE", `${path}/${b.id}`, { token: one }), `${scope}.${b.id}`)
    await expectDenied(await t.verify({ token: one }, a.id), `${scope}.${a.id}`)
    await expectDenied(await t.patch({ token: one }, a.id, { http: "serve" }), `${scope}.${a.id}`)
    expect((await t.send("DELETE", `${path}/${a.id}`, { token: one })).status).toBe(204)

    const resource = await token({ [scope]: ["create", "delete"] })
    expect((await t.verify({ token: resource }, b.id)).status).toBe(200)
    expect((await t.patch({ token: resource }, b.id, { http: "serve" })).status).toBe(200)
    await expectDenied(await t.send("GET", path, { token: resource }), scope)
    expect((await t.send("DELETE", `${path}/${b.id}`, { token: resource })).status).toBe(204)

    const root = await token({ [`networking.${t.ada.id}`]: ["read"] })
    expect((await t.send("GET", path, { token: root })).status).toBe(200)
    await expectDenied(await t.send("POST", path, { token: root, body: "not even JSON" }), scope)

    // A method that is neither GET nor DELETE needs `create`, even where it is not allowed at all.
    await expectDenied(await t.send("PUT", path, { token: root }), scope)
    const created = await token({ [scope]: ["create"] })
    expect((await t.send("PUT", path, { token: created })).status).toBe(405)

    const other = await token({ [`compute.${t.ada.id}`]: ["read"], [`networking.${t.ada.id}.domains`]: ["read"] })
    await expectDenied(await t.send("GET", path, { token: other }), scope)
  })
})

describe("CORS", () => {
  test("an allowed origin is echoed, another gets no CORS header, and both vary by origin", async () => {
    const t = await setup()
    const from = (origin: string, method = "GET") => t.send(method, path, { headers: { origin } })
    for (const origin of ["https://cloud.example.org", "https://a.b.cloud.example.org"]) {
      const res = await from(origin)
      expect(res.status).toBe(401)
      expect(res.headers.get("access-control-allow-origin")).toBe(origin)
      expect(res.headers.get("access-control-allow-credentials")).toBe("true")
      expect(res.headers.get("vary")).toBe("Origin")
    }
    for (const origin of [
      "http://cloud.example.org",
      "https://evilcloud.example.org",
      "https://cloud.example.org.evil.com",
      "https://x.cloud.example.org:8443",
      "null",
    ]) {
      const res = await from(origin)
      expect([...res.headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([])
      expect(res.headers.get("vary")).toBe("Origin")
    }
  })

  test("a preflight is answered before authentication, on any path", async () => {
    const t = await setup()
    for (const at of [path, `${path}/x/verify`, "/nothing/here"]) {
      const res = await t.send("OPTIONS", at, {
        headers: { origin: "https://cloud.example.org", "access-control-request-method": "DELETE" },
      })
      expect([res.status, await res.text()]).toEqual([200, ""])
      expect(res.headers.get("access-control-allow-methods")).toBe("GET, POST, PUT, PATCH, DELETE, OPTIONS")
      expect(res.headers.get("access-control-allow-headers")).toStartWith("Content-Type, Authorization, Idempotency-Key")
      expect(res.headers.get("access-control-allow-origin")).toBe("https://cloud.example.org")
    }
  })
})

test("a trailing slash is no mapping and no list", async () => {
  const t = await setup()
  for (const method of ["GET", "POST", "PATCH", "DELETE"]) {
    expect((await t.send(method, `${path}/`)).status).toBe(401)
    const res = await t.send(method, `${path}/`, { token: t.ada.token })
    expect([method, res.status, await res.text()]).toEqual([method, 404, "not found\n"])
  }
})

test("an unknown path is 404, health needs nobody, and a body over 64 KiB is refused", async () => {
  const t = await setup()
  expect([(await t.send("GET", "/nope")).status, await (await t.send("GET", "/livez")).text()]).toEqual([404, '{"status":"ok"}'])
  expect((await t.send("POST", path, { token: t.ada.token, body: `{"domain":"${"a".repeat(70_000)}"}` })).status).toBe(413)
})

test("no token, password or verify secret reaches the log", async () => {
  const t = await setup()
  const mapping = await t.made(t.ada, "a.example.com")
  t.show(mapping)
  await t.verify(t.ada, mapping.id)
  const log = t.logged.join("")
  expect(log).toContain("domain verified")
  for (const secret of [t.ada.token, mapping.verify_token, "correct horse battery"]) expect(log).not.toContain(secret)
})

describe("wildcards", () => {
  const target = "x234.acme.cloud.example.org"

  test("a wildcard is proved below its parent, and is live when it is", async () => {
    const t = await setup({ challengeTarget: (_person, domain) => `${domain.length}.${target}` })
    const mapping = await t.made(t.ada, " *.App.Example.COM. ")
    expect(mapping).toMatchObject({
      domain: "*.app.example.com",
      status: "pending",
      verify_name: "_edd-verify.app.example.com",
      acme_challenge: { name: "_acme-challenge.app.example.com", type: "CNAME", value: `17.${target}` },
    } as never)
    expect(await t.list(t.ada)).toEqual([mapping])
    t.show(mapping)
    expect(await (await t.verify(t.ada, mapping.id)).json()).toEqual({ status: "verified" } as never)
    expect(t.live).toMatchObject({ published: [["*.app.example.com"]], certified: ["*.app.example.com"] })
    expect((await t.list(t.ada))[0]).toMatchObject({ acme_challenge: { type: "CNAME" } } as never)
    expect(await t.mappingStore.ownerOf("*.app.example.com")).toBe(t.ada.id)
    expect(await t.mappingStore.ownerOf("x.app.example.com")).toBeUndefined()
  })

  test("a name that could be delegated shows the record too, and one that could not does not", async () => {
    const t = await setup({ challengeTarget: (_person, domain) => (domain === "a.example.com" ? target : undefined) })
    expect(await t.made(t.ada, "a.example.com")).toMatchObject({
      acme_challenge: { name: "_acme-challenge.a.example.com", type: "CNAME", value: target },
    } as never)
    expect(await t.made(t.ada, "b.example.com")).not.toHaveProperty("acme_challenge")
  })

  test("where no certificate could be had for it, a wildcard is refused with the reason, and an exact name is not", async () => {
    const t = await setup({ wildcardProblem: async (_person, wildcard) => `nobody can answer for ${wildcard}` })
    const refused = await t.create(t.ada, "*.example.com")
    expect([refused.status, await refused.text()]).toEqual([409, "nobody can answer for *.example.com\n"])
    expect(await t.list(t.ada)).toEqual([])
    expect((await t.create(t.ada, "a.example.com")).status).toBe(201)
  })

  test.each(["*.com", "*.cloud.example.org", "*.net.cloud.example.org", "*.*.example.com", "a.*.example.com", "*"])(
    "%p is an invalid domain",
    async (domain) => {
      const t = await setup()
      const refused = await t.create(t.ada, domain)
      expect([refused.status, await refused.text()]).toEqual([400, "invalid domain\n"])
    },
  )

  test("a wildcard holds no exact name below it, its parent as little, and nobody else the wildcard", async () => {
    const t = await setup()
    const wildcard = await t.made(t.ada, "*.example.com")
    t.show(wildcard)
    await t.verify(t.ada, wildcard.id)
    for (const name of ["a.example.com", "example.com"]) {
      const exact = await t.made(t.eve, name)
      t.show(exact)
      expect((await t.verify(t.eve, exact.id)).status).toBe(200)
    }
    expect(t.live.published.at(-1)).toEqual(["*.example.com", "a.example.com", "example.com"])
    expect((await t.create(t.eve, "*.Example.com")).status).toBe(409)
  })

  test("a wildcard in a private zone is an administrator's, and verified at once", async () => {
    const t = await setup()
    expect((await t.made(t.ada, "*.home.arpa")).status).toBe("verified")
    expect((await t.create(t.eve, "*.tv.lan")).status).toBe(403)
  })
})
