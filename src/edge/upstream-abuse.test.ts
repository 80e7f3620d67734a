import { afterEach, expect, test } from "bun:test"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Peer, Stage, until } from "./edge.fixture"
import type { Upstream } from "./route-table"
import { get, OK, post, Siege } from "./siege.fixture"

const stage = new Stage()
afterEach(() => stage.end())

const COUNT = 8
const clients = (siege: Siege, count = COUNT) => Promise.all(Array.from({ length: count }, () => siege.fixture.client()))
const gone = (peer: Peer) => until(() => peer.ended || peer.closed)

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "edge-"))
  stage.after(() => rmSync(made, { recursive: true }))
  return made
}

/** A port on which nobody listens. */
async function closedPort(): Promise<Upstream> {
  const upstream = await stage.raw()
  upstream.stop()
  return upstream.upstream
}

test.each([
  ["a port on which nobody listens", closedPort],
  ["a Unix socket that is not there", async () => ({ unix: join(folder(), "none.sock") })],
  ["a Unix socket whose path is too long", async () => ({ unix: join(folder(), "x".repeat(200)) })],
  ["a name that does not resolve", async () => ({ host: "nobody.invalid", port: 80 })],
] as [string, () => Promise<Upstream>][])("%s is a 502 at once for every request, and the clients' connections go on", async (_, place) => {
  const siege = await Siege.start(stage, await place(), { connectMs: 4000 })
  const askers = await clients(siege)
  for (const request of [get(), get("/again"), post("Content-Length: 0\r\n")]) {
    for (const asker of askers) asker.send(request)
    await Promise.all(askers.map((asker) => asker.has("</small>")))
    for (const asker of askers) expect(asker.take()).toStartWith("HTTP/1.1 502 ")
  }
  for (const asker of askers) asker.socket.destroy()
  await siege.lift()
})

test.each([
  ["never answers", ""],
  ["stops within its status line", "HTTP/1.1 20"],
  ["stops within its head", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: b"],
  ["stops after an interim response", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"],
])("an upstream that accepts and then %s is a 504 in time", async (_, bytes) => {
  const upstream = await stage.raw((peer) => peer.socket.once("data", () => peer.send(bytes)))
  const siege = await Siege.start(stage, upstream.upstream, { firstByteMs: 150 })
  const askers = await clients(siege)
  for (const asker of askers) asker.send(get())
  await Promise.all(askers.map((asker) => asker.has("HTTP/1.1 504 ")))
  await Promise.all(upstream.peers.map(gone))
  for (const asker of askers) asker.socket.destroy()
  await siege.lift()
})

const beginnings = {
  "counted, after the head": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
  "counted, within the body": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
  "chunked, after the head": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
  "chunked, within a chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf",
  "chunked, between chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
  "chunked, within the trailers": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\nA: b\r\n",
}
const deaths = { end: (peer: Peer) => peer.socket.end(), reset: (peer: Peer) => peer.socket.resetAndDestroy() }

test.each(Object.keys(beginnings).flatMap((when) => Object.keys(deaths).map((how) => [when, how])))(
  "a response that breaks off (%s, by %s) is a reset to the client, whatever version it speaks",
  async (when, how) => {
    const upstream = await stage.raw((peer) => peer.socket.once("data", () => peer.send(beginnings[when as keyof typeof beginnings])))
    const siege = await Siege.start(stage, upstream.upstream)
    const askers = await clients(siege, 4)
    askers.forEach((asker, i) => asker.send(i % 2 === 0 ? get() : get().replace("1.1", "1.0")))
    await Promise.all(askers.map((asker) => asker.has("HTTP/1.1 200 OK")))
    for (const peer of upstream.peers) deaths[how as keyof typeof deaths](peer)
    await until(() => askers.every((asker) => asker.closed))
    for (const asker of askers) {
      expect(asker.fault).toMatchObject({ code: "ECONNRESET" })
      expect(asker.text).not.toContain("\r\n0\r\n")
    }
    await siege.lift()
  },
)

test("a response to an HTTP/1.0 client that is delimited by close and reset is a reset to it as well", async () => {
  const upstream = await stage.raw((peer) => peer.socket.once("data", () => peer.send("HTTP/1.1 200 OK\r\n\r\nhalf")))
  const siege = await Siege.start(stage, upstream.upstream)
  const client = await siege.fixture.client()
  await client.send(get().replace("1.1", "1.0")).has("half")
  upstream.peers[0]!.socket.resetAndDestroy()
  await until(() => client.closed)
  expect(client.fault).toMatchObject({ code: "ECONNRESET" })
  await siege.lift()
})

test.each([
  ["more than its length", `${OK}surplus`],
  ["a body to a response that has none", `HTTP/1.1 204 No Content\r\n\r\n${OK}`],
  ["a second answer", OK + OK.replace("ok", "no")],
  ["an interim response after its answer", `${OK}HTTP/1.1 103 Early Hints\r\n\r\n`],
  ["more chunks than it ended with", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n2\r\nno\r\n0\r\n\r\n"],
])("an upstream that sends %s never reaches the next request with it", async (_, answer) => {
  const upstream = await stage.raw((peer) => peer.socket.on("data", () => (peer.take(), peer.send(answer))))
  const siege = await Siege.start(stage, upstream.upstream)
  const askers = await clients(siege, 4)
  for (let round = 1; round <= 5; round++) {
    for (const asker of askers) asker.send(get())
    await until(() => askers.every((asker) => asker.text.match(/HTTP\/1\.1 20[04]/g)?.length === round))
  }
  await Bun.sleep(20)
  for (const asker of askers) {
    expect(asker.text.match(/HTTP\/1\.1 20[04]/g)).toHaveLength(5)
    expect(asker.text).not.toMatch(/surplus|no\b/)
    asker.socket.destroy()
  }
  expect(upstream.peers).toHaveLength(20)
  await siege.lift()
})

test("a response to HEAD that has a body all the same never reaches the next request with it", async () => {
  const upstream = await stage.raw((peer) => peer.socket.on("data", () => (peer.take(), peer.send(OK))))
  const siege = await Siege.start(stage, upstream.upstream)
  const client = await siege.fixture.client()
  client.send(get().replace("GET", "HEAD") + get().replace("GET", "HEAD") + get())
  await client.has("\r\n\r\nok")
  expect(client.text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3)
  expect(client.text.match(/ok/g)).toHaveLength(1)
  client.socket.destroy()
  await siege.lift()
})

/** Answers the first request of each connection, and does something else at the second. */
const turning = (atSecond: (peer: Peer, index: number) => void, atFirst: (peer: Peer, index: number) => void = (peer) => peer.send(OK)) =>
  stage.raw((peer, index) => {
    let requests = 0
    peer.socket.on("data", () => {
      if (!peer.text.includes("\r\n\r\n")) return
      peer.take()
      if (++requests === 1) atFirst(peer, index)
      else atSecond(peer, index)
    })
  })

test.each(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])(
  "a %s that meets a close at reuse is repeated once, and never a second time",
  async (method) => {
    const upstream = await turning(
      (peer) => peer.socket.destroy(),
      (peer, index) => (index === 0 ? peer.send(OK) : peer.socket.destroy()),
    )
    const siege = await Siege.start(stage, upstream.upstream)
    const client = await siege.fixture.client()
    await client.send(get()).has("ok")
    client.take()
    client.send(get().replace("GET", method))
    await client.has("HTTP/1.1 502 ")
    await Bun.sleep(30)
    expect(upstream.peers).toHaveLength(2)
    client.socket.destroy()
    await siege.lift()
  },
)

test.each(["POST", "PATCH"])("a %s that meets a close at reuse is never repeated, however many connections wait", async (method) => {
  const upstream = await turning((peer) => peer.socket.resetAndDestroy())
  const siege = await Siege.start(stage, upstream.upstream, { poolIdleMs: 400 })
  const askers = await clients(siege, 4)
  for (const asker of askers) asker.send(get())
  await Promise.all(askers.map((asker) => asker.has("ok")))
  askers[0]!.send(`${method} / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\n\r\nonce`)
  await askers[0]!.has("HTTP/1.1 502 ")
  expect(upstream.peers).toHaveLength(4)
  expect(upstream.peers.filter((peer) => peer.closed)).toHaveLength(1)
  for (const asker of askers) asker.socket.destroy()
  upstream.stop()
  await siege.lift()
})

test("a repeated request goes to a connection of its own, not to another that may be stale as well", async () => {
  const upstream = await turning((peer) => peer.socket.destroy())
  const siege = await Siege.start(stage, upstream.upstream, { poolIdleMs: 400 })
  const askers = await clients(siege, 4)
  for (const asker of askers) asker.send(get())
  await Promise.all(askers.map((asker) => asker.has("ok")))
  askers[0]!.take()
  await askers[0]!.send(get()).has("\r\n\r\nok")
  expect(upstream.peers).toHaveLength(5)
  expect(upstream.peers.filter((peer) => peer.closed)).toHaveLength(1)
  for (const asker of askers) asker.socket.destroy()
  upstream.stop()
  await siege.lift()
})

test("garbage on a reused connection is a 502, and the connection is not used again", async () => {
  const upstream = await turning((peer) => peer.send("\0\0\0 garbage"))
  const siege = await Siege.start(stage, upstream.upstream)
  const client = await siege.fixture.client()
  await client.send(get()).has("ok")
  await client.send(get()).has("HTTP/1.1 502 ")
  client.take()
  await client.send(get()).has("\r\n\r\nok")
  expect(upstream.peers).toHaveLength(2)
  client.socket.destroy()
  await siege.lift()
})

test.each(Object.keys(deaths))("an upload that the upstream breaks off by %s is a 502, and nothing waits", async (how) => {
  const upstream = await stage.raw((peer) => peer.socket.once("data", () => deaths[how as keyof typeof deaths](peer)))
  const siege = await Siege.start(stage, upstream.upstream, { lingerMs: 50 })
  const askers = await clients(siege, 4)
  askers.forEach((asker, i) => {
    asker.send(post(i % 2 === 0 ? "Content-Length: 100000000\r\n" : "Transfer-Encoding: chunked\r\n"))
    const piece = i % 2 === 0 ? "x".repeat(65_536) : `10000\r\n${"x".repeat(65_536)}\r\n`
    const more = () => {
      while (!asker.ended && !asker.closed && asker.socket.write(piece, "latin1"));
    }
    asker.socket.on("drain", more)
    more()
  })
  await Promise.all(askers.map((asker) => asker.gone()))
  for (const asker of askers) {
    expect(asker.text).toStartWith("HTTP/1.1 502 ")
    asker.socket.destroy()
  }
  await siege.lift()
})

test("interim responses without end are a 502, however slowly they come", async () => {
  const upstream = await stage.raw((peer) => {
    peer.socket.once("data", () => {
      const timer = setInterval(() => !peer.socket.destroyed && peer.send("HTTP/1.1 102 Processing\r\n\r\n"), 10)
      peer.socket.once("close", () => clearInterval(timer))
      peer.socket.once("end", () => (clearInterval(timer), peer.socket.end()))
    })
  })
  const siege = await Siege.start(stage, upstream.upstream)
  const client = await siege.fixture.client()
  await client.send(get()).has("HTTP/1.1 502 ")
  expect(client.text.match(/HTTP\/1\.1 102 /g)!.length).toBeLessThan(40)
  client.socket.destroy()
  await siege.lift()
})

test("an answer before the request is whole reaches the client, and both connections end", async () => {
  const upstream = await stage.raw((peer) => peer.socket.once("data", () => peer.send(OK)))
  const siege = await Siege.start(stage, upstream.upstream, { lingerMs: 50 })
  const askers = await clients(siege)
  for (const asker of askers) asker.send(post("Content-Length: 1000000\r\n", "x".repeat(1000)))
  await Promise.all(askers.map((asker) => asker.has("\r\n\r\nok")))
  await Promise.all(askers.map((asker) => asker.gone()))
  for (const asker of askers) asker.socket.destroy()
  await Promise.all(upstream.peers.map(gone))
  await siege.lift()
})

test("an endless answer ends with its client", async () => {
  const upstream = await stage.raw((peer) =>
    peer.socket.once("data", () => {
      peer.send("HTTP/1.1 200 OK\r\n\r\n")
      const more = () => {
        while (!peer.socket.destroyed && peer.socket.write("x".repeat(65_536)));
      }
      peer.socket.on("drain", more)
      more()
    }),
  )
  const siege = await Siege.start(stage, upstream.upstream)
  const askers = await clients(siege)
  for (const asker of askers) asker.send(get())
  await Promise.all(askers.map((asker) => asker.has("xxxx")))
  askers.forEach((asker, i) => (i % 2 === 0 ? asker.socket.destroy() : asker.socket.resetAndDestroy()))
  await until(() => upstream.peers.every((peer) => peer.closed), "the end of the upstream's connections")
  await siege.lift()
})

test("a pooled connection is used no longer than its age allows", async () => {
  const upstream = await stage.answering(OK)
  const siege = await Siege.start(stage, upstream.upstream, { poolAgeMs: 120, poolIdleMs: 5000 })
  const client = await siege.fixture.client()
  const startedAt = performance.now()
  for (let i = 1; performance.now() - startedAt < 400; i++) {
    client.send(get())
    await until(() => client.text.match(/ok/g)?.length === i)
    await Bun.sleep(10)
  }
  expect(upstream.peers.length).toBeGreaterThanOrEqual(3)
  expect(upstream.peers.length).toBeLessThanOrEqual(6)
  client.socket.destroy()
  upstream.stop()
  await siege.fixture.stop()
})

/** A port whose queue of connections is full: what is sent there is dropped by the kernel. */
async function droppingPort(): Promise<number> {
  const source = `
    console.log(Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } }).port)
  `
  const child = Bun.spawn([process.execPath, "-e", source], { stdout: "pipe", stderr: "inherit", env: { ...process.env, BUN_BE_BUN: "1" } })
  stage.after(() => child.kill("SIGKILL"))
  const { value } = await child.stdout.getReader().read()
  const port = Number(Buffer.from(value!).toString())
  child.kill("SIGSTOP")
  // Bun asks for a queue of 512 whatever it is told.
  const sockets = Array.from({ length: 600 }, () => connect(port, "127.0.0.1").on("error", () => {}))
  stage.after(() => sockets.forEach((socket) => socket.destroy()))
  await Bun.sleep(200)
  expect(sockets.filter((socket) => socket.connecting).length).toBeGreaterThan(0)
  return port
}

test("an upstream whose packets are dropped is a 502 after the time for connecting, and others do not wait for it", async () => {
  const siege = await Siege.start(stage, { host: "127.0.0.1", port: await droppingPort() }, { connectMs: 200, firstByteMs: 5000 })
  const askers = await clients(siege)
  const startedAt = performance.now()
  for (const asker of askers) asker.send(get())
  await Promise.all(askers.map((asker) => asker.has("HTTP/1.1 502 ")))
  expect(performance.now() - startedAt).toBeGreaterThan(190)
  expect(performance.now() - startedAt).toBeLessThan(4000)
  for (const asker of askers) asker.socket.destroy()
  await siege.lift()
})

test("connections that were given up while they were being opened stay few", async () => {
  // Bun 1.4.5 has no way to end a `Bun.connect` before it has opened: the kernel keeps trying for two minutes, with the descriptor.
  const siege = await Siege.start(stage, { host: "127.0.0.1", port: await droppingPort() }, { connectMs: 100 })
  const client = await siege.fixture.client()
  const descriptors = () => readdirSync("/proc/self/fd").length
  const before = descriptors()
  for (let i = 0; i < 5; i++) {
    await client.send(get()).has("HTTP/1.1 502 ")
    client.take()
  }
  expect(descriptors() - before).toBeLessThanOrEqual(2)
})

test("connections to upstreams are bounded, and what is beyond the bound is a 502 at once", async () => {
  const upstream = await stage.raw((peer, index) => {
    if (index > 0) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
  })
  const fixture = await stage.edgeTo(upstream.upstream, { upstreamConnections: 1 })
  const first = await fixture.client()
  first.send(get())
  await until(() => upstream.peers.length === 1)
  const second = await fixture.client()
  await second.send(get()).has("HTTP/1.1 502 ")
  upstream.peers[0]!.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
  await first.has("ok")
  expect(upstream.peers).toHaveLength(1)
})
