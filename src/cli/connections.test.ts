import { afterEach, expect, test } from "bun:test"
import { run as applications } from "./applications"
import { run as connections } from "./connections"
import type { CommandIo } from "./io"

const cleanups: (() => unknown)[] = []
afterEach(() => cleanups.splice(0).forEach((cleanup) => void cleanup()))

/** A tiny server that answers by "METHOD /path", each time with the next of a list, and a command's surroundings that point to it. */
function setup(answers: Record<string, unknown[]>, lines: string[] = []) {
  const seen: { request: string; body: unknown }[] = []
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(req) {
      const { pathname, search } = new URL(req.url)
      const text = await req.text()
      const request = `${req.method} ${pathname}${search}`
      seen.push({ request, body: text === "" ? undefined : JSON.parse(text) })
      const left = answers[request]
      const answer = left !== undefined && left.length > 1 ? left.shift() : left?.[0]
      if (answer === undefined)
        return Response.json({ error: { code: "not_found", message: "connection not found", details: null } }, { status: 404 })
      return typeof answer === "string" ? new Response(answer) : Response.json(answer)
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
  return { io, said, seen }
}

const pending = {
  id: "c1",
  hostname: "app.customer.com",
  application_id: "a1",
  state: "pending_ownership",
  provider: "cloudflare",
  error_code: null,
  error_detail: null,
  desired_records: [{ host: "app.customer.com", type: "CNAME", value: "ingress.example.org" }],
  ownership_challenge: { name: "_customdomain-challenge.app.customer.com", type: "TXT", value: "cd-verify-1" },
}
const look = (state: string, propagated: boolean) => ({
  state,
  error_detail: null,
  records: [{ ...pending.desired_records[0], propagated, observed_value: null, explanation: propagated ? "it is there" : "nobody has it" }],
})

test("add prints the records to publish, the proof first", async () => {
  const { io, said, seen } = setup({ "POST /v1/connections": [pending] })
  expect(await connections(["add", "app.customer.com", "--application", "a1"], io)).toBe(0)
  expect(seen[0]?.body).toEqual({ application_id: "a1", hostname: "app.customer.com" })
  expect(said.out).toMatch(
    /_customdomain-challenge\.app\.customer\.com +TXT +- +cd-verify-1\napp\.customer\.com +CNAME +- +ingress\.example\.org\n$/,
  )
})

test("check says what each record waits for, and exits with 1 until it is live", async () => {
  const at = "POST /v1/connections/c1/records:check"
  const { io, said } = setup({ [at]: [look("propagating", false), look("live", true)] })
  expect(await connections(["check", "c1"], io)).toBe(1)
  expect(said.out).toBe("propagating\n  --  app.customer.com CNAME: nobody has it\n")
  expect(await connections(["check", "c1"], io)).toBe(0)
})

test("check --wait looks again until it is live", async () => {
  const at = "POST /v1/connections/c1/records:check"
  const { io, said } = setup({ [at]: [look("propagating", false), look("live", true)] })
  expect(await connections(["check", "c1", "--wait"], io)).toBe(0)
  expect(said.out).toBe("propagating\n  --  app.customer.com CNAME: nobody has it\nlive\n  ok  app.customer.com CNAME: it is there\n")
})

test("a hostname is looked up, and the one that is not archived is meant", async () => {
  const list = { data: [{ ...pending, id: "c9", state: "archived" }, pending] }
  const { io, said, seen } = setup({
    "GET /v1/connections?hostname=app.customer.com": [list],
    "GET /v1/connections/c1/timeline?format=text": ["2026-11-29 state created\n"],
  })
  expect(await connections(["timeline", "app.customer.com"], io)).toBe(0)
  expect([said.out, seen.at(-1)?.request]).toEqual(["2026-11-29 state created\n", "GET /v1/connections/c1/timeline?format=text"])
  expect(await connections(["get", "b.customer.com"], io)).toBe(1)
  expect(said.err).toBe("error: connection not found\n")
})

test("a key's secret is printed once, with its scopes", async () => {
  const key = { id: "k1", name: "server", scopes: ["connections:read"], secret: "sk_live_x" }
  const { io, said, seen } = setup({ "POST /v1/applications/a1/keys": [key] })
  expect(await applications(["create-key", "a1", "--name", "server", "--scope", "connections:read,usage:read"], io)).toBe(0)
  expect(seen[0]?.body).toEqual({ name: "server", scopes: ["connections:read", "usage:read"] })
  expect(said.out).toContain("secret: sk_live_x\nThe secret is shown this once.\n")
})

test("a credential comes from standard input and never from the command line", async () => {
  const { io, seen, said } = setup({ "POST /v1/applications/a1/credentials": [{ id: "d1", provider: "desec" }] }, ["s3cret"])
  expect(await applications(["add-credential", "a1", "--provider", "desec", "--token-stdin"], io)).toBe(0)
  expect(seen[0]?.body).toEqual({ provider: "desec", token: "s3cret" })
  expect(await applications(["add-credential", "a1", "s3cret", "--provider", "desec"], io)).toBe(2)
  expect(said.out).not.toContain("s3cret")
})

test("an application may lead to a container", async () => {
  const made = { id: "a1", name: "Acme", environment: "live", origin_url: null, container_id: "aaaaaaaa", allowed_origins: [] }
  const { io, seen } = setup({ "POST /v1/applications": [made] })
  expect(await applications(["create", "--name", "Acme", "--container", "aaaaaaaa", "--port", "8080"], io)).toBe(0)
  expect(seen[0]?.body).toEqual({ name: "Acme", container_id: "aaaaaaaa", target_port: 8080 })
  expect(await applications(["create", "--name", "Acme", "--port", "x"], io)).toBe(2)
})

test("watch prints requests as they end, begins again when the server ends it, and stops when there is nothing to watch", async () => {
  const one = {
    time: "2026-11-30T12:00:00.000Z",
    duration_ms: 1.5,
    host: "app.customer.com",
    method: "GET",
    path: "/a?q=…",
    protocol: "HTTP/2",
  }
  const request = { ...one, status: 502, bytes_out: 2048, client: "192.0.2.7", failure: "It\u001b[2J did not answer." }
  const event = (name: string, data: object) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
  const stream =
    "retry: 2000\n" +
    event("ready", { hostname: "app.customer.com" }) +
    event("requests", { requests: [request], left_out: 3 }) +
    ": \n\n" +
    event("end", {})
  const gone = { "GET /v1/connections/c1/requests": [stream, undefined] }
  const { io, said, seen } = setup({
    "GET /v1/connections?hostname=app.customer.com": [{ data: [{ ...pending, state: "live" }] }],
    ...gone,
  })
  expect(await connections(["watch", "app.customer.com"], io)).toBe(1)
  expect(said.out).toBe(
    "2026-11-30T12:00:00.000Z  502  GET  app.customer.com/a?q=…  1.5 ms  2.0 KiB  192.0.2.7  HTTP/2  It?[2J did not answer.\n... and 3 more\n",
  )
  expect(said.err).toBe("watching app.customer.com, until interrupted\nerror: connection not found\n")
  expect(seen.map((each) => each.request).slice(1)).toEqual(["GET /v1/connections/c1/requests", "GET /v1/connections/c1/requests"])
  const asJson = setup({ "GET /v1/connections/c1/requests": [stream, undefined] })
  expect(await connections(["watch", "c1", "--json"], asJson.io)).toBe(1)
  expect(
    asJson.said.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual([request, { left_out: 3 }])
})
