import { afterEach, expect, test } from "bun:test"
import { join } from "node:path"
import { connect as connectTls, createSecureContext } from "node:tls"
import { silentLog } from "../log"
import { AccessLog } from "./access-log"
import { type Peer, selfSigned, Stage, until } from "./edge.fixture"
import { EdgeListener } from "./listener"
import { RouteTable } from "./route-table"
import { get, OK, post, Siege } from "./siege.fixture"

const stage = new Stage()
afterEach(() => stage.end())

/** Sends a text byte by byte until it is through or the connection has ended. */
function trickle(peer: Peer, text: string, everyMs: number): void {
  let at = 0
  const timer = setInterval(() => {
    if (peer.ended || peer.closed || at === text.length) return clearInterval(timer)
    peer.send(text[at++]!)
  }, everyMs)
  stage.after(() => clearInterval(timer))
}

const CLIENT_HELLO = Buffer.from("16030100ff010000fb0303", "hex").toString("latin1") + "\0".repeat(300)

test("handshakes that trickle in are cut off in time, many at once", async () => {
  const upstream = await stage.answering(OK)
  const siege = await Siege.start(stage, upstream.upstream, { handshakeMs: 200 })
  const slow = Array.from({ length: 40 }, () => siege.fixture.silent())
  for (const peer of slow) trickle(peer, CLIENT_HELLO, 20)
  await until(() => slow.every((peer) => peer.ended || peer.closed))
  await siege.lift()
})

test("a handshake whose certificate comes too late, or whose client has left meanwhile, ends without harm", async () => {
  const pair = await selfSigned()
  const context = createSecureContext(pair)
  const pending: (() => void)[] = []
  const faults: unknown[] = []
  const note = (fault: unknown) => void faults.push(fault)
  process.on("unhandledRejection", note)
  process.on("uncaughtException", note)
  stage.after(() => process.off("unhandledRejection", note).off("uncaughtException", note))
  const edge = new EdgeListener({
    routes: new RouteTable(),
    accessLog: new AccessLog(undefined),
    log: silentLog,
    limits: { sweepMs: 10, handshakeMs: 80 },
    secureContext: (name) =>
      new Promise((resolve, reject) => pending.push(() => (name === "refused.test" ? reject(new Error("refused")) : resolve(context)))),
  })
  stage.after(() => edge.stop())
  const { port } = await edge.start({ host: "127.0.0.1", port: 0 })
  const sockets = ["app.test", "refused.test", "app.test", "refused.test"].map((servername) =>
    connectTls({ host: "127.0.0.1", port, servername, rejectUnauthorized: false }).on("error", () => {}),
  )
  await until(() => pending.length === 4)
  sockets[2]!.destroy()
  sockets[3]!.destroy()
  await until(() => sockets.every((socket) => socket.destroyed))
  await Bun.sleep(100)
  for (const answer of pending) answer()
  await Bun.sleep(30)
  Bun.gc(true)
  expect(edge.connections).toBe(0)
  expect(faults).toEqual([])
})

test.each([
  ["its request line", "", get("/a-long-path-that-takes-its-time-to-arrive-at-this-rate")],
  ["a field's name", "GET / HTTP/1.1\r\nHost: app.test\r\n", "x".repeat(500)],
  ["a field's value", "GET / HTTP/1.1\r\nHost: app.test\r\nCookie: ", "x".repeat(500)],
  ["field after field", "GET / HTTP/1.1\r\n", "A: b\r\n".repeat(100)],
])("%s that trickles in is a 408 in time, from many clients at once", async (_, atOnce, slowly) => {
  const upstream = await stage.answering(OK)
  const siege = await Siege.start(stage, upstream.upstream, { headMs: 200, lingerMs: 50 })
  const clients = await Promise.all(Array.from({ length: 20 }, () => siege.fixture.client()))
  const startedAt = performance.now()
  for (const client of clients) trickle(client.send(atOnce), slowly, 10)
  await Promise.all(clients.map((client) => client.gone()))
  expect(performance.now() - startedAt).toBeLessThan(8000)
  for (const client of clients) expect(client.text).toStartWith("HTTP/1.1 408 ")
  expect(upstream.peers).toHaveLength(0)
  await siege.lift()
})

test("a second request that trickles in has the time of a head, not that of an idle connection", async () => {
  const upstream = await stage.answering(OK)
  const siege = await Siege.start(stage, upstream.upstream, { headMs: 150, idleMs: 60_000, lingerMs: 50 })
  const client = await siege.fixture.client()
  await client.send(`${get()}GET / HT`).has("ok")
  trickle(client, "TP/1.1\r\nHost: app.test\r\nA: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n\r\n", 20)
  await client.has("HTTP/1.1 408 ")
  await client.gone()
  await siege.lift()
})

test("an empty line that is sent again and again does not hold a connection", async () => {
  const upstream = await stage.answering(OK)
  const siege = await Siege.start(stage, upstream.upstream, { headMs: 150, lingerMs: 50 })
  const client = await siege.fixture.client()
  trickle(client, "\r\n".repeat(1000), 10)
  await client.gone()
  await siege.lift()
})

test.each([
  ["counted", "Content-Length: 1000\r\n", "x".repeat(20)],
  ["chunked", "Transfer-Encoding: chunked\r\n", "14\r\nxxxxxxxxxxxxxxxxxxxx"],
  ["chunked, within a size,", "Transfer-Encoding: chunked\r\n", "0000"],
])("a %s body that trickles goes on while it moves, and is a 408 when it stops", async (_, fields, part) => {
  const upstream = await stage.raw()
  const siege = await Siege.start(stage, upstream.upstream, { bodyIdleMs: 150, headMs: 100, idleMs: 100, lingerMs: 50 })
  const clients = await Promise.all(Array.from({ length: 10 }, () => siege.fixture.client()))
  for (const client of clients) trickle(client.send(post(fields)), part, 20)
  await until(() => siege.upstreams >= 10)
  await Promise.all(clients.map((client) => client.gone()))
  for (const client of clients) expect(client.text).toStartWith("HTTP/1.1 408 ")
  await until(() => upstream.peers.every((peer) => peer.ended || peer.closed))
  await siege.lift()
})

test("an upload that the upstream does not read is the upstream's slowness: a 504", async () => {
  const upstream = await stage.raw((peer) => peer.socket.pause())
  const siege = await Siege.start(stage, upstream.upstream, { bodyIdleMs: 150, lingerMs: 50 })
  const client = await siege.fixture.client()
  client.send(post(`Content-Length: ${1024 ** 3}\r\n`))
  const piece = Buffer.alloc(256 * 1024)
  const pump = () => {
    while (!client.ended && client.socket.write(piece));
  }
  client.socket.on("drain", pump)
  pump()
  await client.gone()
  expect(client.text).toStartWith("HTTP/1.1 504 ")
  client.socket.destroy()
  await siege.lift()
})

const answers = {
  counted: (size: number) => `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${"x".repeat(size)}`,
  chunked: (size: number) =>
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n${"x".repeat(size)}\r\n0\r\n\r\n`,
  "delimited by close": (size: number) => `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(size)}`,
}

test.each(Object.entries(answers))("clients that never read a large answer (%s) are cut off in time", async (kind, answer) => {
  const text = answer(12 * 1024 * 1024)
  const upstream = await stage.raw((peer) =>
    peer.socket.once("data", () => (kind.includes("close") ? peer.socket.end(text) : peer.send(text))),
  )
  const siege = await Siege.start(stage, upstream.upstream, { responseIdleMs: 250, lingerMs: 50 })
  const clients = await Promise.all(Array.from({ length: 8 }, () => siege.deafClient()))
  for (const client of clients) client.send(get())
  await until(() => siege.fixture.edge.connections === 9)
  let held = 0
  await until(() => {
    held = Math.max(held, siege.fixture.edge.bufferedBytes)
    return siege.fixture.edge.connections === 1
  }, "the end of the clients that do not read")
  expect(held).toBeLessThan(8 * 2 * 1024 * 1024)
  for (const client of clients) client.socket.destroy()
  await siege.lift()
})

test("a client that reads a byte now and then is cut off in time as well", async () => {
  const upstream = await stage.raw((peer) => peer.socket.once("data", () => peer.send(answers.counted(32 * 1024 * 1024))))
  const siege = await Siege.start(stage, upstream.upstream, { responseIdleMs: 250, lingerMs: 50 })
  const client = await siege.deafClient()
  client.send(get())
  client.socket.on("data", () => client.socket.pause())
  const timer = setInterval(() => client.socket.resume(), 100)
  stage.after(() => clearInterval(timer))
  await until(() => siege.fixture.edge.connections === 1, "the end of the slow reader")
  client.socket.destroy()
  await siege.lift()
})

/** Asks until the edge holds the last bytes of a whole answer for this client, which takes nothing; how many answers there are. */
async function askUntilBehind(client: Peer, siege: Siege): Promise<number> {
  for (let asked = 1; ; asked++) {
    client.send(get("/before"))
    await until(() => siege.fixture.access.filter((line) => line.path === "/before").length === asked, "an answer")
    if (siege.fixture.edge.bufferedBytes > 0) return asked
  }
}

const SOME = 400_000

test("a slow but honest reader gets its last answer whole, however short a connection lingers after its end", async () => {
  const upstream = await stage.answering(answers.counted(SOME))
  const siege = await Siege.start(stage, upstream.upstream, { lingerMs: 50 })
  const client = await siege.deafClient()
  const count = await askUntilBehind(client, siege)
  const drained = siege.fixture.edge.drain(4000)
  await Bun.sleep(400)
  let got = 0
  client.socket.on("data", (chunk: Buffer) => (got += chunk.length))
  client.socket.resume()
  await until(() => client.ended || client.closed)
  expect(got).toBeGreaterThan(count * SOME)
  client.socket.destroy()
  await drained
})

test("a client that ends its side while it is slow to read still gets everything it asked for", async () => {
  const upstream = await stage.answering(answers.counted(SOME))
  const siege = await Siege.start(stage, upstream.upstream)
  const client = await siege.deafClient()
  const count = await askUntilBehind(client, siege)
  client.send(get("/last"))
  await until(() => siege.fixture.edge.bufferedBytes > 0)
  client.socket.end()
  await Bun.sleep(50)
  let got = 0
  client.socket.on("data", (chunk: Buffer) => (got += chunk.length))
  client.socket.resume()
  await client.gone()
  expect(got).toBeGreaterThan((count + 1) * SOME)
  await siege.lift()
})

test("a client that vanishes without a word is forgotten in time, whatever it was doing", async () => {
  const upstream = await stage.raw((peer) =>
    peer.socket.on("data", () => {
      if (peer.take().includes("GET /answer")) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
    }),
  )
  const limits = { idleMs: 150, headMs: 150, bodyIdleMs: 150, firstByteMs: 150, responseIdleMs: 150, lingerMs: 50, handshakeMs: 150 }
  const siege = await Siege.start(stage, upstream.upstream, limits)
  const doing = [
    "",
    "GET / HT",
    get("/silence"),
    get("/answer"),
    post("Content-Length: 9\r\n", "half"),
    post("Transfer-Encoding: chunked\r\n", "5\r\nh"),
  ]
  const clients = await Promise.all(doing.map(() => siege.deafClient()))
  await until(() => siege.fixture.edge.connections === 1 + doing.length)
  clients.forEach((client, i) => client.send(doing[i]!))
  siege.fixture.silent()
  await until(() => siege.fixture.edge.connections === 1, "the end of those who vanished")
  for (const client of clients) client.socket.destroy()
  await siege.lift()
})

test("a client that ends its side and then stays is not kept", async () => {
  const upstream = await stage.raw((peer) => peer.socket.on("data", () => peer.take().includes("GET /answer") && peer.send(OK)))
  const siege = await Siege.start(stage, upstream.upstream, { firstByteMs: 150, lingerMs: 50, bodyIdleMs: 150 })
  const doing = ["", "GET / HT", get("/silence"), get("/answer"), post("Content-Length: 9\r\n", "half")]
  const clients = await Promise.all(doing.map(() => siege.fixture.client()))
  await until(() => siege.fixture.edge.connections === 1 + doing.length)
  clients.forEach((client, i) => client.socket.end(doing[i]!, "latin1"))
  await until(() => siege.fixture.edge.connections === 1, "the end of the half-open")
  await Promise.all(clients.map((client) => client.gone()))
  expect(clients[2]!.text).toStartWith("HTTP/1.1 504 ")
  expect(clients[3]!.text).toContain("ok")
  for (const client of clients) client.socket.destroy()
  await siege.lift()
})

test("draining ends within its limit, however many slow ones hang on", async () => {
  const upstream = await stage.raw((peer) =>
    peer.socket.on("data", () => {
      if (peer.take().includes("GET /large")) peer.send(answers.counted(12 * 1024 * 1024))
    }),
  )
  const siege = await Siege.start(stage, upstream.upstream)
  const doing = ["", "GET / HT", get("/silence"), get("/large"), post("Content-Length: 9\r\n", "half"), get() + get() + get()]
  const clients = await Promise.all(doing.map(() => siege.deafClient()))
  clients.forEach((client, i) => client.send(doing[i]!))
  siege.fixture.silent().send("\x16\x03\x01\x02\x00\x01")
  await until(() => upstream.peers.length === 4)
  const startedAt = performance.now()
  await siege.fixture.edge.drain(300)
  const took = performance.now() - startedAt
  expect(took).toBeGreaterThan(250)
  expect(took).toBeLessThan(8000)
  expect(siege.fixture.edge.connections).toBe(0)
  expect(siege.upstreams).toBe(0)
  for (const client of clients) client.socket.destroy()
})

test.each(["stop()", "drain(50)"])("after %s nothing keeps the process alive: no timer, no socket", async (end) => {
  const source = `
    import { Stage, until } from ${JSON.stringify(join(import.meta.dir, "edge.fixture.ts"))}
    const stage = new Stage()
    const upstream = await stage.raw((peer) => peer.socket.on("data", () =>
      peer.take().includes("GET /answer") && peer.send("HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")))
    const fixture = await stage.edgeTo(upstream.upstream)
    const get = (path) => "GET " + path + " HTTP/1.1\\r\\nHost: app.test\\r\\n\\r\\n"
    const [pooled, waiting, partial, uploading] = await Promise.all([0, 1, 2, 3].map(() => fixture.client()))
    fixture.silent()
    await pooled.send(get("/answer")).has("ok")
    waiting.send(get("/silence"))
    partial.send("GET / HT")
    uploading.send("POST / HTTP/1.1\\r\\nHost: app.test\\r\\nContent-Length: 9\\r\\n\\r\\nhalf")
    await until(() => upstream.peers.length >= 2)
    await fixture.edge.${end}
    await fixture.log.stop()
    upstream.stop()
    for (const peer of [pooled, waiting, partial, uploading]) peer.socket.destroy()
    console.log("ended")
  `
  const child = Bun.spawn([process.execPath, "-e", source], { stdout: "pipe", stderr: "inherit" })
  stage.after(() => child.kill("SIGKILL"))
  const { value } = await child.stdout.getReader().read()
  expect(Buffer.from(value!).toString()).toBe("ended\n")
  // The shortest of the timers that could be forgotten, that of the pool, goes off after a second.
  const startedAt = performance.now()
  expect(await child.exited).toBe(0)
  expect(performance.now() - startedAt).toBeLessThan(700)
})

test.each(["client", "upstream"])("a tunnel whose %s never reads holds little, and ends in time", async (deaf) => {
  const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
  const piece = "x".repeat(64 * 1024)
  const flood = (peer: Peer) => {
    const more = () => {
      while (!peer.ended && !peer.closed && !peer.socket.destroyed && peer.socket.write(piece));
    }
    peer.socket.on("drain", more)
    more()
  }
  const upstream = await stage.raw((peer) =>
    peer.socket.once("data", () => {
      peer.send(switching)
      if (deaf === "client") return flood(peer)
      peer.socket.removeAllListeners("data")
      peer.socket.pause()
    }),
  )
  const siege = await Siege.start(stage, upstream.upstream, { tunnelIdleMs: 200, lingerMs: 50, responseIdleMs: 200 })
  const client = deaf === "client" ? await siege.deafClient() : await siege.fixture.client()
  await until(() => siege.fixture.edge.connections === 2)
  client.send(get("/", "Connection: Upgrade\r\nUpgrade: x\r\n"))
  if (deaf === "upstream") await client.has("101").then(() => flood(client))
  let held = 0
  await until(() => {
    held = Math.max(held, siege.fixture.edge.bufferedBytes)
    return siege.fixture.edge.connections === 1
  }, "the end of the tunnel")
  expect(held).toBeLessThan(2 * 1024 * 1024)
  client.socket.destroy()
  for (const peer of upstream.peers) peer.socket.destroy()
  await siege.lift()
})
