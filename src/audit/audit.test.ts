import { describe, expect, test } from "bun:test"
import { password, startApi } from "../../test/api"
import type { AuditReply } from "./model"

type Page = { entries: AuditReply[]; next_cursor: string | null }

async function house() {
  const api = await startApi()
  const [ada, bob] = [await api.person("ada"), await api.person("bob")]
  const read = async (who: { token: string }, query = "") =>
    (await (await api.send("GET", `/api/audit${query}`, { token: who.token })).json()) as Page
  const actions = async (who: { token: string }, query = "") =>
    (await read(who, query)).entries.map(({ action, outcome }) => [action, outcome])
  return { api, ada, bob, read, actions }
}

describe("what is put on record", () => {
  test("a change says who did what to what, from where, with which token", async () => {
    const { api, ada, bob, read } = await house()
    const bot = await api.serviceToken(bob, { [`networking.${bob.id}`]: ["create", "delete"] })
    const res = await api.send("DELETE", "/api/domain-mappings/dom_1", { token: bot.token, from: "198.51.100.9" })
    expect(res.status).toBe(404)
    const [entry] = (await read(ada)).entries
    expect(entry).toEqual({
      id: expect.any(Number) as never,
      time: new Date(api.clock.ms).toISOString(),
      user_id: bob.id,
      username: "bob",
      token: { kind: "api_token", id: bot.id },
      address: "198.51.100.9",
      action: "DELETE /api/domain-mappings/:id",
      target: "dom_1",
      outcome: "failed",
      status: 404,
    })
  })

  test("what was made is the target, and a session is named as its person sees it", async () => {
    const { api, ada, bob, read } = await house()
    await api.container(bob.id, "c1")
    const body = { container_id: "c1", domain: "app.example.com", target_port: 80 }
    const made = (await (await api.send("POST", "/api/domain-mappings", { token: bob.token, body })).json()) as { id: string }
    const [entry] = (await read(ada)).entries
    expect(entry).toMatchObject({ action: "POST /api/domain-mappings", target: made.id, outcome: "allowed", status: 201 })
    const sessions = (await (await api.send("GET", "/api/settings/sessions", { token: bob.token })).json()) as { id: number }[]
    expect(entry?.token).toEqual({ kind: "session", id: String(sessions[0]?.id) })
  })

  test("a login names whom it let in, a refused one nobody but the account that it was tried at", async () => {
    const { api, ada, bob, read } = await house()
    await api.send("POST", "/api/login", { body: { username: "bob", password } })
    await api.send("POST", "/api/login", { body: { username: "bob", password: "wrong" }, from: "198.51.100.9" })
    await api.send("POST", "/api/login", { body: { username: "nobody", password: "wrong" } })
    const [unknown, refused, good] = (await read(ada, "?action=POST /api/login")).entries
    expect(good).toMatchObject({ user_id: bob.id, username: "bob", token: null, target: null, outcome: "allowed" })
    expect(refused).toMatchObject({ user_id: null, username: null, target: bob.id, outcome: "denied", status: 401 })
    expect(unknown).toMatchObject({ user_id: null, username: null, target: null, outcome: "denied", status: 401 })
    // Whose account it is sees it among what they did themselves, and nobody else does.
    const eve = await api.person("eve")
    const seen = async (who: { token: string }) => (await read(who, "?outcome=denied")).entries.map(({ id }) => id)
    expect([await seen(bob), await seen(eve)]).toEqual([[refused?.id ?? 0], []])
    const mine = (await read(bob)).entries
    expect(mine.map(({ id }) => id)).toEqual(mine.map(({ id }) => id).sort((a, b) => b - a))
    const pages = [await read(bob, "?limit=1"), await read(bob, `?limit=1&cursor=${mine[0]?.id}`)]
    expect(pages.flatMap(({ entries }) => entries)).toEqual(mine.slice(0, 2))
  })

  test("a right password that is not enough names its account, and so does a second factor that is wrong", async () => {
    const { api, ada, bob, read } = await house()
    await api.send("POST", "/api/settings/totp/begin", { token: bob.token })
    await api.db.updateTable("totpSecrets").set({ confirmedAt: api.clock.ms }).execute()
    const reply = (await (await api.send("POST", "/api/login", { body: { username: "bob", password } })).json()) as Record<string, string>
    for (const path of ["totp", "recovery-code"])
      expect((await api.send("POST", `/api/login/${path}`, { token: reply.challenge_token, body: { code: "000000" } })).status).toBe(401)
    const [recovery, totp, first] = (await read(ada, "?action=POST /api/login")).entries
    expect(first).toMatchObject({ user_id: bob.id, username: "bob", token: null, outcome: "allowed" })
    expect(totp).toMatchObject({ action: "POST /api/login/totp", user_id: null, target: bob.id, outcome: "denied" })
    expect(recovery).toMatchObject({ action: "POST /api/login/recovery-code", user_id: null, target: bob.id, outcome: "denied" })
  })

  test("a token that was good once is named where it is refused, though nobody was recognised", async () => {
    const { api, ada, bob, read } = await house()
    const bot = await api.serviceToken(bob, { [`networking.${bob.id}`]: ["read"] })
    const sessions = (await (await api.send("GET", "/api/settings/sessions", { token: bob.token })).json()) as { id: number }[]
    await api.send("DELETE", `/api/tokens/${bot.id}`, { token: bob.token })
    await api.send("POST", "/api/logout", { token: bob.token })
    await api.send("GET", "/api/domain-mappings", { token: bot.token, from: "198.51.100.9" })
    await api.send("GET", "/api/session", { token: bob.token })
    await api.send("GET", "/api/session", { token: `${bob.token}x` })
    const [forged, session, token] = (await read(ada, "?action=GET")).entries
    const refused = { user_id: null, username: null, outcome: "denied", status: 401 }
    expect(token).toMatchObject({ ...refused, token: { kind: "api_token", id: bot.id }, address: "198.51.100.9" })
    expect(session).toMatchObject({ ...refused, token: { kind: "session", id: String(sessions[0]?.id) } })
    expect(forged).toMatchObject({ ...refused, token: null })
  })

  test("denied reads are there, and reads that were allowed are not", async () => {
    const { api, ada, bob, actions } = await house()
    const bot = await api.serviceToken(bob, { [`networking.${bob.id}.domains`]: ["read"] })
    const before = (await actions(ada)).length
    for (const path of ["/api/domain-mappings", "/admin/users", "/api/audit"]) {
      await api.send("GET", path)
      await api.send("GET", path, { token: bot.token })
      await api.send("GET", path, { token: bob.token })
    }
    const denied = (await actions(ada)).slice(0, -before).reverse()
    expect(denied).toEqual([
      ["GET /api/domain-mappings", "denied"],
      ["GET /api/domain-mappings", "denied"],
      ["GET /admin/users", "denied"],
      ["GET /admin/users", "denied"],
      ["GET /admin/users", "denied"],
      ["GET /api/audit", "denied"],
      ["GET /api/audit", "denied"],
    ])
  })

  test("a page that asks who is signed in, with nobody there, is not, and a token that is not accepted is", async () => {
    const { api, ada, actions } = await house()
    const before = (await actions(ada)).length
    await api.send("GET", "/api/session")
    expect((await actions(ada)).length).toBe(before)
    await api.send("GET", "/api/session", { token: "ecloud_nobodys" })
    expect((await actions(ada))[0]).toEqual(["GET /api/session", "denied"])
  })

  test("secrets, bodies and queries are not", async () => {
    const { api, ada, bob } = await house()
    const { link } = (await api.administration.reset(bob.id)) as { link: string }
    await api.send("POST", link, { body: { password: "a new password 123" } })
    await api.send("POST", `${link}x`, { body: { password: "a new password 123" } })
    await api.send("POST", "/api/tokens?token=in-the-query", { token: ada.token, body: { name: "named-in-the-body" } })
    await api.send("DELETE", `/admin/users/${bob.id}?confirm=in-the-query`, { token: ada.token })
    const rows = await api.db.selectFrom("auditEntries").selectAll().execute()
    const text = JSON.stringify(rows)
    for (const secret of [link.slice(7), "a new password", "in-the-query", "named-in-the-body", ada.token, password])
      expect(text).not.toContain(secret)
    const resets = rows.filter(({ action }) => action === "POST /reset/:secret")
    expect(resets.map(({ personId, target, outcome }) => [personId, target, outcome])).toEqual([
      [bob.id, null, "allowed"],
      [null, null, "failed"],
    ])
  })

  test("a form that sets a password names its person too", async () => {
    const { api, bob, read, ada } = await house()
    const { link } = await api.administration.reset(bob.id)
    const headers = { "content-type": "application/x-www-form-urlencoded" }
    await api.send("POST", link, { body: "password=a+new+password", headers })
    expect((await read(ada)).entries[0]).toMatchObject({ action: "POST /reset/:secret", username: "bob", outcome: "allowed" })
  })

  test("an entry that cannot be written fails no request, and stands in the log", async () => {
    const { api, ada } = await house()
    await api.db.schema.dropTable("auditEntries").execute()
    expect((await api.send("POST", "/api/logout", { token: ada.token })).status).toBe(200)
    expect(api.logged.join("")).toContain("audit entry could not be written")
    expect(api.logged.join("")).not.toContain(ada.token)
  })

  test("a flood from one address without a login is cut to 30 entries a minute", async () => {
    const { api, ada, read } = await house()
    const flood = async () => {
      for (let i = 0; i < 40; i++) await api.send("GET", "/api/tokens", { from: "203.0.113.1" })
    }
    await flood()
    expect((await read(ada, "?action=GET /api/tokens&limit=500")).entries.length).toBe(30)
    await api.send("GET", "/api/tokens", { from: "203.0.113.2" })
    expect((await read(ada, "?action=GET /api/tokens&limit=500")).entries.length).toBe(31)
    api.clock.ms += 60_000
    await api.send("GET", "/api/tokens", { from: "203.0.113.1" })
    expect((await read(ada, "?action=GET /api/tokens&limit=500")).entries.length).toBe(32)
  })
})

describe("reading", () => {
  test("a person sees what they did, an administrator what everybody did", async () => {
    const { api, ada, bob, read } = await house()
    await api.send("DELETE", "/api/tokens/x", { token: ada.token })
    await api.send("DELETE", "/api/tokens/y", { token: bob.token })
    expect((await read(bob)).entries.map(({ username }) => username)).toEqual(["bob", "bob"])
    expect((await read(bob, "?person=ada")).entries).toEqual([])
    expect((await read(ada, "?person=bob")).entries.map(({ target }) => target)).toEqual(["y", null])
    expect((await read(ada, `?person=${ada.id}`)).entries.map(({ target }) => target)).toEqual(["x", null])
  })

  test("filters by action, target, outcome and time", async () => {
    const { api, ada, read } = await house()
    const start = api.clock.ms
    for (const path of ["/api/tokens/a_1", "/api/tokens/a_11", "/api/service-accounts/a_1"]) {
      api.clock.ms += 1000
      await api.send("DELETE", path, { token: ada.token })
    }
    await api.send("PUT", "/admin/users/a_1/role/admin", { token: ada.token })
    const targets = async (query: string) => (await read(ada, query)).entries.map(({ target }) => target)
    expect(await targets("?action=DELETE /api/tokens")).toEqual(["a_11", "a_1"])
    expect(await targets("?action=DELETE")).toEqual(["a_1", "a_11", "a_1"])
    expect(await targets("?target=a_1")).toEqual(["a_1/admin", "a_1", "a_1"])
    expect(await targets("?outcome=denied")).toEqual([])
    expect(await targets(`?from=${start + 1000}&to=${new Date(start + 3000).toISOString()}`)).toEqual(["a_11", "a_1"])
    expect(await targets("?target=a%25")).toEqual([])
  })

  test.each([
    ["?outcome=maybe", "outcome must be one of: allowed, denied, failed"],
    ["?limit=501", "limit must be a whole number from 1 to 500"],
    ["?limit=0", "limit must be a whole number from 1 to 500"],
    ["?cursor=abc", "cursor must be"],
    ["?from=yesterday", "from must be a time"],
    ["?from=2026-11-21T10:00", "from must be a time"],
    ["?from=5&to=5", "from must be before to"],
    [`?target=${"x".repeat(301)}`, "target is longer than 300 characters"],
  ])("%p is refused", async (query, error) => {
    const { api, ada } = await house()
    for (const path of ["/api/audit", "/api/audit/export"]) {
      const res = await api.send("GET", path + query, { token: ada.token })
      expect([res.status, await res.json()]).toEqual([400, { error: expect.stringContaining(error) as never }])
    }
  })

  test("pages follow their cursor without gap or repetition, while new entries arrive", async () => {
    const { api, ada, read } = await house()
    for (let i = 0; i < 7; i++) await api.send("DELETE", `/api/tokens/t${i}`, { token: ada.token })
    const seen: (string | null)[] = []
    let cursor: string | null = ""
    for (let pages = 0; cursor !== null; pages++) {
      const page: Page = await read(ada, `?action=DELETE&limit=3&cursor=${cursor}`)
      seen.push(...page.entries.map(({ target }) => target))
      cursor = page.next_cursor
      await api.send("DELETE", `/api/tokens/later${pages}`, { token: ada.token })
    }
    expect(seen).toEqual(["t6", "t5", "t4", "t3", "t2", "t1", "t0"])
    const exact = await read(ada, "?action=DELETE&target=t0&limit=1")
    expect([exact.entries.length, exact.next_cursor]).toEqual([1, null])
  })

  test("the export is one line of JSON an entry, in pieces, and only one's own for a user", async () => {
    const { api, ada, bob } = await house()
    const row = {
      personId: ada.id,
      username: "ada",
      tokenKind: null,
      tokenId: null,
      address: "-",
      outcome: "allowed" as const,
      status: 200,
    }
    for (let i = 0; i < 1201; i++)
      await api.db
        .insertInto("auditEntries")
        .values({ ...row, at: i, action: "POST /x", target: `t${i}` })
        .execute()
    const res = await api.send("GET", "/api/audit/export?action=POST /x", { token: ada.token })
    expect(res.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8")
    const pieces: string[] = []
    for await (const piece of res.body ?? []) pieces.push(new TextDecoder().decode(piece))
    expect(pieces.length).toBe(3)
    const lines = pieces.join("").trimEnd().split("\n")
    expect(lines.map((line) => (JSON.parse(line) as AuditReply).target)).toEqual(Array.from({ length: 1201 }, (_, i) => `t${1200 - i}`))
    expect(await (await api.send("GET", "/api/audit/export?action=POST /x", { token: bob.token })).text()).toBe("")
    const left = await api.send("GET", "/api/audit/export", { token: ada.token })
    await left.body?.cancel()
  })
})

describe("the retention", () => {
  test("removes what is older, by the setting of that moment", async () => {
    const { api, ada, actions } = await house()
    await api.send("DELETE", "/api/tokens/old", { token: ada.token })
    api.clock.ms += 10 * 86_400_000
    const login = (await (await api.send("POST", "/api/login", { body: { username: "ada", password }, from: "x" })).json()) as {
      token: string
    }
    await api.trail.sweep(new AbortController().signal)
    expect((await actions(login, "?action=DELETE")).length).toBe(1)
    api.retention.ms = 9 * 86_400_000
    await api.trail.sweep(new AbortController().signal)
    expect(await actions(login)).toEqual([["POST /api/login", "allowed"]])
  })

  test("the bound on rows counts people's apart from nobody's, and says when it cut", async () => {
    const { api } = await house()
    const row = {
      username: null,
      tokenKind: null,
      tokenId: null,
      address: "-",
      outcome: "denied" as const,
      status: 401,
      action: "GET /x",
      at: api.clock.ms,
    }
    for (let i = 0; i < 100; i++) {
      for (const personId of ["u1", null])
        await api.db
          .insertInto("auditEntries")
          .values({ ...row, personId, target: String(i) })
          .execute()
    }
    await api.trail.sweep(new AbortController().signal)
    const left = await api.db.selectFrom("auditEntries").select(["personId", "target"]).orderBy("id").execute()
    expect(left.filter(({ personId }) => personId !== null).map(({ target }) => target)).toEqual(
      Array.from({ length: 50 }, (_, i) => String(i + 50)),
    )
    expect(left.filter(({ personId }) => personId === null).map(({ target }) => target)).toEqual(
      Array.from({ length: 40 }, (_, i) => String(i + 60)),
    )
    expect(api.logged.filter((line) => line.includes("the audit trail was cut")).length).toBe(2)
  })
})

test("no query but the retention's changes or removes entries", async () => {
  const found: string[] = []
  for (const file of new Bun.Glob("**/*.ts").scanSync(`${import.meta.dir}/..`)) {
    const code = await Bun.file(`${import.meta.dir}/../${file}`).text()
    const changes = code.match(/(updateTable|deleteFrom|replaceInto|mergeInto)\("auditEntries"\)|(update|delete from) audit_entries/gi)
    if (!file.endsWith(".test.ts")) found.push(...(changes ?? []).map((change) => `${file} ${change}`))
  }
  expect(found).toEqual(['audit/store.ts deleteFrom("auditEntries")', 'audit/store.ts deleteFrom("auditEntries")'])
})
