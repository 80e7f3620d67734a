import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect } from "node:net"
import { silentLog } from "../log"
import { AccessLog } from "./access-log"
import { Peer, until } from "./edge.fixture"
import { PlainListener } from "./plain-listener"
import { RouteTable } from "./route-table"

const routes = new RouteTable()
let httpsPort = 443
const listener = new PlainListener({
  routes,
  challenge: (token) => (token === "tok-en_1" ? "tok-en_1.thumb" : undefined),
  httpsPort: () => httpsPort,
  log: silentLog,
  accessLog: new AccessLog(undefined),
  limits: { headMs: 150, lingerMs: 100, sweepMs: 20, connections: 50 },
})
let port = 0

beforeAll(async () => {
  routes.replace([
    { host: "app.test", target: { kind: "upstream", upstream: { host: "127.0.0.1", port: 1 } } },
    { host: "off.test", target: { kind: "stopped", reason: "" } },
  ])
  port = (await listener.start({ host: "127.0.0.1", port: 0 })).port
})
afterAll(() => listener.stop())

async function ask(text: string): Promise<string> {
  const peer = new Peer(connect(port, "127.0.0.1")).send(text)
  await peer.gone()
  peer.socket.destroy()
  return peer.text
}

test.each([
  ["app.test", 443, "/a?b=c", "https://app.test/a?b=c"],
  ["App.Test:80", 443, "/", "https://app.test/"],
  ["off.test", 8443, "//evil.test/x", "https://off.test:8443//evil.test/x"],
])("%s is redirected (HTTPS at %d, %s) to %4$s", async (host, to, target, location) => {
  httpsPort = to
  const answer = await ask(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  expect(answer).toStartWith("HTTP/1.1 301 Moved Permanently\r\n")
  expect(answer).toContain(`\r\nLocation: ${location}\r\n`)
  expect(answer).toContain("\r\nCache-Control: no-store\r\n")
})

test("a pending challenge is answered for any host, another token is not", async () => {
  const answer = await ask("GET /.well-known/acme-challenge/tok-en_1 HTTP/1.1\r\nHost: new.test\r\n\r\n")
  expect(answer).toStartWith("HTTP/1.1 200 OK\r\n")
  expect(answer).toEndWith("\r\n\r\ntok-en_1.thumb")
  expect(await ask("GET /.well-known/acme-challenge/other HTTP/1.1\r\nHost: new.test\r\n\r\n")).toStartWith("HTTP/1.1 404 ")
  expect(await ask("GET /.well-known/acme-challenge/../x HTTP/1.1\r\nHost: new.test\r\n\r\n")).toStartWith("HTTP/1.1 404 ")
})

test.each([
  ["GET / HTTP/1.1\r\nHost: unknown.test\r\n\r\n", 404],
  ["GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404],
  ["GET / HTTP/1.1\r\n\r\n", 400],
  ["GET / HTTP/1.1\nHost: app.test\n\n", 400],
  ["GET / HTTP/1.1\r\nHost: app.test\r\nA : b\r\n\r\n", 400],
  ["\x16\x03\x01\x02\x00", 400],
  ["CONNECT app.test:443 HTTP/1.1\r\nHost: app.test\r\n\r\n", 405],
  [`GET /${"a".repeat(20_000)} HTTP/1.1\r\nHost: app.test\r\n\r\n`, 414],
  [`GET / HTTP/1.1\r\nHost: app.test\r\nA: ${"a".repeat(40_000)}\r\n\r\n`, 431],
  ["GET / HTTP/1.1\r\nHost: app.te", 408],
])("%p is a %d", async (text, status) => {
  expect(await ask(text)).toStartWith(`HTTP/1.1 ${status} `)
})

test("connections beyond the bound are refused", async () => {
  const peers = Array.from({ length: 60 }, () => new Peer(connect(port, "127.0.0.1")))
  await until(() => peers.some((peer) => peer.closed || peer.ended))
  await until(() => peers.every((peer) => peer.closed || peer.ended))
  expect(await ask("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")).toStartWith("HTTP/1.1 301 ")
})

test("an empty Host is a 400, not a name", async () => {
  expect(await ask("GET / HTTP/1.1\r\nHost:\r\n\r\n")).toStartWith("HTTP/1.1 400 Bad Request\r\n")
})
