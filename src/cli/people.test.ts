import { afterEach, expect, test } from "bun:test"
import { run as audit } from "./audit"
import type { CommandIo } from "./io"
import { run as certificates } from "./certificates"
import { run as people } from "./people"

const cleanups: (() => unknown)[] = []
afterEach(() => cleanups.splice(0).forEach((cleanup) => void cleanup()))

/** A tiny server that answers by "METHOD /path", and a command's surroundings that point to it. */
function setup(answers: Record<string, unknown>, lines: string[] = []) {
  const seen: { request: string; body: unknown }[] = []
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(req) {
      const { pathname, search } = new URL(req.url)
      const text = await req.text()
      seen.push({ request: `${req.method} ${pathname}${search}`, body: text === "" ? undefined : JSON.parse(text) })
      const answer = answers[`${req.method} ${pathname}${search}`] ?? answers[`${req.method} ${pathname}`]
      return answer === undefined ? Response.json({ error: "user not found" }, { status: 404 }) : Response.json(answer)
    },
  })
  cleanups.push(() => server.stop(true))
  const said = { out: "", err: "" }
  const io: CommandIo = {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    readLine: async () => lines.shift() ?? "",
    environment: { server: `http://127.0.0.1:${server.port}`, token: "t0", configFolder: "/nonexistent" },
    version: "0",
  }
  return { io, said, seen, origin: `http://127.0.0.1:${server.port}` }
}

const bob = {
  user_id: "u2",
  username: "bob",
  display_name: "Bob",
  role: "user",
  is_admin: false,
  disabled: false,
  created_at: 1_795_000_000,
}
const list = { "GET /admin/users": [{ ...bob, user_id: "u1", username: "ada", role: "admin" }, bob] }
const preview = {
  user_id: "u2",
  username: "bob",
  owns: [{ kind: "domain_mappings", count: 1, items: [{ id: "dom_1", name: "app.example.com" }] }],
  digest: "d1",
}

test("list shows everybody with role and state", async () => {
  const { io, said } = setup(list)
  expect(await people(["list"], io)).toBe(0)
  expect(said.out).toContain("u2  bob       Bob   user   enabled")
})

test("create prints the link on the server that was asked, and reads a password from standard input only", async () => {
  const made = { ...bob, link: "/reset/secret", link_expires_at: 1_795_000_000 }
  const { io, said, seen, origin } = setup({ "POST /admin/users": made }, ["a password"])
  expect(await people(["create", "bob", "--display-name", "Bob", "--admin"], io)).toBe(0)
  expect(said.out).toContain(`link:  ${origin}/reset/secret`)
  expect(await people(["create", "bob", "--password-stdin"], io)).toBe(0)
  expect(await people(["create", "bob", "--password-stdin"], io)).toBe(2)
  expect(seen.map(({ body }) => body)).toEqual([
    { username: "bob", display_name: "Bob", role: "admin" },
    { username: "bob", password: "a password", role: "user" },
  ])
})

test("disable, enable, role and reset find a person by id or username", async () => {
  const { io, seen, said } = setup({
    ...list,
    "POST /admin/users/u2/disable": bob,
    "POST /admin/users/u2/enable": bob,
    "PUT /admin/users/u2/role/admin": bob,
    "POST /admin/users/u2/reset": { user_id: "u2", username: "bob", link: "/reset/s", link_expires_at: 1 },
  })
  for (const args of [
    ["disable", "bob"],
    ["enable", "u2"],
    ["role", "bob", "admin"],
    ["reset", "bob"],
  ])
    expect(await people(args, io)).toBe(0)
  expect(seen.filter(({ request }) => !request.startsWith("GET")).length).toBe(4)
  expect(await people(["disable", "eve"], io)).toBe(1)
  expect(await people(["role", "bob", "root"], io)).toBe(2)
  expect(said.err).toContain("nobody has the id or the username eve")
})

test("delete shows what would go, and goes on for the username, a digest or --yes only", async () => {
  const gone = { status: "ok" }
  const answers = { ...list, "GET /admin/users/u2/deletion": preview, "DELETE /admin/users/u2": gone }
  const { io, seen, said } = setup(answers, ["Bob", "bob"])
  const deletions = () => seen.filter(({ request }) => request.startsWith("DELETE")).map(({ request }) => request.split("confirm=")[1])
  expect(await people(["delete", "bob", "--preview"], io)).toBe(0)
  expect(said.out).toContain("domain mappings  dom_1  app.example.com")
  expect([await people(["delete", "bob"], io), deletions()]).toEqual([1, []])
  expect(said.err).toContain("app.example.com")
  expect(await people(["delete", "bob"], io)).toBe(0)
  expect(await people(["delete", "bob", "--yes"], io)).toBe(0)
  expect(await people(["delete", "bob", "--confirm", "d0"], io)).toBe(0)
  expect(deletions()).toEqual(["bob", "d1", "d0"])
  expect(await people(["delete", "bob", "--preview", "--yes"], io)).toBe(2)
})

test("sessions lists who is signed in where, and end-session ends one", async () => {
  const one = { id: 7, username: "bob", ip_address: "192.0.2.1", created_at: 1_795_000_000, expires_at: 1_795_086_400, is_current: false }
  const { io, said, seen } = setup({
    "GET /admin/sessions": { sessions: [one], next_cursor: "1795000000000-1" },
    "DELETE /admin/sessions/7": { status: "ok", user_id: "u2", username: "bob" },
  })
  expect(await people(["sessions", "bob", "--limit", "1"], io)).toBe(0)
  expect(seen[0]?.request).toBe("GET /admin/sessions?person=bob&limit=1&cursor=")
  expect(said.out).toContain("7   bob       192.0.2.1")
  expect(said.out).toContain("older ones: --cursor 1795000000000-1\n")
  expect(await people(["end-session", "7"], io)).toBe(0)
  expect(said.out).toContain("a session of bob is ended\n")
  expect(await people(["sessions", "--limit", "501"], io)).toBe(2)
})

const entry = {
  id: 9,
  time: "2026-11-21T10:00:00.000Z",
  user_id: "u2",
  username: "bob",
  token: { kind: "api_token", id: "k1" },
  address: "192.0.2.1",
  action: "DELETE /api/tokens/:id",
  target: "k2",
  outcome: "allowed",
  status: 200,
}

test("certificates limits shows what is left, and when there is more", async () => {
  const limit = {
    issuer_name: "Let's Encrypt",
    kind: "domain",
    subject: "example.com",
    left: 3,
    capacity: 50,
    next_at: "2026-11-30T06:22:00.000Z",
    closed_until: null,
  }
  const { io, seen, said } = setup({ "GET /admin/issuance-limits": { total: 2, limits: [limit] } })
  expect(await certificates(["limits", "--limit", "1"], io)).toBe(0)
  expect(seen[0]?.request).toBe("GET /admin/issuance-limits?limit=1")
  expect(said.out).toContain("Let's Encrypt  certificates of a domain  example.com  3 of 50  2026-11-30T06:22:00Z  -")
  expect(said.out).toContain("1 more\n")
  expect(await certificates(["limits", "--limit", "0"], io)).toBe(2)
})

test("audit shows a page by its filters, and where the next one is", async () => {
  const { io, seen, said } = setup({ "GET /api/audit": { entries: [entry], next_cursor: "9" } })
  expect(await audit(["--person", "bob", "--action", "DELETE", "--since", "2026-11-20", "--limit", "1"], io)).toBe(0)
  expect(seen[0]?.request).toBe("GET /api/audit?person=bob&action=DELETE&from=2026-11-20T00%3A00%3A00Z&limit=1&cursor=")
  expect(said.out).toContain("2026-11-21 10:00:00  bob  192.0.2.1  token k1  DELETE /api/tokens/:id  k2      allowed 200")
  expect(said.out).toContain("older ones: --cursor 9\n")
  expect(await audit(["--since", "yesterday"], io)).toBe(2)
  expect(await audit(["--limit", "501"], io)).toBe(2)
})

test("audit export prints every page as lines of JSON", async () => {
  const { io, said } = setup({
    "GET /api/audit?limit=500&cursor=": { entries: [entry], next_cursor: "9" },
    "GET /api/audit?limit=500&cursor=9": { entries: [{ ...entry, id: 8, status: null, token: null }], next_cursor: null },
  })
  expect(await audit(["export"], io)).toBe(0)
  expect(
    said.out
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { id: number }).id),
  ).toEqual([9, 8])
})
