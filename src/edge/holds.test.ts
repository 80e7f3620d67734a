import { afterEach, describe, expect, test } from "bun:test"
import { createServer as createHttp } from "node:http"
import * as http2 from "node:http2"
import { createServer as createTcp, type Server } from "node:net"
import { mayListen } from "../../test/lab/ports"
import { type EdgeFixture, Stage, until } from "./edge.fixture"
import { FrameClient, Http2Client } from "./http2-client.fixture"
import { websocketAccept } from "./http2-head"
import type { Target, Upstream } from "./route-table"

const stage = new Stage()
afterEach(() => stage.end())

const past = () => Date.now() - 1
const later = () => Number.POSITIVE_INFINITY
/** Longer than any test may take, so that whatever is answered was not held to its end. */
const patient = { holdMs: 3_600_000, holdProbeMs: 10 }
const impatient = { holdMs: 80, holdProbeMs: 10 }

/** A port that the system gives to nobody by itself, so that it stays free while its application is not there. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 18_000)
    if (await mayListen("127.0.0.1", port)) return port
  }
}

/** An application that can be started at a port that is known before: it echoes bodies, and changes protocols where it is asked to. */
async function application(upstream: Upstream): Promise<{ stop: () => Promise<void> }> {
  if ("unix" in upstream) throw new Error("not at a socket")
  const connections = new Set<{ destroy(): void }>()
  let server: Server
  if (upstream.protocol === "h2c") {
    const h2c = http2.createServer()
    h2c.on("stream", (stream: http2.ServerHttp2Stream) => {
      stream.on("error", () => {})
      stream.respond({ ":status": 200 })
      stream.write("ok ")
      stream.pipe(stream)
    })
    server = h2c as unknown as Server
  } else {
    server = createHttp((req, res) => {
      res.write("ok ")
      req.pipe(res)
    })
    server.on("upgrade", (req, socket) => {
      socket.on("error", () => {})
      const accept = websocketAccept(req.headers["sec-websocket-key"] ?? "")
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\nok `,
      )
      socket.pipe(socket)
    })
  }
  server.on("connection", (socket) => connections.add(socket))
  await listen(server, upstream)
  const stop = async () => {
    for (const connection of connections) connection.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  stage.after(stop)
  return { stop }
}

/** The port may not be free at once after its last use. */
async function listen(server: Server, { port, host }: { port: number; host: string }): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once("error", reject)
    server.listen(port, host, resolve)
    try {
      return await promise
    } catch (error) {
      if (attempt === 100) throw error
      await Bun.sleep(10)
    }
  }
}

/** A request that is sent, and what is known of its answer; `leave` is the client's going. */
type Sent = { status: () => number; text: () => string; retryAfter: () => boolean; leave: () => void }
type Send = (fixture: EdgeFixture) => Promise<Sent>

const http1 = (head: string, body = ""): Send => {
  return async (fixture) => {
    const client = await fixture.client()
    client.send(`${head}\r\nHost: app.test\r\nAccept: application/json\r\n\r\n${body}`)
    return {
      status: () => Number(/^HTTP\/1\.1 (\d+)/.exec(client.text)?.[1] ?? 0),
      text: () => client.text,
      retryAfter: () => client.text.includes("\r\nRetry-After: "),
      // Of a client whose body is not read any more, only a reset is seen.
      leave: () => client.socket.resetAndDestroy(),
    }
  }
}

const http2Ask = (fields: http2.OutgoingHttpHeaders, body?: string): Send => {
  return async (fixture) => {
    const client = await Http2Client.connect(stage, fixture)
    const reply = client.open(fields, { endStream: body === undefined })
    if (body !== undefined) reply.stream.end(body)
    return {
      status: () => reply.status,
      text: () => reply.text,
      retryAfter: () => reply.fields["retry-after"] !== undefined,
      leave: () => reply.stream.close(8),
    }
  }
}

const websocketOverHttp2: Send = async (fixture) => {
  const client = await FrameClient.connect(fixture)
  const fields = { ":method": "CONNECT", ":protocol": "websocket", "sec-websocket-version": "13", origin: "https://app.test" }
  client.send(client.head(1, { ...fields, ":path": "/" }, false), client.data(1, "hello"))
  const field = (name: string) => client.log.heads.get(1)?.[0]?.find((one) => one.name === name)?.value
  return {
    status: () => Number(field(":status") ?? 0),
    text: () => Buffer.concat(client.log.ofType(0, 1).map(({ payload }) => payload)).toString(),
    retryAfter: () => field("retry-after") !== undefined,
    leave: () => void client.send(client.reset(1)),
  }
}

const upgrade = "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a2V5"
const chunks = "5\r\nhello\r\n0\r\n\r\n"

/** Name, how it is asked, what the application makes of it, the status of success, and the protocol of the upstream. */
const kinds: [string, Send, text: string, status: number, protocol?: "h2c"][] = [
  ["HTTP/1.1", http1("GET / HTTP/1.1"), "ok ", 200],
  ["HTTP/1.1 with a body", http1("POST / HTTP/1.1\r\nContent-Length: 5", "hello"), "hello", 200],
  ["HTTP/1.1 in chunks", http1("POST / HTTP/1.1\r\nTransfer-Encoding: chunked", chunks), "hello", 200],
  ["an upgrade of HTTP/1.1", http1(upgrade, "hello"), "ok hello", 101],
  ["HTTP/2", http2Ask({}), "ok ", 200],
  ["HTTP/2 with a body", http2Ask({ ":method": "POST" }, "hello"), "ok hello", 200],
  ["a WebSocket over HTTP/2", websocketOverHttp2, "ok hello", 200],
  ["HTTP/1.1 to h2c", http1("GET / HTTP/1.1"), "ok ", 200, "h2c"],
  ["HTTP/1.1 with a body to h2c", http1("POST / HTTP/1.1\r\nContent-Length: 5", "hello"), "hello", 200, "h2c"],
  ["HTTP/2 to h2c", http2Ask({}), "ok ", 200, "h2c"],
  ["HTTP/2 with a body to h2c", http2Ask({ ":method": "POST" }, "hello"), "ok hello", 200, "h2c"],
]

describe.each(kinds)("%s", (_, send, text, status, protocol) => {
  const place = async (): Promise<Upstream> => ({ host: "127.0.0.1", port: await freePort(), ...(protocol ? { protocol } : {}) })
  const lead = (fixture: EdgeFixture, target: Target) => fixture.routes.replace([{ host: "app.test", target }])
  const served = async (sent: Sent) => {
    await until(() => sent.text().includes(text), `"${text}" in ${sent.status()} ${sent.text()}`)
    expect(sent.status()).toBe(status)
  }
  const held = (fixture: EdgeFixture, count = 1) => until(() => fixture.edge.held === count, `${count} held requests`)

  test("waits for a container on its way up, and for its application to listen", async () => {
    const upstream = await place()
    const fixture = await stage.edgeTo({ kind: "stopped", reason: "", awaitedUntil: later() }, patient)
    const sent = await send(fixture)
    await held(fixture)
    await lead(fixture, { kind: "stopped", reason: "another", awaitedUntil: later() })
    await lead(fixture, { kind: "upstream", upstream, awaitedUntil: later() })
    await until(() => fixture.edge.held === 1, "the refused request to be held")
    expect(sent.status()).toBe(0)
    await application(upstream)
    await served(sent)
    await held(fixture, 0)
  })

  test.each([
    ["does not run and is not awaited", () => ({ kind: "stopped", reason: "" }), patient, 503],
    ["was awaited until now", () => ({ kind: "stopped", reason: "", awaitedUntil: past() }), patient, 503],
    ["does not come in time", () => ({ kind: "stopped", reason: "", awaitedUntil: later() }), impatient, 503],
    ["is awaited for a shorter time", () => ({ kind: "stopped", reason: "", awaitedUntil: Date.now() + 80 }), patient, 503],
    ["refuses and never took connections", (upstream) => ({ kind: "upstream", upstream }), patient, 502],
    ["refuses long after its start", (upstream) => ({ kind: "upstream", upstream, awaitedUntil: past() }), patient, 502],
    ["does not listen in time", (upstream) => ({ kind: "upstream", upstream, awaitedUntil: later() }), impatient, 502],
  ] as [string, (upstream: Upstream) => Target, object, number][])(
    "is refused where the application %s",
    async (_, target, limits, code) => {
      const fixture = await stage.edgeTo(target(await place()), limits)
      const sent = await send(fixture)
      await until(() => sent.status() > 0, "an answer")
      expect([sent.status(), sent.retryAfter()]).toEqual([code, code === 503])
      expect(fixture.edge.held).toBe(0)
    },
  )

  test("follows an application that is gone, to the same port and to another", async () => {
    const [upstream, moved] = [await place(), await place()]
    const fixture = await stage.edgeTo({ kind: "upstream", upstream }, patient)
    const app = await application(upstream)
    await served(await send(fixture))
    await app.stop()
    const sent = await send(fixture)
    await held(fixture)
    const again = await application(upstream)
    await served(sent)
    await again.stop()
    const late = await send(fixture)
    await held(fixture)
    await application(moved)
    await lead(fixture, { kind: "upstream", upstream: moved })
    await served(late)
  })

  test.each([
    ["stopped for good", [{ host: "app.test", target: { kind: "stopped", reason: "" } as Target }], 503],
    ["unmapped", [], 404],
  ] as const)("ends when its name is %s", async (_, routes, code) => {
    const fixture = await stage.edgeTo({ kind: "stopped", reason: "", awaitedUntil: later() }, patient)
    const sent = await send(fixture)
    await held(fixture)
    await fixture.routes.replace([...routes])
    await until(() => sent.status() === code || (code === 404 && fixture.access.length > 0), "an answer")
    expect(fixture.edge.held).toBe(0)
    await until(() => fixture.access.length === 1, "an access line")
    expect(fixture.access[0]?.status).toBe(code)
  })

  test.each(["stopped", "refusing"])("is forgotten when its client leaves, with the application %s", async (state) => {
    const upstream = await place()
    const target: Target =
      state === "stopped" ? { kind: "stopped", reason: "", awaitedUntil: later() } : { kind: "upstream", upstream, awaitedUntil: later() }
    const fixture = await stage.edgeTo(target, { ...patient, holdProbeMs: 3_600_000 })
    const sent = await send(fixture)
    await held(fixture)
    sent.leave()
    await held(fixture, 0)
    await until(() => fixture.access.length === 1, "an access line")
    expect(fixture.access[0]?.status).toBe(499)
  })

  test("ends with the listener, and no further one waits", async () => {
    const fixture = await stage.edgeTo({ kind: "stopped", reason: "", awaitedUntil: later() }, patient)
    const sent = await send(fixture)
    await held(fixture)
    const drained = fixture.edge.drain(3_600_000)
    await until(() => sent.status() > 0, "an answer")
    expect(sent.status()).toBe(503)
    sent.leave()
    expect(fixture.edge.held).toBe(0)
    await fixture.edge.stop()
    await drained
  })
})

test("requests wait in a bounded number for each host and in all", async () => {
  const fixture = await stage.edgeTo({ kind: "stopped", reason: "", awaitedUntil: later() }, { ...patient, held: 3, heldPerHost: 2 })
  const target = { kind: "stopped", reason: "", awaitedUntil: later() } as const
  await fixture.routes.replace(["app.test", "other.test"].map((host) => ({ host, target })))
  const ask = async (host: string) => {
    const client = await fixture.client(host)
    const before = fixture.edge.held
    client.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await until(() => fixture.edge.held > before || client.text.includes(" 503 "), "a hold or an answer")
    return fixture.edge.held > before
  }
  expect([await ask("app.test"), await ask("app.test"), await ask("app.test")]).toEqual([true, true, false])
  expect([await ask("other.test"), await ask("other.test")]).toEqual([true, false])
})

test("many who wait for one application go on together when it takes the first connection", async () => {
  const upstream: Upstream = { host: "127.0.0.1", port: await freePort() }
  const fixture = await stage.edgeTo({ kind: "upstream", upstream, awaitedUntil: later() }, { ...patient, holdProbeMs: 300 })
  const clients = await Promise.all(Array.from({ length: 40 }, () => fixture.client()))
  for (const client of clients) client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
  await until(() => fixture.edge.held >= 39, "all to be held")
  await application(upstream)
  // One after the other they would take twelve seconds, of which `has` waits five.
  await Promise.all(clients.map((client) => client.has("ok ")))
  expect(fixture.edge.held).toBe(0)
})

/** Takes a request and breaks the connection without a word, then is gone. */
async function dying(port: number): Promise<{ requests: string[] }> {
  const requests: string[] = []
  const server = createTcp((socket) => {
    socket.on("error", () => {})
    socket.once("data", (bytes) => {
      requests.push(bytes.toString("latin1").split(" ")[0]!)
      server.close()
      socket.resetAndDestroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))
  stage.after(() => server.close())
  return { requests }
}

test.each([
  ["GET", "", true, 200],
  ["DELETE", "", true, 200],
  ["POST", "", true, 502],
  ["PUT", "Content-Length: 5\r\n", true, 502],
  ["GET", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a2V5\r\n", true, 502],
  ["GET", "", false, 502],
] as const)(
  "a %s with %p that its application took to the grave goes again where that is safe and awaited (%p)",
  async (method, fields, mayRestart, status) => {
    const port = await freePort()
    const { requests } = await dying(port)
    const upstream: Upstream = { host: "127.0.0.1", port }
    // Restarted long ago, so that nothing but its death tells that it will be back.
    const fixture = await stage.edgeTo({ kind: "upstream", upstream, ...(mayRestart ? { awaitedUntil: past() } : {}) }, patient)
    const client = await fixture.client()
    client.send(`${method} / HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n${fields.includes("Length") ? "hello" : ""}`)
    await until(() => fixture.edge.held === 1 || client.text.includes(" 502 "), "a hold or an answer")
    await application(upstream)
    await client.has(`HTTP/1.1 ${status} `)
    expect(requests).toEqual([method])
  },
)

test("a request is sent again once, and not to an application that dies of it", async () => {
  const upstream = await stage.raw((peer) => peer.socket.once("data", () => peer.socket.resetAndDestroy()))
  const fixture = await stage.edgeTo({ kind: "upstream", upstream: upstream.upstream, awaitedUntil: later() }, patient)
  const client = await fixture.client()
  client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
  await client.has("HTTP/1.1 502 ")
  expect(upstream.peers).toHaveLength(2)
})

test("of a long body that waits only so much is taken as fits the network's own buffers", async () => {
  const upstream: Upstream = { host: "127.0.0.1", port: await freePort() }
  for (const target of [
    { kind: "stopped", reason: "", awaitedUntil: later() },
    { kind: "upstream", upstream, awaitedUntil: later() },
  ] as Target[]) {
    const fixture = await stage.edgeTo(target, patient)
    const client = await fixture.client()
    const size = 64 << 20
    client.send(`PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: ${size}\r\n\r\n`)
    await until(() => fixture.edge.held === 1, "a hold")
    client.socket.write(Buffer.alloc(size))
    await until(() => client.socket.writableLength > 0)
    expect(fixture.edge.bufferedBytes).toBeLessThan(1 << 20)
    expect(client.socket.writableLength).toBeGreaterThan(0)
    client.socket.resetAndDestroy()
    await until(() => fixture.edge.held === 0, "the hold to end")
  }
})

test("a client that ends its side is taken to have left, unless its body is not read", async () => {
  const fixture = await stage.edgeTo({ kind: "stopped", reason: "", awaitedUntil: later() }, patient)
  for (const request of [
    "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n",
    "PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\n\r\nhello",
  ]) {
    const client = await fixture.client()
    client.send(request)
    await until(() => fixture.edge.held === 1, "a hold")
    client.socket.end()
    await until(() => fixture.edge.held === 0, "the hold to end")
  }
})

test("the kernel looks whether the application that a request waits for is still there", async () => {
  const upstream = await stage.raw()
  const fixture = await stage.edgeTo(upstream.upstream)
  const client = await fixture.client()
  client.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
  await until(() => upstream.peers[0]?.text.includes("GET") === true)
  const { port } = upstream.upstream as { port: number }
  const sockets = Bun.spawnSync(["ss", "--tcp", "--numeric", "--options", "state", "established", `dport = :${port}`]).stdout.toString()
  expect(sockets).toContain("timer:(keepalive,")
})
