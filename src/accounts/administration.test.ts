import { describe, expect, test } from "bun:test"
import { password, startApi } from "../../test/api"
import { AppError } from "../errors"

type Api = Awaited<ReturnType<typeof startApi>>
type Person = { user_id: string; username: string; link?: string; role: string; disabled: boolean }

/** An API with ada, the first administrator, and bob, a user. */
async function house() {
  const api = await startApi()
  const [ada, bob] = [await api.person("ada"), await api.person("bob")]
  const as = (who: { token: string }) => async (method: string, path: string, body?: unknown) => {
    const res = await api.send(method, path, { token: who.token, ...(body === undefined ? {} : { body }) })
    return { status: res.status, body: (await res.json()) as never }
  }
  return { api, ada, bob, asAda: as(ada), asBob: as(bob), as }
}

const logIn = async (api: Api, username: string, secret: string) =>
  (await api.send("POST", "/api/login", { body: { username, password: secret }, from: crypto.randomUUID() })).status

const enabledAdmins = (api: Api) =>
  api.db.selectFrom("people").select("username").where("isAdmin", "=", 1).where("disabledAt", "is", null).execute()

test("people are listed and shown by username, without what is secret of them", async () => {
  const { api, asAda, ada, bob } = await house()
  const { body } = await asAda("GET", "/admin/users")
  const common = { created_at: api.clock.ms / 1000, disabled: false }
  const rows = [
    { user_id: ada.id, username: "ada", display_name: "ada", role: "admin", is_admin: true, ...common },
    { user_id: bob.id, username: "bob", display_name: "bob", role: "user", is_admin: false, ...common },
  ]
  expect(body as unknown).toEqual(rows)
  expect(await asAda("GET", `/admin/users/${bob.id}`)).toEqual({ status: 200, body: rows[1] as never })
  expect(await asAda("GET", "/admin/users/nobody")).toEqual({ status: 404, body: { error: "user not found" } as never })
})

describe("creating", () => {
  test("a person with a password and a role can sign in at once", async () => {
    const { api, asAda } = await house()
    const { status, body } = await asAda("POST", "/admin/users", { username: "eve", password, display_name: "Eve E.", role: "admin" })
    expect([status, body as Person]).toEqual([
      200,
      expect.objectContaining({ username: "eve", display_name: "Eve E.", role: "admin" }) as never,
    ])
    expect((body as Person).link).toBeUndefined()
    expect(await logIn(api, "eve", password)).toBe(200)
  })

  test("a person without a password gets a one-time link, of which only a hash is kept", async () => {
    const { api, asAda } = await house()
    const { body } = await asAda("POST", "/admin/users", { username: "eve" })
    const { link = "", role, user_id } = body as Person
    expect([role, link]).toEqual(["user", expect.stringMatching(/^\/reset\/[\w-]{32}$/) as never])
    expect(JSON.stringify(await api.db.selectFrom("resetLinks").selectAll().execute())).not.toContain(link.slice("/reset/".length))
    expect((await api.send("POST", link, { body: { password: "short" } })).status).toBe(400)
    const used = await api.send("POST", link, { body: { password: "a password of eve" } })
    expect([used.status, await used.json()]).toEqual([200, { status: "ok", user_id, username: "eve" }])
    expect(await logIn(api, "eve", "a password of eve")).toBe(200)
    expect((await api.send("POST", link, { body: { password: "another password" } })).status).toBe(404)
  })

  test.each([
    [{ username: "ada", password }, 409, "username already exists"],
    [{ password }, 400, "username must be"],
    [{ username: "eve", password: "short" }, 400, "password must have"],
    [{ username: "eve", role: "root" }, 400, "role must be admin or user"],
    [{ username: "eve", display_name: 7 }, 400, "display_name is empty"],
    [[], 400, "invalid request body"],
  ])("%p is answered %p, %p", async (input, status, error) => {
    const { asAda } = await house()
    const reply = await asAda("POST", "/admin/users", input)
    expect([reply.status, reply.body as { error: string }]).toEqual([status, { error: expect.stringContaining(error) as never }])
  })
})

describe("the one-time link", () => {
  test("is a page that sets the password and ends the sessions", async () => {
    const { api, asAda, bob, ada } = await house()
    const { body } = await asAda("POST", `/admin/users/${bob.id}/reset`)
    const { link = "" } = body as Person
    expect((await api.send("GET", "/api/session", { token: bob.token })).status).toBe(200)
    const shown = await api.send("GET", link)
    expect([shown.status, await shown.text()]).toEqual([200, expect.stringContaining('value="bob"') as never])
    expect(shown.headers.get("content-security-policy")).toContain("default-src 'none'")
    const headers = { "content-type": "application/x-www-form-urlencoded" }
    const send = (secret: string) => api.send("POST", link, { body: new URLSearchParams({ password: secret }).toString(), headers })
    const refused = await send("<short>")
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("password must have 10") as never])
    const done = await send("another password")
    expect([done.status, await done.text()]).toEqual([200, expect.stringContaining("<b>bob</b>") as never])
    expect((await api.send("GET", "/api/session", { token: bob.token })).status).toBe(401)
    expect((await api.send("GET", "/api/session", { token: ada.token })).status).toBe(200)
    expect([await logIn(api, "bob", password), await logIn(api, "bob", "another password")]).toEqual([401, 200])
    expect([(await send("a third password")).status, (await api.send("GET", link)).status]).toEqual([404, 404])
  })

  test("ends after 24 hours, and when a new one is made", async () => {
    const { api, asAda, bob } = await house()
    const make = async () => ((await asAda("POST", `/admin/users/${bob.id}/reset`)).body as Required<Person>).link
    const [first, second] = [await make(), await make()]
    expect([(await api.send("GET", first)).status, (await api.send("GET", second)).status]).toEqual([404, 200])
    api.clock.ms += 24 * 3_600_000
    expect((await api.send("POST", second, { body: { password: "another password" } })).status).toBe(404)
  })

  test("works once, also for two who use it at the same time", async () => {
    const { api, asAda, bob } = await house()
    const { link = "" } = (await asAda("POST", `/admin/users/${bob.id}/reset`)).body as Person
    const both = await Promise.all(
      ["first password", "second password"].map((secret) => api.send("POST", link, { body: { password: secret } })),
    )
    expect(both.map(({ status }) => status).sort()).toEqual([200, 404])
  })
})

describe("disabling", () => {
  test("stops sessions and tokens at once; enabling brings back the tokens, and no session", async () => {
    const { api, asAda, bob } = await house()
    const bot = await api.serviceToken(bob, { [`networking.${bob.id}`]: ["read"] })
    const open = async (token: string) => (await api.send("GET", "/api/domain-mappings", { token })).status
    expect([await open(bob.token), await open(bot.token)]).toEqual([200, 200])
    expect((await asAda("POST", `/admin/users/${bob.id}/disable`)).body as Person).toMatchObject({ username: "bob", disabled: true })
    expect([await open(bob.token), await open(bot.token), await logIn(api, "bob", password)]).toEqual([401, 401, 401])
    expect(api.stopped).toEqual([bob.id])
    expect((await asAda("POST", `/admin/users/${bob.id}/enable`)).body as Person).toMatchObject({ disabled: false })
    expect([await open(bob.token), await open(bot.token), await logIn(api, "bob", password)]).toEqual([401, 200, 200])
  })

  test("a demoted administrator is one no longer at the next request", async () => {
    const { as, asAda, api } = await house()
    await asAda("POST", "/admin/users", { username: "eve", password, role: "admin" })
    const reply = (await (await api.send("POST", "/api/login", { body: { username: "eve", password } })).json()) as {
      token: string
      user_id: string
    }
    expect((await as(reply)("GET", "/admin/users")).status).toBe(200)
    expect((await asAda("PUT", `/admin/users/${reply.user_id}/role/user`)).body as Person).toMatchObject({ role: "user" })
    expect(await as(reply)("GET", "/admin/users")).toEqual({ status: 403, body: { error: "forbidden" } as never })
    expect((await asAda("PUT", `/admin/users/${reply.user_id}/role/root`)).status).toBe(400)
  })
})

describe("the last enabled administrator", () => {
  test("cannot be disabled, demoted or deleted", async () => {
    const { api, asAda, ada, bob, asBob } = await house()
    const refused = (what: string) => ({ status: 409, body: { error: `the last enabled administrator cannot be ${what}` } as never })
    expect(await asAda("POST", `/admin/users/${ada.id}/disable`)).toEqual(refused("disabled"))
    expect(await asAda("PUT", `/admin/users/${ada.id}/role/user`)).toEqual(refused("demoted"))
    expect((await asAda("PUT", `/admin/users/${bob.id}/role/admin`)).status).toBe(200)
    expect((await asBob("POST", `/admin/users/${bob.id}/disable`)).status).toBe(200)
    // A disabled administrator does not count.
    expect(await asAda("POST", `/admin/users/${ada.id}/disable`)).toEqual(refused("disabled"))
    await expect(api.administration.delete(bob.id, ada.id, "ada")).rejects.toThrow("the last enabled administrator cannot be deleted")
    expect(await asAda("DELETE", `/admin/users/${ada.id}?confirm=ada`)).toEqual({
      status: 400,
      body: { error: "cannot delete yourself" } as never,
    })
    expect(await enabledAdmins(api)).toEqual([{ username: "ada" }])
  })

  test("is left when two are demoted, disabled or deleted at the same time", async () => {
    for (const change of ["demote", "disable", "delete"] as const) {
      const { api, ada, bob } = await house()
      const people = api.administration
      await people.setRole(bob.id, "admin")
      // Past the guards, which might see the one when the other is done.
      const changes = {
        demote: (id: string) => people.setRole(id, "user"),
        disable: (id: string) => people.disable(id),
        delete: (id: string, username: string) => people.delete("somebody", id, username),
      }
      const both = await Promise.allSettled([changes[change](ada.id, "ada"), changes[change](bob.id, "bob")])
      expect([change, both.filter(({ status }) => status === "fulfilled").length]).toEqual([change, 1])
      expect((await enabledAdmins(api)).length).toBe(1)
    }
  })
})

describe("deleting", () => {
  test("takes along what the preview named, once the username or the digest confirms it", async () => {
    const { api, asAda, bob } = await house()
    await api.container(bob.id, "c1")
    const mapping = await api.mappings.create(
      { personId: bob.id, isAdmin: true },
      { container_id: "c1", domain: "tv.home.arpa", target_port: 80 },
    )
    const bot = await api.serviceToken(bob, { [`networking.${bob.id}`]: ["read"] })
    const path = `/admin/users/${bob.id}`
    const preview = (await asAda("GET", `${path}/deletion`)).body as { digest: string }
    expect(preview as unknown).toEqual({
      user_id: bob.id,
      username: "bob",
      owns: [
        { kind: "domain_mappings", count: 1, items: [{ id: mapping.id, name: "tv.home.arpa" }] },
        { kind: "api_tokens", count: 1, items: [{ id: bot.id, name: "t" }] },
      ],
      digest: expect.stringMatching(/^[0-9a-f]{32}$/) as never,
    })
    expect((await asAda("DELETE", path)).status).toBe(400)
    expect((await asAda("DELETE", `${path}?confirm=Bob`)).status).toBe(409)
    await api.serviceToken(bob, { [`networking.${bob.id}`]: ["read"] })
    const stale = await asAda("DELETE", `${path}?confirm=${preview.digest}`)
    expect([stale.status, stale.body as { error: string }]).toEqual([409, { error: expect.stringContaining("look again") as never }])
    expect((await api.send("GET", "/api/session", { token: bob.token })).status).toBe(200)

    const fresh = (await asAda("GET", `${path}/deletion`)).body as { digest: string }
    const gone = await asAda("DELETE", `/admin/users?id=${bob.id}&confirm=${fresh.digest}`)
    expect(gone).toEqual({
      status: 200,
      body: { status: "ok", user_id: bob.id, username: "bob", removed: { domain_mappings: 1, api_tokens: 2 } } as never,
    })
    expect(api.live.published.at(-1)).toEqual([])
    expect([(await api.send("GET", "/api/session", { token: bob.token })).status, (await asAda("GET", path)).status]).toEqual([401, 404])
    for (const table of ["sessions", "apiTokens", "serviceAccounts", "domainMappings", "containers"] as const)
      expect(await api.db.selectFrom(table).select("id").where("personId", "=", bob.id).execute()).toEqual([])
    expect((await asAda("DELETE", "/admin/users?confirm=x")).body as unknown).toEqual({ error: "id required" })
  })

  test("leaves the person disabled where something cannot be removed, and goes on when asked again", async () => {
    const { api, asAda, bob } = await house()
    let isDown = true
    const stuck = [{ id: "e1", name: "web" }]
    api.holdings.unshift({
      kind: "containers",
      list: async () => [...stuck],
      remove: async () => {
        if (isDown) throw new AppError("unavailable", "the engine does not answer")
        stuck.pop()
      },
    })
    const first = await asAda("DELETE", `/admin/users/${bob.id}?confirm=bob`)
    const error = "bob is disabled, but not deleted: containers web (e1) could not be removed: the engine does not answer"
    expect(first).toEqual({ status: 503, body: { error } as never })
    expect((await asAda("GET", `/admin/users/${bob.id}`)).body as Person).toMatchObject({ disabled: true })
    isDown = false
    expect((await asAda("DELETE", `/admin/users/${bob.id}?confirm=bob`)).status).toBe(200)
  })
})

describe("sessions of everybody", () => {
  type Page = { sessions: { id: number; username: string; is_current: boolean }[]; next_cursor: string | null }

  test("are listed with their people in pages, newest first, without their secrets", async () => {
    const { api, ada, bob, asAda } = await house()
    api.clock.ms += 60_000
    for (const from of ["198.51.100.1", "198.51.100.2"]) await api.send("POST", "/api/login", { body: { username: "bob", password }, from })
    const { body } = await asAda("GET", "/admin/sessions")
    const { sessions, next_cursor } = body as Page
    const since = { created_at: api.clock.ms / 1000, expires_at: api.clock.ms / 1000 + 86_400 }
    const bobs = { user_id: bob.id, username: "bob", display_name: "bob", is_current: false, ...since }
    expect(sessions.slice(0, 2) as unknown[]).toEqual(
      expect.arrayContaining([
        { id: expect.any(Number), ip_address: "198.51.100.1", ...bobs },
        { id: expect.any(Number), ip_address: "198.51.100.2", ...bobs },
      ]),
    )
    expect([sessions.length, next_cursor, sessions.find((one) => one.is_current)?.username]).toEqual([4, null, "ada"])
    const stored = await api.db.selectFrom("sessions").select("id").execute()
    for (const { id } of stored) expect(JSON.stringify(body)).not.toContain(id)

    // Two of them were begun in the same millisecond, twice.
    const paged: number[] = []
    let cursor: string | null = ""
    while (cursor !== null) {
      const page = (await asAda("GET", `/admin/sessions?limit=1&cursor=${cursor}`)).body as Page
      expect(page.sessions).toHaveLength(1)
      paged.push(...page.sessions.map(({ id }) => id))
      cursor = page.next_cursor
    }
    expect(paged).toEqual(sessions.map(({ id }) => id))

    for (const who of ["ada", ada.id]) {
      const own = (await asAda("GET", `/admin/sessions?person=${who}`)).body as Page
      expect(own.sessions.map(({ username }) => username)).toEqual(["ada"])
    }
    for (const wrong of ["limit=0", "limit=501", "limit=x", "cursor=x", `person=${"x".repeat(65)}`])
      expect((await asAda("GET", `/admin/sessions?${wrong}`)).status).toBe(400)
  })

  test("are ended one by one, and the audit says which", async () => {
    const { api, bob, asAda } = await house()
    const { sessions } = (await asAda("GET", "/admin/sessions?person=bob")).body as Page
    const id = sessions[0]?.id
    expect(await asAda("DELETE", `/admin/sessions/${id}`)).toEqual({
      status: 200,
      body: { status: "ok", user_id: bob.id, username: "bob" } as never,
    })
    expect((await api.send("GET", "/api/session", { token: bob.token })).status).toBe(401)
    expect(await asAda("DELETE", `/admin/sessions/${id}`)).toEqual({ status: 404, body: { error: "session not found" } as never })
    const { entries } = (await asAda("GET", "/api/audit?action=DELETE /admin/sessions&outcome=allowed")).body as { entries: object[] }
    expect(entries).toEqual([expect.objectContaining({ target: String(id), username: "ada" })])
  })
})
