import { afterEach, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Peer, Stage, until } from "./edge.fixture"

const stage = new Stage()
afterEach(() => stage.end())

const get = (path = "/", fields = "") => `GET ${path} HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n`
const post = (fields: string, body: string) => `POST / HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n${body}`
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/** A whole response without our request id, once all of it is there. */
const seen = (peer: Peer) => peer.take().replace(/X-Request-ID: [0-9a-f-]{36}\r\n/g, "")

test("requests of one connection reuse one upstream connection", async () => {
  const upstream = await stage.answering(OK)
  const fixture = await stage.edgeTo(upstream.upstream)
  const client = await fixture.client()
  for (let i = 0; i < 3; i++) {
    client.send(get(`/${i}`))
    await client.has("ok")
    expect(seen(client)).toBe(OK)
  }
  expect(upstream.peers).toHaveLength(1)
  await until(() => fixture.access.length === 3)
  expect(fixture.access[2]).toMatchObject({ host: "app.test", method: "GET", path: "/2", status: 200, bytesOut: 2, tls: "TLSv1.3" })
})

test("pipelined requests reach the upstream one at a time and are answered in order", async () => {
  const upstream = await stage.node(createServer((req, res) => void setTimeout(() => res.end(`<${req.url}>`), req.url === "/0" ? 30 : 0)))
  const client = await (await stage.edgeTo(upstream)).client()
  client.send(Array.from({ length: 20 }, (_, i) => get(`/${i}`)).join(""))
  await client.has("</19>")
  expect<unknown>(client.text.match(/<\/\d+>/g)).toEqual(Array.from({ length: 20 }, (_, i) => `</${i}>`))
})

test("a pipelined request never travels with the one before it", async () => {
  // RawUpstream.answering throws when two requests arrive at once.
  const upstream = await stage.answering(OK)
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(get("/a") + get("/b") + get("/c"))
  await until(() => client.text.split("ok").length === 4)
  expect(seen(client)).toBe(OK + OK + OK)
})

test("a chunked request is validated and forwarded with its trailers, its extensions dropped", async () => {
  const upstream = await stage.raw()
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(post("Transfer-Encoding: chunked\r\nTrailer: x-sum\r\n", "5;a=b\r\nhello\r\n"))
  await until(() => upstream.peers[0]?.text.includes("hello") === true)
  client.send("6\r\n world\r\n0\r\nX-Sum: 7\r\nContent-Length: 3\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n")
  await until(() => upstream.peers[0]!.text.includes("X-Sum"))
  const [head, body] = upstream.peers[0]!.text.split(/\r\n\r\n(.*)/s)
  expect(head).toContain("\r\nTransfer-Encoding: chunked")
  expect(body).toBe("5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 7\r\n\r\n")
  upstream.peers[0]!.send(OK)
  await client.has("ok")
})

test("a chunked response is streamed chunk by chunk, with its trailers", async () => {
  const upstream = await stage.raw()
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(get())
  await until(() => upstream.peers[0]?.text.includes("\r\n\r\n") === true)
  const [peer] = upstream.peers
  peer!.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n5\r\nhello\r\n")
  await client.has("5\r\nhello\r\n")
  peer!.send("6;x\r\n world\r\n0\r\nX-Sum: 7\r\n\r\n")
  await client.has("X-Sum: 7\r\n\r\n")
  expect(seen(client)).toBe(
    "HTTP/1.1 200 OK\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 7\r\n\r\n",
  )
  client.send(get())
  await until(() => peer!.text.split("GET / ").length === 3)
})

test.each(["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n"])(
  "a response that ends with its connection is re-framed: %p",
  async (head) => {
    const upstream = await stage.raw((peer) => peer.socket.once("data", () => peer.socket.end(`${head}all of it`)))
    const client = await (await stage.edgeTo(upstream.upstream)).client()
    client.send(get())
    await client.has("0\r\n\r\n")
    expect(seen(client)).toBe("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nall of it\r\n0\r\n\r\n")
    expect(client.ended).toBe(false)
  },
)

test("an HTTP/1.0 client gets no chunks, no interim response, and its connection closed", async () => {
  const upstream = await stage.answering(
    "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n",
  )
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send("GET / HTTP/1.0\r\nHost: app.test\r\n\r\n")
  await client.gone()
  expect(seen(client)).toBe("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok")
})

test("Expect: 100-continue is passed on, and the body waits for the upstream's word", async () => {
  const upstream = await stage.raw()
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(post("Expect: 100-continue\r\nContent-Length: 5\r\n", ""))
  await until(() => upstream.peers[0]?.text.includes("Expect: 100-continue\r\n") === true)
  upstream.peers[0]!.send("HTTP/1.1 100 Continue\r\n\r\n")
  await client.has("HTTP/1.1 100 Continue\r\n\r\n")
  client.send("hello")
  await until(() => upstream.peers[0]!.text.endsWith("hello"))
  upstream.peers[0]!.send(OK)
  await client.has("\r\n\r\nok")
  expect(client.text.match(/^HTTP\/1\.1 \d+/gm)).toEqual(["HTTP/1.1 100", "HTTP/1.1 200"])
})

test.each(["100-Continue", "100-CONTINUE"])("the expectation %p is passed on as everybody writes it", async (value) => {
  // In either case it is the same (RFC 9110 section 10.1.1). Amazon's SDK for Go writes the first; Bun knows only the small letters.
  const upstream = await stage.raw()
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(post(`Expect: ${value}\r\nContent-Length: 5\r\n`, ""))
  await until(() => upstream.peers[0]?.text.includes("\r\n\r\n") === true)
  expect(upstream.peers[0]!.text.match(/^Expect: .*$/gm)).toEqual(["Expect: 100-continue"])
})

test("a refusal instead of 100 closes the connection, since the body may or may not come", async () => {
  const upstream = await stage.answering("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(post("Expect: 100-continue\r\nContent-Length: 5\r\n", ""))
  await client.gone()
  expect(client.text).toStartWith("HTTP/1.1 413 Too Large\r\n")
  expect(client.text).toContain("Connection: close\r\n")
})

test("103 goes before 200", async () => {
  const upstream = await stage.answering(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`)
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(get())
  await client.has("ok")
  expect(seen(client)).toBe(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`)
})

test("responses without a body leave the connection ready for the next request", async () => {
  const upstream = await stage.raw((peer) =>
    peer.socket.on("data", () => {
      const text = peer.take()
      if (text.startsWith("HEAD")) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
      else if (text.startsWith("GET /304")) peer.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 70\r\nETag: a\r\n\r\n")
      else if (text.startsWith("GET /204")) peer.send("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n")
      else peer.send(OK)
    }),
  )
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(get().replace("GET", "HEAD") + get("/304") + get("/204") + get("/end"))
  await client.has("ok")
  expect(seen(client)).toBe(
    "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 70\r\nETag: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n" +
      OK,
  )
  expect(upstream.peers).toHaveLength(1)
})

test("a client that ends its side after a whole request still gets its response", async () => {
  const upstream = await stage.raw()
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.socket.end(get("/1") + get("/2"))
  await until(() => upstream.peers[0]?.text.includes("GET /1") === true)
  await Bun.sleep(30)
  upstream.peers[0]!.send(OK)
  await until(() => upstream.peers[0]!.text.includes("GET /2"))
  upstream.peers[0]!.send(OK)
  await client.gone()
  expect(seen(client)).toBe(OK + OK)
})

test("what the client says of itself is replaced, and hop-by-hop fields stay behind", async () => {
  const upstream = await stage.answering(
    "HTTP/1.1 200 OK\r\nConnection: x-secret, Content-Length\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: a\r\nX-Request-ID: theirs\r\nX-Kept: Yes\r\nContent-Length: 2\r\n\r\nok",
  )
  let got = ""
  const spy = await stage.raw((peer) => peer.socket.once("data", () => ((got = peer.text), peer.send(OK))))
  const fixture = await stage.edgeTo(spy.upstream)
  const client = await fixture.client()
  const claims = [
    "X-Forwarded-For: 6.6.6.6",
    "x_forwarded_for: 6.6.6.6",
    "X-Forwarded_For: 6.6.6.6",
    "X-Forwarded-Proto: http",
    "X-Forwarded-Host: evil",
    "X-Forwarded-Port: 6",
    "X-Forwarded-Server: evil",
    "X-Real-IP: 6.6.6.6",
    "Forwarded: for=6.6.6.6",
    "X-Request-ID: evil",
    "content_length: 6",
    "Proxy-Authorization: evil",
    "Proxy-Connection: evil",
    "Keep-Alive: evil",
    "TE: trailers, deflate",
    "Upgrade: evil",
    "X-Hop: evil",
    "Connection: X-Hop, X-Forwarded-For, Host, X-Request-ID",
    "X-Kept:  Yes ",
  ]
  client.send(`GET /a HTTP/1.1\r\nHost: App.test:443\r\n${claims.join("\r\n")}\r\n\r\n`)
  await client.has("ok")
  const id = /X-Request-ID: ([0-9a-f-]{36})\r\n/.exec(client.text)![1]
  expect(got).toBe(
    "GET /a HTTP/1.1\r\nHost: App.test:443\r\nX-Kept:  Yes \r\nTE: trailers\r\nConnection: TE\r\nX-Forwarded-For: 127.0.0.1\r\n" +
      `X-Forwarded-Proto: https\r\nX-Forwarded-Host: App.test:443\r\nX-Request-ID: ${id}\r\n\r\n`,
  )
  fixture.routes.replace([{ host: "app.test", target: { kind: "upstream", upstream: upstream.upstream } }])
  client.take()
  client.send(get())
  await client.has("ok")
  expect(seen(client)).toBe("HTTP/1.1 200 OK\r\nX-Kept: Yes\r\nContent-Length: 2\r\n\r\nok")
})

test("an upstream is reached over a Unix socket", async () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-"))
  stage.after(() => rmSync(folder, { recursive: true }))
  const upstream = await stage.answering(OK, join(folder, "app.sock"))
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(get())
  await client.has("ok")
})

test("an absolute target is rewritten to its path", async () => {
  const upstream = await stage.raw((peer) => peer.socket.once("data", () => peer.send(OK)))
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send("GET https://app.test/x?y HTTP/1.1\r\nHost: app.test\r\n\r\n")
  await client.has("ok")
  expect(upstream.peers[0]!.text).toStartWith("GET /x?y HTTP/1.1\r\nHost: app.test\r\n")
})

test.each([
  ["GET / HTTP/1.1\r\nHost: other.test\r\n\r\n", 421],
  ["GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", 421],
])("a Host that is not the server name is misdirected: %p", async (request, status) => {
  const upstream = await stage.answering(OK)
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(request)
  await client.has(`HTTP/1.1 ${status} `)
  client.send(get())
  await client.has("ok")
})

test("a stopped name is a 503, its new route serves on the same connection, and one without route is a 404", async () => {
  const upstream = await stage.answering(OK)
  const fixture = await stage.edgeTo({ kind: "stopped", reason: "container stopped" })
  const client = await fixture.client()
  client.send(get("/", "Accept: application/json\r\n"))
  await client.has("HTTP/1.1 503 ")
  await client.has("Retry-After: ")
  expect(client.text).not.toContain("container stopped")
  expect(JSON.parse(client.take().split("\r\n\r\n")[1]!)).toMatchObject({ status: 503 })
  fixture.routes.replace([{ host: "app.test", target: { kind: "upstream", upstream: upstream.upstream } }])
  client.take()
  client.send(get())
  await client.has("ok")
  fixture.routes.replace([])
  await client.gone()
  const late = await fixture.client()
  late.send(get("/secret?token=1"))
  await late.has("HTTP/1.1 404 ")
  await late.has("</small>")
  await until(() => fixture.access.length === 3)
  expect(fixture.access.map((line) => [line.status, line.path])).toEqual([
    [503, "/"],
    [200, "/"],
    [404, "/secret"],
  ])
})
