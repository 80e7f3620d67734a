import { afterEach, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Stage, until } from "./edge.fixture"
import { Http2Client } from "./http2-client.fixture"

const stage = new Stage()
afterEach(() => stage.end())

const NO_ERROR = 0

test("many streams of one connection are answered, each with its own", async () => {
  const upstream = await stage.node(
    createServer((req, res) => void setTimeout(() => res.end(`<${req.url}>`), Number(req.url!.slice(1)) % 7)),
  )
  const fixture = await stage.edgeTo(upstream)
  const client = await Http2Client.connect(stage, fixture)
  for (let round = 0; round < 3; round++) {
    const replies = await Promise.all(Array.from({ length: 100 }, (_, i) => client.ask({ ":path": `/${i}` })))
    expect(replies.map((reply) => reply.text)).toEqual(Array.from({ length: 100 }, (_, i) => `</${i}>`))
  }
  expect(fixture.edge.connections).toBe(1)
  await until(() => fixture.access.length === 300)
  expect(fixture.access[0]).toMatchObject({ host: "app.test", protocol: "HTTP/2", status: 200, tls: "TLSv1.3" })
})

test("a head reaches the upstream as HTTP/1.1 has it, and without what the client claims of itself", async () => {
  const upstream = await stage.answering(
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Kept: 1\r\n\r\nok",
  )
  const heads: string[] = []
  upstream.peers.push = ((peer: (typeof upstream.peers)[number]) => {
    peer.socket.prependListener("data", (chunk: Buffer) => heads.push(chunk.toString("latin1")))
    return Array.prototype.push.call(upstream.peers, peer)
  }) as typeof upstream.peers.push
  const client = await Http2Client.connect(stage, await stage.edgeTo(upstream.upstream))
  const reply = await client.ask({
    ":path": "/a?b=c",
    cookie: ["a=1", "b=2", "c=3"],
    te: "trailers",
    "x-forwarded-for": "1.2.3.4",
    "x-forwarded-host": "evil.test",
    x_forwarded_for: "1.2.3.4",
    forwarded: "for=1.2.3.4",
    "x-request-id": "mine",
    "x-own": "kept",
  })
  const lines = heads.join("").split("\r\n")
  expect(lines[0]).toBe("GET /a?b=c HTTP/1.1")
  expect(lines).toContain("Host: app.test")
  expect(lines).toContain("cookie: a=1; b=2; c=3")
  expect(lines).toContain("x-own: kept")
  expect(lines.filter((line) => /^(x.forwarded.for|forwarded|x-request-id)/i.test(line))).toEqual([
    "X-Forwarded-For: 127.0.0.1",
    expect.stringMatching(/^X-Request-ID: [0-9a-f-]{36}$/),
  ])
  expect(lines).toContain("X-Forwarded-Proto: https")
  expect(lines).toContain("X-Forwarded-Host: app.test")
  expect(lines).toContain("TE: trailers")
  expect(
    Object.keys(reply.fields)
      .filter((name) => !name.startsWith(":"))
      .sort(),
  ).toEqual(["content-length", "x-kept", "x-request-id"])
})

test("bodies and trailers go both ways", async () => {
  const upstream = await stage.node(
    createServer((req, res) => {
      const chunks: Buffer[] = []
      req.on("data", (chunk: Buffer) => chunks.push(chunk))
      req.on("end", () => {
        res.writeHead(200, { trailer: "x-sum", "x-framing": req.headers["transfer-encoding"] ?? req.headers["content-length"] ?? "" })
        res.write(Buffer.concat(chunks))
        res.addTrailers({ "x-sum": Object.entries(req.trailers).join(), "set-cookie": "late=1" })
        res.end()
      })
    }),
  )
  const client = await Http2Client.connect(stage, await stage.edgeTo(upstream))
  const reply = client.open({ ":method": "POST", trailer: "x-up" }, { endStream: false, waitForTrailers: true } as object)
  reply.stream.on("wantTrailers", () => reply.stream.sendTrailers({ "x-up": "7", "x-forwarded-for": "1.2.3.4" }))
  reply.stream.write("hello ")
  reply.stream.end("world")
  await reply.done()
  expect([reply.status, reply.text, reply.trailers["x-sum"]]).toEqual([200, "hello world", "x-up,7"])
  const measured = await client.ask({ ":method": "PUT", "content-length": "3" }, "abc")
  expect([measured.fields["x-framing"], measured.text, measured.trailers["x-sum"]]).toEqual(["3", "abc", ""])
  expect(measured.trailers["set-cookie"]).toBeUndefined()
})

test("interim responses pass, and the client's 100-continue is the upstream's", async () => {
  const upstream = await stage.raw()
  const client = await Http2Client.connect(stage, await stage.edgeTo(upstream.upstream))
  const reply = client.open({ ":method": "POST", expect: "100-continue" }, { endStream: false })
  await until(() => upstream.peers[0]?.text.includes("expect: 100-continue\r\n") === true)
  const continued = new Promise<void>((resolve) => reply.stream.once("continue", () => resolve()))
  upstream.peers[0]!.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
  await Promise.race([continued, until(() => reply.interim.length === 2)])
  reply.stream.end("body")
  await until(() => upstream.peers[0]!.text.includes("4\r\nbody\r\n0\r\n\r\n"))
  upstream.peers[0]!.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
  await reply.done()
  expect(reply.interim[0]).toMatchObject({ ":status": 103, link: "</a.css>" })
  expect([reply.status, reply.text]).toEqual([200, "ok"])
})

test.each([
  ["HEAD", "200 OK\r\nContent-Length: 1000", { ":status": 200, "content-length": "1000" }],
  ["GET", "204 No Content", { ":status": 204 }],
  ["GET", "304 Not Modified\r\nETag: a\r\nContent-Length: 10", { ":status": 304, etag: "a", "content-length": "10" }],
  ["GET", "200 OK\r\nContent-Length: 0", { ":status": 200, "content-length": "0" }],
])("a response without body to %s: %p", async (method, head, expected) => {
  const upstream = await stage.answering(`HTTP/1.1 ${head}\r\n\r\n`)
  const client = await Http2Client.connect(stage, await stage.edgeTo(upstream.upstream))
  for (let i = 0; i < 2; i++) {
    const reply = await client.ask({ ":method": method })
    expect(reply.fields).toMatchObject(expected)
    expect(reply.bytes).toBe(0)
    expect(reply.ended).toBe(true)
  }
  expect(upstream.peers).toHaveLength(1)
})

test("a response that ends with its connection is whole; one that breaks off is a reset stream", async () => {
  const upstream = await stage.raw((peer, index) =>
    peer.socket.once("data", () => {
      if (index === 0) return peer.socket.end("HTTP/1.1 200 OK\r\n\r\nall of it")
      peer.socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
      setTimeout(() => peer.socket.destroy(), 20)
    }),
  )
  const fixture = await stage.edgeTo(upstream.upstream)
  const client = await Http2Client.connect(stage, fixture)
  expect((await client.ask()).text).toBe("all of it")
  const broken = client.open()
  await until(() => broken.closed)
  expect([broken.status, broken.text, broken.code]).toEqual([200, "some", 2])
})

test("large heads pass within the limit, and are 431 above it; a target above its own is 414", async () => {
  const upstream = await stage.node(
    createServer({ maxHeaderSize: 64 * 1024 }, (req, res) => res.end(String(String(req.headers["x-large"]).length))),
  )
  const client = await Http2Client.connect(stage, await stage.edgeTo(upstream))
  expect((await client.ask({ "x-large": "a".repeat(28_000) })).text).toBe("28000")
  const refused = await client.ask({ "x-large": "a".repeat(40_000) })
  expect([refused.status, refused.fields["content-type"]]).toEqual([431, "text/html; charset=utf-8"])
  const many = await client.ask(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`x-${i}`, "a"])))
  expect(many.status).toBe(431)
  expect((await client.ask({ ":path": `/${"a".repeat(17_000)}` })).status).toBe(414)
  expect((await client.ask()).status).toBe(200)
})

test.each([
  ["another authority than the connection's", { ":authority": "other.test" }, 421],
  ["the same with another case and port", { ":authority": "APP.test:8443" }, 200],
  ["an authority with userinfo", { ":authority": "me@app.test" }, 0],
  ["TRACE", { ":method": "TRACE" }, 405],
])("%s", async (_, fields, status) => {
  const upstream = await stage.answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
  const client = await Http2Client.connect(stage, await stage.edgeTo(upstream.upstream))
  const reply = await client.ask(fields)
  expect(reply.status).toBe(status)
})

test("names that are not mapped, stopped, and applications that refuse have the same pages as in HTTP/1", async () => {
  const closed = await stage.raw()
  closed.stop()
  const fixture = await stage.edgeTo(closed.upstream)
  const client = await Http2Client.connect(stage, fixture)
  const refused = await client.ask({ accept: "application/json" })
  expect([refused.status, JSON.parse(refused.text).request_id]).toEqual([502, refused.fields["x-request-id"]])
  fixture.routes.replace([{ host: "app.test", target: { kind: "stopped", reason: "stopped" } }])
  const stopped = await client.ask()
  expect([stopped.status, stopped.fields["retry-after"], stopped.fields["content-type"]]).toEqual([503, "30", "text/html; charset=utf-8"])
  fixture.routes.replace([])
  const unmapped = await client.ask({ ":method": "HEAD" })
  expect([unmapped.status, unmapped.bytes]).toEqual([404, 0])
  await until(() => fixture.access.length === 3)
  expect(fixture.access.map((line) => line.status)).toEqual([502, 503, 404])
  expect(fixture.access[0]!.requestId).toBe(String(refused.fields["x-request-id"]))
})

test("an upstream that takes too long is a 504 for that stream alone, one that answers garbage a 502", async () => {
  const upstream = await stage.raw((peer) =>
    peer.socket.on("data", () => {
      if (peer.text.includes("/slow ")) return
      const { text } = peer
      peer.take()
      peer.send(text.includes("/garbage ") ? "SSH-2.0-x\r\n" : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    }),
  )
  const client = await Http2Client.connect(stage, await stage.edgeTo(upstream.upstream, { firstByteMs: 300, bodyIdleMs: 300 }))
  const slow = client.ask({ ":path": "/slow" })
  const upload = client.open({ ":path": "/slow", ":method": "POST" }, { endStream: false })
  expect((await client.ask({ ":path": "/garbage" })).status).toBe(502)
  expect((await client.ask()).text).toBe("ok")
  expect((await slow).status).toBe(504)
  expect((await upload.done()).status).toBe(408)
  expect((await client.ask()).text).toBe("ok")
})

test("an answer before the end of the upload arrives whole, and then the upload is stopped without a fault", async () => {
  const answer = "x".repeat(300_000)
  const upstream = await stage.raw((peer) =>
    peer.socket.once("data", () => peer.send(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`)),
  )
  const client = await Http2Client.connect(stage, await stage.edgeTo(upstream.upstream))
  const reply = client.open({ ":method": "POST" }, { endStream: false })
  reply.stream.write("some of it")
  await until(() => reply.closed)
  expect([reply.status, reply.bytes, reply.code]).toEqual([403, answer.length, NO_ERROR])
})

test("a client that resets its stream gives up the upstream connection, and is logged as 499", async () => {
  const upstream = await stage.raw()
  const fixture = await stage.edgeTo(upstream.upstream)
  const client = await Http2Client.connect(stage, fixture)
  const reply = client.open()
  await until(() => upstream.peers[0]?.text.includes("\r\n\r\n") === true)
  reply.stream.close(8)
  await upstream.peers[0]!.gone()
  await until(() => fixture.access.length === 1)
  expect(fixture.access[0]).toMatchObject({ status: 499, protocol: "HTTP/2", path: "/" })
  expect(client.closed).toBe(false)
})

test("a drain announces the end, and lets streams under way finish", async () => {
  const upstream = await stage.raw()
  const fixture = await stage.edgeTo(upstream.upstream)
  const client = await Http2Client.connect(stage, fixture)
  const reply = client.open()
  await until(() => upstream.peers[0]?.text.includes("\r\n\r\n") === true)
  const drained = fixture.edge.drain(5000)
  await until(() => client.goAways.length > 0)
  upstream.peers[0]!.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
  await reply.done()
  expect([reply.text, client.goAways[0]]).toEqual(["ok", NO_ERROR])
  await drained
  await until(() => client.closed)
})

test("an idle connection ends with GOAWAY, one with a stream under way does not", async () => {
  const upstream = await stage.raw()
  const fixture = await stage.edgeTo(upstream.upstream, { idleMs: 100, headMs: 100, lingerMs: 100 })
  const busy = await Http2Client.connect(stage, fixture)
  const reply = busy.open()
  await until(() => upstream.peers[0]?.text.includes("\r\n\r\n") === true)
  const idle = await Http2Client.connect(stage, fixture)
  await until(() => idle.closed)
  expect(busy.closed).toBe(false)
  upstream.peers[0]!.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
  expect((await reply.done()).text).toBe("ok")
  await until(() => busy.closed)
  expect(idle.goAways).toEqual([NO_ERROR])
  await until(() => fixture.edge.connections === 0)
})

test("a route change touches no stream under way, and holds for the next", async () => {
  const upstream = await stage.raw()
  const other = await stage.answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother")
  const fixture = await stage.edgeTo(upstream.upstream)
  const client = await Http2Client.connect(stage, fixture)
  const reply = client.open()
  await until(() => upstream.peers[0]?.text.includes("\r\n\r\n") === true)
  fixture.routes.replace([{ host: "app.test", target: { kind: "upstream", upstream: other.upstream } }])
  expect((await client.ask()).text).toBe("other")
  upstream.peers[0]!.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none")
  expect((await reply.done()).text).toBe("one")
})

test("curl speaks HTTP/2 with the edge: a download, an upload and a HEAD on one connection", async () => {
  const upstream = await stage.node(
    createServer((req, res) => {
      let size = 0
      req.on("data", (chunk: Buffer) => (size += chunk.length))
      req.on("end", () => (req.method === "POST" ? res.end(String(size)) : res.end(Buffer.alloc(3_000_000, "x"))))
    }),
  )
  const fixture = await stage.edgeTo(upstream)
  const folder = mkdtempSync(join(tmpdir(), "edge-curl-"))
  stage.after(() => rmSync(folder, { recursive: true }))
  await Bun.write(join(folder, "ca.pem"), fixture.certificate)
  await Bun.write(join(folder, "body"), Buffer.alloc(5_000_000, "y"))
  const url = `https://app.test:${fixture.port}/`
  const common = ["--silent", "--http2", "--cacert", join(folder, "ca.pem"), "--resolve", `app.test:${fixture.port}:127.0.0.1`]
  const told = ["--output", join(folder, "out"), "--write-out", "%{http_version} %{http_code} %{size_download} %{num_connects}\\n"]
  const upload = ["--next", ...common, ...told, "--data-binary", `@${join(folder, "body")}`, url]
  const curl = Bun.spawn(["curl", ...common, ...told, url, ...upload, "--next", ...common, ...told, "--head", url])
  expect(await new Response(curl.stdout).text()).toBe("2 200 3000000 1\n2 200 7 0\n2 200 0 0\n")
  expect(await Bun.file(join(folder, "out")).exists()).toBe(true)
})
