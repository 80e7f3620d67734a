import { afterEach, describe, expect, test } from "bun:test"
import { createServer } from "node:http"
import { connect } from "node:net"
import { silentLog } from "../log"
import { AccessLog } from "./access-log"
import { Peer, Stage, until } from "./edge.fixture"
import { Http2Client } from "./http2-client.fixture"
import { PlainListener } from "./plain-listener"
import { ungrouped } from "./route-change"
import { type Removal, type Route, RouteTable, type Upstream } from "./route-table"

const stage = new Stage()
afterEach(() => stage.end())

const to = (host: string, upstream: Upstream): Route => ({ host, target: { kind: "upstream", upstream } })
const somewhere: Upstream = { host: "192.0.2.1", port: 80 }
const table = async (...hosts: string[]) => {
  const routes = new RouteTable()
  await routes.replace(hosts.map((host) => to(host, somewhere)))
  return routes
}

describe("the route table", () => {
  test.each([
    ["x.app.test", "*.app.test"],
    ["exact.app.test", "exact.app.test"],
    ["below.exact.app.test", undefined],
    ["a.b.app.test", undefined],
    ["app.test", undefined],
    ["xapp.test", undefined],
    ["x.app.test.test", undefined],
    ["", undefined],
    ["test", undefined],
    ["*.app.test", "*.app.test"],
  ])("%p is served by %p", async (host, by) => {
    const routes = await table("*.app.test", "exact.app.test", "far.test")
    expect(routes.match(host)?.host).toBe(by)
    expect(routes.certifiedBy(host)).toBe(by ?? host)
    expect(routes.has(host)).toBe(by === host)
  })

  test("two names share a wildcard only where neither has a route of its own", async () => {
    const routes = await table("*.app.test", "exact.app.test")
    expect(routes.shareWildcard("a.app.test", "b.app.test")).toBe(true)
    expect(routes.shareWildcard("a.app.test", "exact.app.test")).toBe(false)
    expect(routes.shareWildcard("exact.app.test", "a.app.test")).toBe(false)
    expect(routes.shareWildcard("a.app.test", "a.other.test")).toBe(false)
    expect(routes.shareWildcard("a.other.test", "b.other.test")).toBe(false)
  })

  test("the end of a wildcard is told of the names that only it served, here and in a copy", async () => {
    const routes = await table("*.app.test", "exact.app.test", "other.test")
    const copy = new RouteTable()
    copy.apply(routes.whole())
    routes.follow(async (change) => copy.apply(structuredClone(change)))
    const told: Removal[] = []
    for (const one of [routes, copy]) one.watchRemovals((removed) => told.push(removed))
    await routes.replace([to("exact.app.test", somewhere), to("other.test", somewhere)])
    for (const removed of told) {
      expect(["x.app.test", "exact.app.test", "other.test", "app.test", ""].filter((name) => removed.has(name))).toEqual(["x.app.test"])
    }
    expect(told).toHaveLength(2)
    expect([...ungrouped(copy.whole().set)].map(({ host }) => host)).toEqual(["exact.app.test", "other.test"])
  })
})

const answer = (text: string) => createServer((req, res) => res.end(`${text} ${req.headers.host}`))

async function wildcardEdge() {
  const [wild, exact] = [await stage.node(answer("wild")), await stage.node(answer("exact"))]
  const fixture = await stage.edgeTo(wild)
  const routes = [to("*.app.test", wild), to("exact.app.test", exact), to("*.other.test", wild)]
  await fixture.routes.replace(routes)
  return { fixture, routes, exact }
}
const unverified = { rejectUnauthorized: false }

describe("requests", () => {
  test("a name below a wildcard is served, an exact one beneath wins, and the access log has the name that was asked for", async () => {
    const { fixture } = await wildcardEdge()
    for (const [name, text] of [
      ["any.app.test", "wild any.app.test"],
      ["exact.app.test", "exact exact.app.test"],
    ] as const) {
      const client = await Http2Client.connect(stage, fixture, { servername: name, ...unverified })
      expect((await client.ask({ ":authority": name })).text).toBe(text)
    }
    await until(() => fixture.access.length === 2)
    expect(fixture.access.map(({ host }) => host)).toEqual(["any.app.test", "exact.app.test"])
  })

  test("a connection may be reused for names of the same wildcard, and for no others", async () => {
    const { fixture, routes, exact } = await wildcardEdge()
    const client = await Http2Client.connect(stage, fixture, { servername: "one.app.test", ...unverified })
    const status = async (name: string) => (await client.ask({ ":authority": name })).status
    expect(await status("two.app.test")).toBe(200)
    for (const name of ["exact.app.test", "x.other.test", "a.b.app.test", "app.test"])
      expect([name, await status(name)]).toEqual([name, 421])
    // What was shared a moment ago is not, once it is somebody's own.
    await fixture.routes.replace([...routes, to("two.app.test", exact)])
    expect(await status("two.app.test")).toBe(421)
    expect(await status("one.app.test")).toBe(200)
    const own = await Http2Client.connect(stage, fixture, { servername: "exact.app.test", ...unverified })
    expect((await own.ask({ ":authority": "one.app.test" })).status).toBe(421)
  })

  test("over HTTP/1 it is the same", async () => {
    const { fixture } = await wildcardEdge()
    for (const [host, status] of [
      ["two.app.test", 200],
      ["exact.app.test", 421],
    ] as const) {
      const { promise, resolve } = Promise.withResolvers<number>()
      const url = `https://127.0.0.1:${fixture.port}/`
      void fetch(url, { headers: { host }, tls: { serverName: "one.app.test", ...unverified } }).then((res) => resolve(res.status))
      expect(await promise).toBe(status)
    }
  })

  test("the end of a wildcard ends the connections of its names, and of no other", async () => {
    const { fixture, routes } = await wildcardEdge()
    const clients = new Map<string, Http2Client>()
    for (const name of ["a.app.test", "exact.app.test", "a.other.test"]) {
      const client = await Http2Client.connect(stage, fixture, { servername: name, ...unverified })
      expect((await client.ask({ ":authority": name })).status).toBe(200)
      clients.set(name, client)
    }
    await fixture.routes.replace(routes.slice(1))
    await until(() => clients.get("a.app.test")!.goAways.length > 0, "the end of the connection")
    for (const name of ["exact.app.test", "a.other.test"]) {
      const client = clients.get(name)!
      expect((await client.ask({ ":authority": name })).status).toBe(200)
      expect(client.goAways).toEqual([])
    }
  })

  test("plain HTTP is redirected to the name that was asked for", async () => {
    const listener = new PlainListener({
      routes: await table("*.app.test"),
      challenge: () => undefined,
      httpsPort: () => 443,
      log: silentLog,
      accessLog: new AccessLog(undefined),
    })
    stage.after(() => listener.stop())
    const { port } = await listener.start({ host: "127.0.0.1", port: 0 })
    const ask = async (host: string) => {
      const peer = new Peer(connect(port, "127.0.0.1")).send(`GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      await peer.gone()
      return peer.text
    }
    expect(await ask("any.app.test")).toContain("\r\nLocation: https://any.app.test/x\r\n")
    expect(await ask("a.b.app.test")).toStartWith("HTTP/1.1 404 ")
    expect(await ask("*.app.test")).toStartWith("HTTP/1.1 400 ")
  })
})
