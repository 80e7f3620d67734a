import { afterEach, expect, test } from "bun:test"
import { X509Certificate } from "node:crypto"
import { createServer } from "node:net"
import { createSecureContext, createServer as createTlsServer } from "node:tls"
import { AccessLog } from "../edge/access-log"
import { selfSigned } from "../edge/edge.fixture"
import { EdgeListener } from "../edge/listener"
import { RouteTable } from "../edge/route-table"
import { TrustedProxies } from "../edge/trusted-proxies"
import { silentLog } from "../log"
import { checkAnswer } from "./answer"
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

test("the first page is asked for where the edge wants a PROXY header first, too", async () => {
  const behind = await edge(["127.0.0.0/8"])
  const at = { host: "127.0.0.1", port: behind.port }
  // Nobody listens behind that edge, and it says so itself.
  expect(await checkAnswer("app.test", { ...at, preface: "PROXY UNKNOWN\r\n" })).toMatchObject({
    status: "bad",
    verdict: "The edge answers with 502: it reaches no application.",
  })
  expect(await checkAnswer("app.test", at, 1000)).toMatchObject({ status: "unknown" })
})

test("an answer is what follows informational ones, and what never becomes one is left within bounds", async () => {
  const { key, cert } = await selfSigned()
  const answered = async (text: string) => {
    const server = createTlsServer({ key, cert }, (socket) => {
      socket.on("error", () => {})
      socket.write(text)
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    undo.push(() => server.close())
    const { port } = server.address() as { port: number }
    return checkAnswer("app.test", { host: "127.0.0.1", port }, 500)
  }
  expect(await answered("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")).toMatchObject({
    status: "ok",
    verdict: "https://app.test/ answers with 204.",
  })
  expect((await answered("HTTP/1.1 100 Continue\r\n\r\n")).verdict).toContain("no answer within 0.5 s")
  expect((await answered("x".repeat(100_000))).verdict).toContain("no HTTP/1.1")
})
