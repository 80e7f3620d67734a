import { afterEach, expect, test } from "bun:test"
import { X509Certificate } from "node:crypto"
import { createServer } from "node:net"
import { createSecureContext } from "node:tls"
import { AccessLog } from "../edge/access-log"
import { selfSigned } from "../edge/edge.fixture"
import { EdgeListener } from "../edge/listener"
import { RouteTable } from "../edge/route-table"
import { TrustedProxies } from "../edge/trusted-proxies"
import { silentLog } from "../log"
import { shakeHands } from "./handshake"

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function edge(proxies?: string[]) {
  const pair = await selfSigned()
  const context = createSecureContext(pair)
  const routes = new RouteTable()
  routes.replace([{ host: "app.test", target: { kind: "upstream", upstream: { host: "127.0.0.1", port: 1 } }, plain: "serve" }])
  const listener = new EdgeListener({
    routes,
    log: silentLog,
    accessLog: new AccessLog(() => {}),
    proxies: proxies && new TrustedProxies(proxies),
    secureContext: () => context,
  })
  const { port } = await listener.start({ host: "127.0.0.1", port: 0 })
  undo.push(() => listener.stop())
  return { port, fingerprint: new X509Certificate(pair.cert).fingerprint256 }
}

test("a handshake with the edge, also where it asks for a PROXY header first", async () => {
  const open = await edge()
  expect(await shakeHands({ host: "127.0.0.1", port: open.port }, "app.test")).toMatchObject({
    certificate: open.fingerprint,
    subject: "app.test",
  })
  const behind = await edge(["127.0.0.0/8"])
  const at = { host: "127.0.0.1", port: behind.port }
  expect(await shakeHands(at, "app.test")).toMatchObject({ failure: "other" })
  expect(await shakeHands({ ...at, preface: "PROXY UNKNOWN\r\n" }, "app.test")).toMatchObject({ certificate: behind.fingerprint })
})

test("nobody there, and somebody who says nothing, are told apart and within the time", async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as { port: number }
  for (const preface of [undefined, "PROXY UNKNOWN\r\n"]) {
    const at = { host: "127.0.0.1", port, ...(preface === undefined ? {} : { preface }) }
    expect(await shakeHands(at, "app.test", 100)).toEqual({ failure: "timeout", reason: "no answer" })
  }
  server.close()
  for (const preface of [undefined, "PROXY UNKNOWN\r\n"]) {
    const at = { host: "127.0.0.1", port, ...(preface === undefined ? {} : { preface }) }
    expect(await shakeHands(at, "app.test")).toMatchObject({ failure: "refused" })
  }
})
