import { afterEach, expect, test } from "bun:test"
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ApiClient, parseServer } from "./client"
import { run as containers } from "./containers"
import { run as domains } from "./domains"
import type { CommandIo } from "./io"
import { run as login } from "./login"
import { run as mappings } from "./mappings"
import { run as serviceAccounts } from "./service-accounts"
import { run as tokens } from "./tokens"

type Seen = { method: string; path: string; token: string | null; body: unknown }
type Answers = Record<string, (seen: Seen) => Response>

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** A tiny server that answers by "METHOD /path", and a command's surroundings that point to it. */
async function setup(answers: Answers, lines: string[] = []) {
  const seen: Seen[] = []
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(req) {
      const { pathname } = new URL(req.url)
      const text = await req.text()
      const one = { method: req.method, path: pathname, token: req.headers.get("authorization"), body: text ? JSON.parse(text) : undefined }
      seen.push(one)
      return answers[`${req.method} ${pathname}`]?.(one) ?? new Response("not found\n", { status: 404 })
    },
  })
  const folder = await mkdtemp(join(tmpdir(), "freehold-cli-"))
  cleanups.push(
    () => server.stop(true),
    () => rm(folder, { recursive: true }),
  )
  const said = { out: "", err: "", prompts: [] as [string, boolean][] }
  const origin = `http://127.0.0.1:${server.port}`
  const io: CommandIo = {
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    readLine: async (prompt, { hidden }) => {
      said.prompts.push([prompt, hidden])
      return lines.shift() ?? ""
    },
    environment: { server: origin, token: "t0", configFolder: join(folder, "freehold") },
    version: "0",
  }
  return { io, said, seen, origin, folder: join(folder, "freehold") }
}

const pending = {
  id: "dom_1",
  domain: "app.example.com",
  container_id: "c1",
  target_port: 8080,
  status: "pending",
  verify_name: "_edd-verify.app.example.com",
  verify_token: "edd-verify-abc",
}
const mappingList = () => Response.json({ domains: [pending] })

test("login keeps server and token for the owner alone, and the next verb uses them", async () => {
  const { io, said, seen, origin, folder } = await setup(
    {
      "POST /api/login": () => Response.json({ username: "ada", user_id: "u1", token: "jwt" }),
      "GET /api/domains": () => Response.json({ connections: [] }),
    },
    ["ada", "secret"],
  )
  io.environment = { configFolder: folder }
  expect(await login(["--server", origin], io)).toBe(0)
  expect(said.prompts).toEqual([
    ["Username: ", false],
    ["Password: ", true],
  ])
  expect(said.out).toBe(`logged in to ${origin} as ada\n`)
  expect(seen[0]?.body).toEqual({ username: "ada", password: "secret" })
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
  expect((await stat(join(folder, "config.json"))).mode & 0o777).toBe(0o600)
  expect(await readdir(folder)).toEqual(["config.json"])
  expect(JSON.parse(await readFile(join(folder, "config.json"), "utf8"))).toEqual({ server: origin, token: "jwt" })

  expect(await domains(["ls"], io)).toBe(0)
  expect(seen[1]?.token).toBe("Bearer jwt")
})

test("a stored token goes to no other server than the one that gave it", async () => {
  const { io, said, seen, folder } = await setup({ "POST /api/login": () => Response.json({ token: "jwt" }) }, ["pw"])
  io.environment.token = undefined
  expect(await login(["--username", "ada", "--password-stdin", "--json"], io)).toBe(0)
  expect(said.prompts).toEqual([["", true]])
  expect(said.out).not.toContain("jwt")
  const other = await setup({ "GET /api/domains": () => Response.json({ connections: [] }) })
  other.io.environment = { configFolder: folder, server: other.origin }
  expect(await domains(["ls"], other.io)).toBe(1)
  expect(other.said.err).toContain(`not logged in to ${other.origin}`)
  expect([seen.length, other.seen.length]).toEqual([1, 0])
})

test("a refused login keeps nothing, and a damaged file is named", async () => {
  const { io, said, folder } = await setup({ "POST /api/login": () => Response.json({ error: "invalid credentials" }, { status: 401 }) }, [
    "pw",
  ])
  expect(await login(["--username", "ada", "--password-stdin"], io)).toBe(1)
  expect(said.err).toBe("error: invalid credentials\n")
  await expect(stat(folder)).rejects.toThrow()
  const { io: second, said: then, folder: damaged } = await setup({ "POST /api/login": () => Response.json({ token: "x" }) }, ["pw"])
  expect(await login(["--username", "ada", "--password-stdin"], second)).toBe(0)
  await writeFile(join(damaged, "config.json"), "{")
  second.environment = { configFolder: damaged }
  expect(await domains(["ls"], second)).toBe(1)
  expect(then.err).toContain("config.json is damaged")
})

test.each([
  [() => Response.json({ error: "container not found" }, { status: 404 }), "error: container not found\n"],
  [() => Response.json({ error: { code: "x", message: "no such thing" } }, { status: 400 }), "error: no such thing\n"],
  [
    () => new Response("forbidden: missing networking.u1.domains scope\n", { status: 403 }),
    "error: forbidden: missing networking.u1.domains scope\n",
  ],
  [() => new Response("", { status: 500 }), "error: the server answered 500\n"],
  [() => new Response("<html>bad gateway", { status: 502 }), "error: the server answered 502\n"],
  [() => new Response("\u001b[31mred", { status: 400 }), "error: ?[31mred\n"],
])("an error of the API is one line and exit code 1 (%#)", async (answer, line) => {
  const { io, said } = await setup({ "GET /api/domains": answer })
  expect(await domains(["ls"], io)).toBe(1)
  expect(said).toMatchObject({ out: "", err: line })
})

test("a 401 says how to log in", async () => {
  const { io, said } = await setup({ "GET /api/domains": () => new Response("unauthorized\n", { status: 401 }) })
  expect(await domains(["ls"], io)).toBe(1)
  expect(said.err).toBe('error: unauthorized (log in with "freehold login", or set FREEHOLD_TOKEN)\n')
})

test("a server that cannot be reached, redirects, or is no Freehold is said in a sentence", async () => {
  const { io, said, origin } = await setup({
    "GET /api/domains": () => new Response("hello"),
    "GET /compute/containers": () => Response.redirect("https://elsewhere.test/"),
    "GET /api/tokens": () => Response.json({}),
  })
  expect(await domains(["ls"], io)).toBe(1)
  expect(said.err).toContain("did not answer with JSON")
  expect(await containers(["ls"], io)).toBe(1)
  expect(said.err).toContain("points to https://elsewhere.test/")
  expect(await tokens(["ls"], io)).toBe(1)
  expect(said.err).toContain("not the list that was asked for")
  expect(await domains(["ls", "--server", "http://127.0.0.1:1"], io)).toBe(1)
  expect(said.err).toContain("error: cannot reach http://127.0.0.1:1")
  expect(said.err).not.toContain(`cannot reach ${origin}`)
})

test("a request that is not answered ends at its limit", async () => {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Promise<Response>(() => {}) })
  cleanups.push(() => server.stop(true))
  const client = new ApiClient(`http://127.0.0.1:${server.port}`, undefined, 100)
  await expect(client.get("/api/domains")).rejects.toThrow("did not answer within 0.1 seconds")
})

test.each([
  ["net.example.com", "http://net.example.com"],
  ["https://net.example.com/", "https://net.example.com"],
  ["HTTP://[::1]:8080", "http://[::1]:8080"],
])("%p is a server", (text, origin) => expect(parseServer(text)).toBe(origin))

test.each(["ftp://a.test", "http://a.test/api", "http://u:p@a.test", "http://", "a b"])("%p is no server", (text) => {
  expect(() => parseServer(text)).toThrow("--server is an address")
})

test("domains are listed, added from a hidden line, refreshed and removed", async () => {
  const zone = { id: "cfc_1", zones: ["example.com", "example.net"] }
  const { io, said, seen } = await setup(
    {
      "GET /api/domains": () => Response.json({ connections: [{ ...zone, created_at: "2026-06-01T12:00:00Z" }] }),
      "POST /api/domains": () => Response.json(zone, { status: 201 }),
      "POST /api/domains/cfc_1/refresh": () => Response.json(zone),
      "DELETE /api/domains/cfc_1": () => new Response(null, { status: 204 }),
    },
    ["cf-secret", "cf-piped"],
  )
  expect(await domains(["ls"], io)).toBe(0)
  expect(said.out).toBe("ID     ZONES                    CREATED\ncfc_1  example.com example.net  2026-06-01T12:00:00Z\n")
  said.out = ""
  expect(await domains(["add", "--json"], io)).toBe(0)
  expect(JSON.parse(said.out)).toEqual(zone)
  expect(await domains(["add", "--token-stdin"], io)).toBe(0)
  expect(await domains(["add", "cf-argument"], io)).toBe(0)
  expect(said.prompts).toEqual([
    ["Cloudflare API token: ", true],
    ["", true],
  ])
  const added = seen.filter(({ method }) => method === "POST")
  expect(added.map(({ body }) => body)).toEqual([{ token: "cf-secret" }, { token: "cf-piped" }, { token: "cf-argument" }])
  said.out = ""
  expect(await domains(["refresh", "cfc_1"], io)).toBe(0)
  expect(said.out).toBe("cfc_1 can edit example.com, example.net\n")
  said.out = ""
  expect(await domains(["rm", "cfc_1", "--json"], io)).toBe(0)
  expect(said).toMatchObject({ out: "", err: "" })
  expect(await domains(["rm"], io)).toBe(2)
  expect(said.err).toBe("error: an argument is missing\nusage: freehold domains rm ID [--json]\n")
})

test("records of an owned domain are listed by id or zone, and looked at first where that is asked", async () => {
  const record = { name: "app.example.com", type: "CNAME", value: "ingress.cloud.test", hostname: "app.example.com", purpose: "address" }
  const more = { written_for: null, written_with: { provider: "cloudflare" }, written_at: "2026-06-01T12:00:00.000Z", stands: false }
  const { io, said, seen } = await setup({
    "GET /api/domains": () => Response.json({ connections: [{ id: "cfc_1", zones: ["example.com"] }] }),
    "GET /api/domains/cfc_1/records": () => Response.json({ data: [{ ...record, ...more }], next_cursor: "bmV4dA" }),
    "POST /api/domains/cfc_1/records/check": () => Response.json({ looked_at: 1 }),
  })
  expect(await domains(["records", "example.com", "--check"], io)).toBe(0)
  expect(seen.map(({ method }) => method)).toEqual(["GET", "POST", "GET"])
  expect(said.out).toBe(
    [
      "NAME             TYPE   VALUE               FOR                        PROVIDER    WRITTEN                   STATE",
      "app.example.com  CNAME  ingress.cloud.test  app.example.com (address)  cloudflare  2026-06-01T12:00:00.000Z  missing, left behind",
      "older ones: --cursor bmV4dA",
      "",
    ].join("\n"),
  )
  expect(await domains(["records", "other.com"], io)).toBe(1)
  expect(said.err).toBe("error: no owned domain has the zone other.com\n")
})

test("mappings add prints the TXT record of a pending name", async () => {
  const { io, said, seen } = await setup({ "POST /api/domain-mappings": () => Response.json(pending, { status: 201 }) })
  expect(await mappings(["add", "app.example.com", "--container", "c1", "--port", "8080"], io)).toBe(0)
  expect(seen[0]).toMatchObject({ token: "Bearer t0", body: { container_id: "c1", domain: "app.example.com", target_port: 8080 } })
  expect(said.out).toContain("_edd-verify.app.example.com")
  expect(said.out).toContain("edd-verify-abc")
})

test.each([
  [["add", "a.test", "--container", "c1"], "--port is missing"],
  [["add", "a.test", "--port", "80"], "--container is missing"],
  [["add", "a.test", "--container", "c1", "--port", "http"], '--port is a number from 1 to 65535, not "http"'],
  [["add", "a.test", "--contaner", "c1"], "unknown flag --contaner"],
  [["add", "a.test", "--container", "c1", "--port", "80", "--http", ""], "--http is empty"],
  [["update"], "an argument is missing"],
  [["update", "dom_1"], "nothing to change: give --http, --upstream-protocol, --access-log or --no-access-log"],
  [["update", "dom_1", "--access-log", "--no-access-log"], "--access-log does not go with --no-access-log"],
  [["update", "dom_1", "--port", "80"], "unknown flag --port"],
  [["verify", "dom_1", "--timeout", "10"], "--timeout is a span"],
  [["ls", "extra"], '"extra" is one argument too many'],
  [["ls", "--server", "ftp://x"], "--server is an address"],
])("mappings %p is a usage error", async (args, message) => {
  const { io, said, seen } = await setup({})
  expect(await mappings(args, io)).toBe(2)
  expect(said.err).toStartWith(`error: ${message}`)
  expect(said.err).toContain(`\nusage: freehold mappings ${args[0]}`)
  expect(seen).toEqual([])
})

test("verify of a pending name exits with 1, says why, and shows the record to publish", async () => {
  const { io, said } = await setup({
    "GET /api/domain-mappings": mappingList,
    "POST /api/domain-mappings/dom_1/verify": () => Response.json({ status: "pending", detail: "ns1.example.com answered NXDOMAIN" }),
  })
  expect(await mappings(["verify", "App.Example.com."], io)).toBe(1)
  expect(said.out).toContain("pending - ns1.example.com answered NXDOMAIN\n")
  expect(said.out).toMatch(/name: +_edd-verify\.app\.example\.com\n/)
  said.out = ""
  expect(await mappings(["verify", "dom_1", "--json"], io)).toBe(1)
  expect(JSON.parse(said.out)).toEqual({ status: "pending", detail: "ns1.example.com answered NXDOMAIN" })
  expect(await mappings(["verify", "other.example.com"], io)).toBe(1)
  expect(said.err).toBe("error: other.example.com is not mapped\n")
})

test("verify --wait asks until the name is verified, also when the server is busy in between", async () => {
  const verdicts = [
    () => Response.json({ status: "pending", detail: "not yet" }),
    () => new Response("slow down\n", { status: 429, headers: { "retry-after": "0" } }),
    () => Response.json({ status: "verified" }),
  ]
  const { io, said } = await setup({
    "GET /api/domain-mappings": () => new Response("forbidden\n", { status: 403 }),
    "POST /api/domain-mappings/dom_1/verify": () => verdicts.shift()?.() ?? new Response("", { status: 500 }),
  })
  expect(await mappings(["verify", "dom_1", "--wait"], io)).toBe(0)
  expect(said).toMatchObject({ out: "dom_1: pending - not yet\ndom_1: verified\n", err: "" })
})

test("waiting ends at its limit with exit code 1 and the last verdict as the only JSON", async () => {
  const { io, said } = await setup({
    "POST /api/domain-mappings": () => Response.json(pending, { status: 201 }),
    "POST /api/domain-mappings/dom_1/verify": () => Response.json({ status: "pending", detail: "no" }),
  })
  const args = ["add", "app.example.com", "--container", "c1", "--port", "80", "--wait", "--timeout", "200ms", "--json"]
  expect(await mappings(args, io)).toBe(1)
  expect(JSON.parse(said.out)).toEqual({ ...pending, detail: "no" })
  expect(said.err).toContain("not verified within")
})

test("mappings add and update send the options that were named, and show those that hold", async () => {
  const set = { ...pending, status: "verified", http: "serve", upstream_protocol: "h2c", access_log: false }
  const { io, said, seen } = await setup({
    "GET /api/domain-mappings": mappingList,
    "POST /api/domain-mappings": () => Response.json(set, { status: 201 }),
    "PATCH /api/domain-mappings/dom_1": () => Response.json(set),
  })
  const options = ["--http", "serve", "--upstream-protocol", "h2c", "--no-access-log"]
  expect(await mappings(["add", "app.example.com", "--container", "c1", "--port", "8080", ...options], io)).toBe(0)
  const sent = { http: "serve", upstream_protocol: "h2c", access_log: false }
  expect(seen[0]?.body).toEqual({ container_id: "c1", domain: "app.example.com", target_port: 8080, ...sent })
  expect(said.out).toMatch(/http: +serve\nupstream protocol: +h2c\naccess log: +off\n/)
  said.out = ""
  expect(await mappings(["update", "App.Example.com.", ...options, "--json"], io)).toBe(0)
  expect(JSON.parse(said.out)).toEqual(set)
  expect(seen.at(-1)).toMatchObject({ method: "PATCH", token: "Bearer t0", body: sent })
  expect(await mappings(["update", "dom_1", "--access-log"], io)).toBe(0)
  expect(seen.at(-1)?.body).toEqual({ access_log: true })
  expect(seen.map(({ method }) => method)).toEqual(["POST", "GET", "PATCH", "PATCH"])
})

test("an option that the server refuses is exit code 1 with its words", async () => {
  const refuse = () => new Response('http must be "redirect" or "serve"\n', { status: 400 })
  const { io, said } = await setup({ "PATCH /api/domain-mappings/dom_1": refuse })
  expect(await mappings(["update", "dom_1", "--http", "off"], io)).toBe(1)
  expect(said).toMatchObject({ out: "", err: 'error: http must be "redirect" or "serve"\n' })
})

test("rm takes an id without asking for the list, or a hostname", async () => {
  const { io, seen } = await setup({
    "GET /api/domain-mappings": mappingList,
    "DELETE /api/domain-mappings/dom_1": () => new Response(null, { status: 204 }),
  })
  expect(await mappings(["rm", "dom_1"], io)).toBe(0)
  expect(await mappings(["rm", "app.example.com"], io)).toBe(0)
  expect(seen.map(({ method }) => method)).toEqual(["DELETE", "GET", "DELETE"])
})

test("containers are created from an image or as external ones, and waited for", async () => {
  const statuses = ["initializing", "running"]
  const { io, said, seen } = await setup({
    "POST /compute/containers": () => Response.json({ id: "abcd1234", name: "web", status: "pending" }),
    "GET /compute/containers/abcd1234": () => Response.json({ id: "abcd1234", name: "web", status: statuses.shift() }),
  })
  const args = ["create", "--name", "web", "--image", "busybox", "--memory", "1g", "--instance-type", "nano", "--wait", "--json"]
  expect(await containers(args, io)).toBe(0)
  expect(JSON.parse(said.out)).toMatchObject({ status: "running" })
  expect(seen[0]?.body).toEqual({ name: "web", image: "busybox", memory_mb: 1024, instance_type: "nano" })
  expect(await containers(["create", "--name", "plex", "--address", "192.168.1.20", "--port-map", "80=32400"], io)).toBe(0)
  expect(seen.at(-1)?.body).toEqual({ name: "plex", address: "192.168.1.20", ports: { "80": 32400 } })
  expect(await containers(["create", "--name", "plex", "--address", "192.168.1.20", "--memory", "1g"], io)).toBe(2)
  expect(said.err).toContain("--memory does not go with --address")
})

test("a container that failed while waited for is exit code 1", async () => {
  const { io, said } = await setup({
    "POST /compute/containers/c1/start": () => Response.json({ id: "c1", name: "web", status: "failed", status_detail: "no such image" }),
  })
  expect(await containers(["start", "c1", "--wait"], io)).toBe(1)
  expect(said.err).toBe("error: container c1 does not run: no such image\n")
})

test("the service account of the first document is made as written there", async () => {
  const { io, said, seen } = await setup({
    "GET /api/session": () => Response.json({ user_id: "u1" }),
    "POST /api/service-accounts": ({ body }) => Response.json({ id: "sa1", token_count: 0, created_at: 1, ...(body as object) }),
    "POST /api/service-accounts/sa1/tokens": () => Response.json({ id: "t1", name: "ci", expires_at: 0, token: "ecloud_x" }),
    "PUT /api/service-accounts/sa1/scopes": () => Response.json({ status: "ok" }),
  })
  const scopes = ["--scope", "networking.me.domains=read,create,delete", "--scope", "networking.u9.domain-mappings=read"]
  expect(await serviceAccounts(["create", "--name", "dns-bot", ...scopes], io)).toBe(0)
  expect(seen[1]?.body).toEqual({
    name: "dns-bot",
    scopes: { "networking.u1.domains": ["read", "create", "delete"], "networking.u9.domain-mappings": ["read"] },
  })
  for (const word of ["token", "tokens"]) {
    expect(await serviceAccounts([word, "create", "sa1", "--name", "ci", "--expires-in", "30d"], io)).toBe(0)
    expect(seen.at(-1)?.body).toEqual({ name: "ci", expires_in: "30d" })
  }
  expect(said.out).toMatch(/token: +ecloud_x\n/)
  expect(await serviceAccounts(["scopes", "sa1", "--scope", "storage.u1=read"], io)).toBe(0)
  expect(seen.at(-1)).toMatchObject({ method: "PUT", body: { scopes: { "storage.u1": ["read"] } } })
  expect(seen.filter(({ path }) => path === "/api/session")).toHaveLength(1)
  expect(await serviceAccounts(["create", "--name", "x"], io)).toBe(2)
  expect(said.err).toContain("--scope is missing")
})

test("tokens check needs no login and fails for a token that is not valid", async () => {
  const { io, said, seen } = await setup({ "GET /api/tokens/t1/check": () => Response.json({ status: "valid" }) })
  io.environment.token = undefined
  expect(await tokens(["check", "t1"], io)).toBe(0)
  expect(seen[0]?.token).toBeNull()
  expect(await tokens(["check", "t2"], io)).toBe(1)
  expect(said).toMatchObject({ out: "t1 is valid\n" })
  expect(await tokens(["ls"], io)).toBe(1)
  expect(said.err).toContain("not logged in")
})

test("tokens are listed with their dates, made once visible, and revoked", async () => {
  const token = { id: "t1", name: "ci", scopes: {}, expires_at: 1_780_000_000, last_used_at: 0, created_at: 1 }
  const { io, said } = await setup({
    "GET /api/tokens": () => Response.json([token]),
    "POST /api/tokens": () => Response.json({ ...token, token: "ecloud_y" }),
    "DELETE /api/tokens/t1": () => Response.json({ status: "ok" }),
  })
  expect(await tokens(["ls"], io)).toBe(0)
  expect(said.out).toContain("2026-05-28 20:26 UTC  never")
  expect(await tokens(["create", "--name", "ci", "--scope", "networking.u1=read"], io)).toBe(0)
  expect(said.out).toContain("ecloud_y")
  expect(await tokens(["rm", "t1"], io)).toBe(0)
  expect(said.out).toEndWith("t1 revoked\n")
})
