import { afterEach, expect, test } from "bun:test"
import { createSecureContext } from "node:tls"
import { freePort } from "../../test/lab/ports"
import type { ConfigInForce } from "../config"
import { BufferBudget } from "../edge/buffer-budget"
import { selfSigned, until } from "../edge/edge.fixture"
import { type Route, RouteTable } from "../edge/route-table"
import { TrafficCounters } from "../edge/traffic-counters"
import { silentLog } from "../log"
import { PortListeners } from "./port-listeners"

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function setup(change: object = {}) {
  const port = await freePort()
  const backend = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (req) => new Response(`inside ${req.headers.get("x-forwarded-for")}`),
  })
  const secure = createSecureContext(await selfSigned())
  const current = {
    httpsListen: { host: "127.0.0.1", port: 0 },
    baseDomain: "base.test",
    proxyProtocol: [] as string[],
    trustedProxies: [] as string[],
    accessLog: true,
    logLevel: "info",
    maxConnections: 100,
    holdLimitMs: 10_000,
    ...change,
  }
  const clock = { now: 0 }
  const traffic = new TrafficCounters()
  const routes = new RouteTable()
  const lines: string[] = []
  const ports = new PortListeners({
    config: { current } as unknown as ConfigInForce,
    routes,
    httpsPort: () => 4430,
    budget: () => new BufferBudget(2 ** 24, silentLog),
    certification: { secureContext: () => secure },
    write: async (text) => void lines.push(Buffer.from(text).toString()),
    traffic,
    log: silentLog,
    now: () => clock.now,
  })
  stops.push(() => ports.stop())
  stops.push(() => backend.stop(true))
  const target = { kind: "upstream" as const, upstream: { host: "127.0.0.1", port: backend.port ?? 0 } }
  const rules = (...ports: number[]) =>
    new Map(ports.map((each) => [each, [{ host: "one.compute.base.test", target, plain: "serve" } as Route]]))
  /** A visit over HTTPS, or in clear; undefined where there is no answer. */
  const visit = async (host: string, scheme: "https" | "http" = "https", at = port, headers: Record<string, string> = {}) => {
    const tls = { rejectUnauthorized: false, serverName: host }
    const options = { headers: { host, ...headers }, tls, keepalive: false, redirect: "manual" } as RequestInit
    const res = await fetch(`${scheme}://127.0.0.1:${at}/page?x=1`, options).catch(() => undefined)
    return res && { status: res.status, text: await res.text(), location: res.headers.get("location") }
  }
  return { port, ports, routes, rules, target, visit, traffic, clock, current, lines }
}

test("a port is served while a rule names it, and one that is taken says so until it is free", async () => {
  const { port, ports, rules, visit, clock } = await setup()
  const own = "one.compute.base.test"
  const other = Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => {} } })
  await ports.replace(rules(port))
  expect(ports.problem(port)).toBeUndefined()
  await ports.start()
  expect(ports.problem(port)).toContain(`port ${port}`)
  other.stop(true)
  await ports.replace(rules(port))
  expect(ports.problem(port)).toContain("may hold the port")
  clock.now = 10_000
  await ports.replace(rules(port))
  expect(ports.problem(port)).toBeUndefined()
  expect((await visit(own))?.text).toStartWith("inside")
  await ports.replace(new Map([[port, [{ host: own, target: { kind: "stopped", reason: "it rests" } }]]]))
  expect((await visit(own))?.text).toContain("is stopped")
  await ports.replace(new Map())
  expect(await visit(own)).toBeUndefined()
  await ports.replace(rules(port))
  expect((await visit(own))?.text).toStartWith("inside")
  await ports.drain(100)
  await ports.stop()
  expect(await visit(own)).toBeUndefined()
})

test("the container's own name and mapped hostnames are served there, over HTTPS and in clear, and counted; our own names are not", async () => {
  const { port, ports, routes, rules, target, visit, traffic } = await setup()
  await ports.start()
  await routes.replace([
    { host: "app.test", target },
    { host: "plain.test", target, plain: "serve" },
    { host: "rests.test", target: { kind: "stopped", reason: "" } },
    { host: "net.base.test", target },
    { host: "two.compute.base.test", target },
  ])
  await ports.replace(rules(port))
  const outcomes = async (host: string) => [await visit(host), await visit(host, "http")].map((one) => [one?.status, one?.location])
  expect(await outcomes("one.compute.base.test")).toEqual([
    [200, null],
    [200, null],
  ])
  expect(await outcomes("app.test")).toEqual([
    [200, null],
    [301, "https://app.test:4430/page?x=1"],
  ])
  expect(await outcomes("plain.test")).toEqual([
    [200, null],
    [200, null],
  ])
  expect(await outcomes("rests.test")).toEqual([
    [503, null],
    [301, "https://rests.test:4430/page?x=1"],
  ])
  for (const host of ["net.base.test", "two.compute.base.test", "nobody.test"]) {
    expect(await outcomes(host)).toEqual([
      [404, null],
      [404, null],
    ])
  }
  expect(traffic.current.tally("app.test")).toMatchObject({ requests: 1, status2xx: 1 })
  expect(traffic.current.tally("plain.test")).toMatchObject({ requests: 2, status2xx: 2 })
  expect(traffic.current.tally("rests.test")).toMatchObject({ requests: 1, status5xx: 1 })
  expect(traffic.current.tally("net.base.test")).toBeUndefined()
})

test("a mapping that changes or goes holds at every port at once", async () => {
  const { port, ports, routes, rules, target, visit } = await setup()
  await ports.start()
  await ports.replace(rules(port))
  expect((await visit("app.test"))?.status).toBe(404)
  await routes.replace([{ host: "app.test", target: { kind: "stopped", reason: "", awaitedUntil: Number.POSITIVE_INFINITY } }])
  const visiting = visit("app.test")
  await Bun.sleep(0)
  await routes.replace([{ host: "app.test", target }])
  expect((await visiting)?.status).toBe(200)
  await routes.replace([])
  expect((await visit("app.test"))?.status).toBe(404)
})

test("which proxies are believed and how many connections there may be follows the settings", async () => {
  const { port, ports, rules, visit, current } = await setup()
  const other = await freePort()
  await ports.start()
  await ports.replace(rules(port, other))
  const forwarded = { "x-forwarded-for": "203.0.113.9" }
  const own = "one.compute.base.test"
  expect((await visit(own, "http", port, forwarded))?.text).toBe("inside 127.0.0.1")
  current.trustedProxies = ["127.0.0.0/8"]
  ports.reload()
  expect((await visit(own, "http", port, forwarded))?.text).toBe("inside 203.0.113.9, 127.0.0.1")

  current.maxConnections = 1
  const socket = await Bun.connect({ hostname: "127.0.0.1", port: other, socket: { data: () => {} } })
  socket.write("GET /slow HTTP/1.1\r\nHost: nobody")
  const refused = async () => (await visit(own, "http", port)) === undefined
  let isRefused = false
  await until(() => (void refused().then((one) => (isRefused ||= one)), isRefused), "a refusal at the other port")
  socket.end()
})

test("what begins with neither TLS nor HTTP is answered as such, and one byte is enough to tell", async () => {
  const { port, ports, rules, visit } = await setup({ proxyProtocol: ["127.0.0.0/8"] })
  await ports.start()
  await ports.replace(rules(port))
  // Without its PROXY header a connection from there is nothing.
  expect(await visit("one.compute.base.test", "http")).toBeUndefined()
  const ask = async (...parts: string[]) => {
    let text = ""
    const ended = Promise.withResolvers<void>()
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: { data: (_, chunk) => void (text += chunk.toString()), close: () => ended.resolve(), end: () => ended.resolve() },
    })
    for (const part of parts) {
      socket.write(part)
      socket.flush()
      await Bun.sleep(5)
    }
    await ended.promise
    socket.end()
    return text
  }
  const header = "PROXY TCP4 203.0.113.9 127.0.0.1 4000 8000\r\n"
  const request = "ET / HTTP/1.1\r\nHost: one.compute.base.test\r\nConnection: close\r\n\r\n"
  expect(await ask(header, "G", request)).toContain("inside 203.0.113.9")
  expect(await ask(`${header}G${request}`)).toContain("inside 203.0.113.9")
  expect(await ask(`${header}SSH-2.0-OpenSSH_9.2\r\n\r\n`)).toStartWith("HTTP/1.1 400 ")
})
