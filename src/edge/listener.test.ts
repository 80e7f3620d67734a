import { afterEach, expect, test } from "bun:test"
import { connect as connectTcp } from "node:net"
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from "node:tls"
import { EdgeFixture, Peer, RawUpstream, selfSigned, until } from "./edge.fixture"
import type { EdgeLimits } from "./limits"

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
const get = (path = "/", fields = "") => `GET ${path} HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n`

async function edge(limits: Partial<EdgeLimits> = {}, challenges?: Map<string, SecureContext>) {
  const upstream = await RawUpstream.answering(OK)
  stops.push(() => upstream.stop())
  const fixture = await EdgeFixture.start(upstream.upstream, limits, challenges)
  stops.push(() => fixture.stop())
  return { fixture, upstream }
}

test.each(["127.0.0.1", "localhost", "a..test", "-a.test", "a b.test", `${"a".repeat(64)}.test`, `${"a.".repeat(126)}test`])(
  "the server name %p is refused without asking for a certificate",
  async (name) => {
    const { fixture } = await edge()
    expect(fixture.client(name)).rejects.toThrow()
    await until(() => fixture.edge.connections === 0)
    expect(fixture.asked).toEqual([])
  },
)

test("a handshake without a server name is refused without asking for a certificate", async () => {
  const { fixture } = await edge()
  const peer = new Peer(connectTls({ host: "127.0.0.1", port: fixture.port, rejectUnauthorized: false }))
  await until(() => peer.closed)
  expect(fixture.asked).toEqual([])
})

test("a name that may have no certificate is refused, others are still served", async () => {
  const { fixture } = await edge()
  await expect(fixture.client("refused.test")).rejects.toThrow()
  await until(() => fixture.asked.length === 1)
  const client = await fixture.client()
  client.send(get())
  await client.has("ok")
  expect(fixture.asked).toEqual(["refused.test", "app.test"])
})

test("the server name is asked for in its canonical form", async () => {
  const { fixture } = await edge()
  const client = await fixture.client("APP.Test")
  client.send(get())
  await client.has("ok")
  expect(fixture.asked).toEqual(["app.test"])
})

test.each(["TLSv1.2", "TLSv1.3"] as const)("%s is spoken, and its sessions are resumed", async (version) => {
  const { fixture } = await edge()
  const options = {
    host: "127.0.0.1",
    port: fixture.port,
    servername: "app.test",
    ca: fixture.certificate,
    minVersion: version,
    maxVersion: version,
  }
  const first = connectTls(options)
  stops.push(() => first.destroy())
  let session: Buffer | undefined
  first.on("session", (bytes) => (session = bytes))
  const peer = new Peer(first).send(get())
  await peer.has("ok")
  expect(first.getProtocol()).toBe(version)
  session ??= first.getSession()
  await until(() => session !== undefined)
  const second = connectTls({ ...options, session })
  stops.push(() => second.destroy())
  await new Peer(second).send(get()).has("ok")
  expect(second.isSessionReused()).toBe(true)
})

test("TLS 1.1 is refused", async () => {
  const { fixture } = await edge()
  const run = Bun.spawn(
    ["openssl", "s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-servername", "app.test", "-connect", `127.0.0.1:${fixture.port}`],
    {
      stdin: null,
      stdout: "ignore",
      stderr: "ignore",
    },
  )
  expect(await run.exited).not.toBe(0)
  await until(() => fixture.edge.connections === 0)
})

test("h2 goes before http/1.1, and an offer without either is refused", async () => {
  const { fixture } = await edge()
  for (const [offer, chosen] of [
    [["http/1.1", "h2"], "h2"],
    [["h3", "http/1.1"], "http/1.1"],
  ] as const) {
    const client = await fixture.client("app.test", [...offer])
    expect((client.socket as TLSSocket).alpnProtocol).toBe(chosen)
    client.socket.destroy()
  }
  await expect(fixture.client("app.test", ["h3"])).rejects.toThrow()
  await expect(fixture.client("app.test", ["acme-tls/1"])).rejects.toThrow()
  await until(() => fixture.edge.connections === 0)
})

test("while a challenge is pending, acme-tls/1 gets its certificate and then the end, and nothing else is spoken", async () => {
  const pair = await selfSigned()
  const challenges = new Map([["app.test", createSecureContext(pair)]])
  const { fixture } = await edge({}, challenges)
  const socket = connectTls({ host: "127.0.0.1", port: fixture.port, servername: "app.test", ca: pair.cert, ALPNProtocols: ["acme-tls/1"] })
  const peer = new Peer(socket)
  let protocol: string | false | null = null
  socket.on("secureConnect", () => (protocol = socket.alpnProtocol))
  await peer.gone()
  expect<unknown>(protocol).toBe("acme-tls/1")
  const visitor = new Peer(
    connectTls({ host: "127.0.0.1", port: fixture.port, servername: "app.test", ca: pair.cert, ALPNProtocols: ["http/1.1"] }),
  )
  visitor.send(get())
  await visitor.gone()
  expect(visitor.text).toBe("")
  expect(fixture.asked).toEqual([])
  challenges.clear()
  await (await fixture.client()).send(get()).has("ok")
})

test("a handshake that is never begun, or never ended, is closed in time", async () => {
  const { fixture } = await edge({ handshakeMs: 100 })
  const silent = fixture.silent()
  const partial = fixture.silent().send("\x16\x03\x01\x02\x00\x01")
  await until(() => silent.closed || silent.ended)
  await until(() => partial.closed || partial.ended)
})

test("bytes that are no TLS are refused and everything else is still served", async () => {
  const { fixture } = await edge()
  const garbage = fixture.silent().send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
  await garbage.gone()
  await (await fixture.client()).send(get()).has("ok")
})

test("connections beyond the bound are refused, and served again when there is room", async () => {
  const { fixture } = await edge({ connections: 2 })
  const one = await fixture.client()
  const two = await fixture.client()
  await expect(fixture.client()).rejects.toThrow()
  await one.send(get()).has("ok")
  two.socket.destroy()
  await until(() => fixture.edge.connections === 1)
  await (await fixture.client()).send(get()).has("ok")
})

test("a head that trickles in is a 408, however often a byte comes", async () => {
  const { fixture, upstream } = await edge({ headMs: 150 })
  const client = await fixture.client()
  let timer: Timer | undefined
  client.send("GET / HTTP/1.1\r\nHost: app.test\r\n")
  timer = setInterval(() => client.socket.writable && client.send("a"), 20)
  await client.gone()
  clearInterval(timer)
  expect(client.text).toStartWith("HTTP/1.1 408 ")
  expect(upstream.peers).toHaveLength(0)
})

test("a body that stops coming is a 408", async () => {
  const upstream = await RawUpstream.start()
  stops.push(() => upstream.stop())
  const fixture = await EdgeFixture.start(upstream.upstream, { bodyIdleMs: 80 })
  stops.push(() => fixture.stop())
  const client = await fixture.client()
  client.send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10\r\n\r\nhalf")
  await client.gone()
  expect(client.text).toStartWith("HTTP/1.1 408 ")
})

test("an idle connection is ended in time, before its first request and after it", async () => {
  const { fixture } = await edge({ headMs: 100, idleMs: 100, lingerMs: 50 })
  const never = await fixture.client()
  const once = await fixture.client()
  await once.send(get()).has("ok")
  await never.gone()
  await once.gone()
  await until(() => fixture.edge.connections === 0)
})

test("a client that pipelines and never reads is held back", async () => {
  const body = "x".repeat(60_000)
  const upstream = await RawUpstream.answering(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  stops.push(() => upstream.stop())
  const fixture = await EdgeFixture.start(upstream.upstream)
  stops.push(() => fixture.stop())
  const client = await fixture.client()
  client.socket.removeAllListeners("data")
  client.socket.pause()
  client.send(get().repeat(2000))
  let held = -1
  for (let same = 0; same < 10; await Bun.sleep(10)) {
    const now = fixture.edge.bufferedBytes
    same = now === held && now > 0 ? same + 1 : 0
    held = now
  }
  expect(held).toBeLessThan(1024 * 1024)
})

test("draining lets a request end, closes the idle, and takes nobody new", async () => {
  const upstream = await RawUpstream.start()
  stops.push(() => upstream.stop())
  const fixture = await EdgeFixture.start(upstream.upstream)
  stops.push(() => fixture.stop())
  const idle = await fixture.client()
  const busy = await fixture.client()
  busy.send(get())
  await until(() => upstream.peers[0]?.text.includes("GET") === true)
  const drained = fixture.edge.drain(5000)
  await idle.gone()
  await expect(fixture.client()).rejects.toThrow()
  upstream.peers[0]!.send(OK)
  await busy.has("ok")
  expect(busy.text).toContain("Connection: close\r\n")
  busy.socket.end()
  idle.socket.end()
  await drained
})

test("draining lets a handshake under way and the first request of a new connection through", async () => {
  const upstream = await RawUpstream.answering(OK)
  stops.push(() => upstream.stop())
  const fixture = await EdgeFixture.start(upstream.upstream)
  stops.push(() => fixture.stop())
  const fresh = await fixture.client()
  const socket = connectTcp(fixture.port, "127.0.0.1")
  await new Promise((resolve) => socket.once("connect", resolve))
  // The listener hears of it a moment later.
  await Bun.sleep(50)
  const drained = fixture.edge.drain(5000)
  await fresh.send(get()).has("ok")
  expect(fresh.text).toContain("Connection: close\r\n")
  const late = new Peer(connectTls({ socket, servername: "app.test", ca: fixture.certificate }))
  await late.send(get()).has("ok")
  await drained
})

test("draining does not wait long for those who say nothing", async () => {
  const { fixture } = await edge()
  const [silent, idle] = [fixture.silent(), await fixture.client()]
  const began = performance.now()
  await fixture.edge.drain(20_000)
  expect(performance.now() - began).toBeLessThan(4000)
  await silent.gone()
  await idle.gone()
})

test("draining ends what does not end by itself", async () => {
  const upstream = await RawUpstream.start()
  stops.push(() => upstream.stop())
  const fixture = await EdgeFixture.start(upstream.upstream)
  const busy = await fixture.client()
  busy.send(get())
  await until(() => upstream.peers[0]?.text.includes("GET") === true)
  await fixture.edge.drain(50)
  await busy.gone()
  await until(() => upstream.peers[0]!.closed || upstream.peers[0]!.ended)
  await fixture.log.stop()
})

test("a name that is removed ends its connections and its tunnels, and touches no others", async () => {
  let later: Peer | undefined
  const upstream = await RawUpstream.start((peer) =>
    peer.socket.on("data", () => {
      const text = peer.take()
      if (text.includes("GET /later")) later = peer
      else if (text.includes("Upgrade:")) peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n")
      else if (text.includes("GET /now")) peer.send(OK)
    }),
  )
  stops.push(() => upstream.stop())
  const fixture = await EdgeFixture.start(upstream.upstream)
  stops.push(() => fixture.stop())
  const target = { kind: "upstream", upstream: upstream.upstream } as const
  const other = { host: "other.test", target }
  fixture.routes.replace([{ host: "app.test", target }, other])
  const [idle, busy, tunnel, stays] = [
    await fixture.client(),
    await fixture.client(),
    await fixture.client(),
    await fixture.client("other.test"),
  ]
  await idle.send(get("/now")).has("ok")
  await tunnel.send(get("/", "Connection: Upgrade\r\nUpgrade: chat\r\n")).has("101")
  await stays.send(get("/now").replace("app.test", "other.test")).has("ok")
  busy.send(get("/later"))
  await until(() => later !== undefined)
  fixture.routes.replace([other])
  await idle.gone()
  await tunnel.gone()
  later!.send(OK)
  await busy.has("Connection: close\r\n")
  await busy.gone()
  stays.take()
  await stays.send(get("/now").replace("app.test", "other.test")).has("ok")
})
