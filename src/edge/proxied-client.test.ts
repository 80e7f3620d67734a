import { afterEach, describe, expect, test } from "bun:test"
import { connect as connectTcp, type Socket } from "node:net"
import { connect as connectTls, createSecureContext } from "node:tls"
import { silentLog } from "../log"
import { AccessLog } from "./access-log"
import { Peer, RawUpstream, selfSigned, until } from "./edge.fixture"
import { EdgeListener } from "./listener"
import { PlainListener } from "./plain-listener"
import { RouteTable } from "./route-table"
import { TrustedProxies } from "./trusted-proxies"

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
const V1 = "PROXY TCP4 203.0.113.7 192.0.2.1 40000 443\r\n"
/** PROXY, TCP over IPv6, 2001:db8::9 to 2001:db8::1. */
const V2 = Buffer.from(
  `0d0a0d0a000d0a515549540a2121002420010db8000000000000000000000009${"20010db8000000000000000000000001"}9c4001bb`,
  "hex",
)

type Networks = { proxies?: string[]; trusted?: string[] }

async function listeners({ proxies, trusted }: Networks) {
  const heads: string[] = []
  const upstream = await RawUpstream.start((peer) =>
    peer.socket.on("data", () => {
      if (!peer.text.endsWith("\r\n\r\n")) return
      heads.push(peer.take())
      peer.send(OK)
    }),
  )
  const pair = await selfSigned()
  const context = createSecureContext(pair)
  const lines: string[] = []
  const accessLog = new AccessLog((bytes) => void lines.push(Buffer.from(bytes).toString()), { flushMs: 5 })
  const routes = new RouteTable()
  routes.replace([{ host: "app.test", target: { kind: "upstream", upstream: upstream.upstream }, plain: "serve" }])
  const shared = {
    routes,
    log: silentLog,
    accessLog,
    limits: { sweepMs: 20, handshakeMs: 300 },
    proxies: proxies && new TrustedProxies(proxies),
    trusted: () => trusted && new TrustedProxies(trusted),
  }
  const edge = new EdgeListener({ ...shared, secureContext: () => context })
  const plain = new PlainListener({ ...shared, challenge: () => undefined, httpsPort: () => 443 })
  const at = { host: "127.0.0.1", port: 0 }
  const ports = { https: (await edge.start(at)).port, http: (await plain.start(at)).port }
  stops.push(
    () => upstream.stop(),
    () => accessLog.stop(),
    () => plain.stop(),
    () => edge.stop(),
  )
  const seen = () => heads.join("")
  return { heads, ports, cert: pair.cert, seen, clients: () => [...lines.join("").matchAll(/"client":"([^"]*)"/g)].map((m) => m[1]) }
}

type Listeners = Awaited<ReturnType<typeof listeners>>

const get = (fields = "") => `GET / HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n`

/** What the upstream is told of the client of a request behind these first bytes. */
async function told(house: Listeners, first: string | Buffer, secure: boolean, fields = "", inOne = false): Promise<string | undefined> {
  const socket = connectTcp(secure ? house.ports.https : house.ports.http, "127.0.0.1")
  stops.push(() => socket.destroy())
  if (!secure) {
    socket.write(Buffer.concat([Buffer.from(first), Buffer.from(get(fields))]))
    await new Peer(socket).has("ok")
  } else {
    if (inOne) socket.cork()
    if (first.length > 0) socket.write(first)
    const peer = new Peer(connectTls({ socket, servername: "app.test", ca: house.cert, ALPNProtocols: ["http/1.1"] }) as unknown as Socket)
    if (inOne) setTimeout(() => socket.uncork(), 10)
    peer.send(get(fields))
    await peer.has("ok")
  }
  return forwarded(house)
}

const forwarded = (house: Listeners) => /X-Forwarded-For: (.*)\r\n/.exec(house.heads.splice(0).join(""))?.[1]

describe.each([
  ["HTTPS", true],
  ["plain HTTP", false],
])("PROXY headers on %s", (_, secure) => {
  test("version 1 names the client", async () => {
    const house = await listeners({ proxies: ["127.0.0.0/8"] })
    expect(await told(house, V1, secure)).toBe("203.0.113.7")
    await until(() => house.clients().length === 1)
    expect(house.clients()).toEqual(["203.0.113.7"])
  })

  test("version 2 names the client, in one piece with what follows or not", async () => {
    const house = await listeners({ proxies: ["127.0.0.0/8"] })
    expect(await told(house, V2, secure)).toBe("2001:db8::9")
    expect(await told(house, V2, secure, "", true)).toBe("2001:db8::9")
  })

  test("a header without addresses leaves the peer's own", async () => {
    const house = await listeners({ proxies: ["127.0.0.0/8"] })
    expect(await told(house, "PROXY UNKNOWN\r\n", secure)).toBe("127.0.0.1")
  })

  test.each([
    ["no header", "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"],
    ["a malformed one", "PROXY TCP4 203.0.113.7\r\n"],
    ["an endless one", `PROXY ${"x".repeat(200)}`],
  ])("a balancer that sends %s is cut off without an answer", async (__, bytes) => {
    const house = await listeners({ proxies: ["127.0.0.0/8"] })
    const peer = new Peer(connectTcp(secure ? house.ports.https : house.ports.http, "127.0.0.1")).send(bytes)
    await until(() => peer.closed)
    expect(peer.text).toBe("")
    expect(house.seen()).toBe("")
  })

  test("a header that never ends is cut off in time", async () => {
    const house = await listeners({ proxies: ["127.0.0.0/8"] })
    const peer = new Peer(connectTcp(secure ? house.ports.https : house.ports.http, "127.0.0.1")).send("PROXY TCP4 ")
    await until(() => peer.closed)
    expect(peer.text).toBe("")
  })

  test("whoever is no balancer is served without a header, and may not send one", async () => {
    const house = await listeners({ proxies: ["10.0.0.0/8"] })
    expect(await told(house, "", secure)).toBe("127.0.0.1")
    const peer = new Peer(connectTcp(secure ? house.ports.https : house.ports.http, "127.0.0.1")).send(V1 + get())
    await peer.gone()
    expect(peer.text).not.toContain("200 OK")
    expect(house.seen()).toBe("")
  })
})

test("a session behind a PROXY header is resumed", async () => {
  const house = await listeners({ proxies: ["127.0.0.0/8"] })
  let session: Buffer | undefined
  const visit = async () => {
    const socket = connectTcp(house.ports.https, "127.0.0.1")
    socket.write(V1)
    const secure = connectTls({ socket, servername: "app.test", ca: house.cert, session })
    secure.on("session", (ticket) => (session = ticket))
    const peer = new Peer(secure as unknown as Socket).send(get())
    await peer.has("ok")
    await until(() => session !== undefined)
    const reused = secure.isSessionReused()
    secure.destroy()
    return reused
  }
  expect(await visit()).toBe(false)
  expect(await visit()).toBe(true)
})

describe("X-Forwarded-For", () => {
  test("of a trusted proxy names the client, and the chain goes on", async () => {
    const house = await listeners({ trusted: ["127.0.0.0/8", "10.0.0.0/8"] })
    expect(await told(house, "", true, "X-Forwarded-For: 1.1.1.1, 203.0.113.7, 10.1.1.1\r\n")).toBe("203.0.113.7, 10.1.1.1, 127.0.0.1")
    await until(() => house.clients().length === 1)
    expect(house.clients()).toEqual(["203.0.113.7"])
  })

  test("of anybody else is replaced", async () => {
    const house = await listeners({ trusted: ["10.0.0.0/8"] })
    expect(await told(house, "", true, "X-Forwarded-For: 203.0.113.7\r\n")).toBe("127.0.0.1")
    const none = await listeners({})
    expect(await told(none, "", true, "X-Forwarded-For: 203.0.113.7\r\n")).toBe("127.0.0.1")
  })

  test("and the scheme of a trusted proxy is believed", async () => {
    const house = await listeners({ trusted: ["127.0.0.0/8"] })
    const peer = new Peer(connectTcp(house.ports.http, "127.0.0.1")).send(get("X-Forwarded-Proto: https\r\n"))
    await peer.has("ok")
    expect(house.seen()).toContain("X-Forwarded-Proto: https\r\n")
  })
})

test("a balancer's header names a proxy, whose word on the client counts if it is trusted", async () => {
  const house = await listeners({ proxies: ["127.0.0.0/8"], trusted: ["203.0.113.0/24"] })
  expect(await told(house, V1, true, "X-Forwarded-For: 198.51.100.4\r\n")).toBe("198.51.100.4, 203.0.113.7")
})
