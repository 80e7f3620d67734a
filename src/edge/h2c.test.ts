import { afterEach, expect, test } from "bun:test"
import { createServer } from "node:http"
import type { ServerHttp2Stream } from "node:http2"
import { Stage, until } from "./edge.fixture"
import { h2cServer } from "./h2c.fixture"
import { Http2Client } from "./http2-client.fixture"
import { ErrorCode } from "./http2/error-codes"

const stage = new Stage()
afterEach(() => stage.end())

const get = (path = "/", fields = "") => `GET ${path} HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n`

test("HTTP/1 and HTTP/2 clients share the connection to an h2c upstream", async () => {
  const { upstream, accepted } = await h2cServer(stage, (stream, fields) => {
    const told = ["method", "scheme", "authority", "path"].map((name) => fields[`:${name}`])
    stream.respond({
      ":status": 200,
      "x-told": told.join(" "),
      "x-for": String(fields["x-forwarded-for"]),
      "x-hop": String(fields.connection),
    })
    stream.end("ok")
  })
  const fixture = await stage.edgeTo(upstream)
  const one = await fixture.client()
  one.send(get("/one", "Connection: x-a\r\nX-A: 1\r\n"))
  await one.has("x-told: GET http app.test /one")
  await one.has("2\r\nok\r\n0\r\n\r\n")
  const two = await Http2Client.connect(stage, fixture)
  const replies = await Promise.all(Array.from({ length: 50 }, (_, i) => two.ask({ ":path": `/${i}` })))
  expect(replies.map((reply) => [reply.text, reply.fields["x-told"]])).toEqual(
    Array.from({ length: 50 }, (_, i) => ["ok", `GET http app.test /${i}`]),
  )
  expect(replies[0]!.fields).toMatchObject({ "x-for": "127.0.0.1", "x-hop": "undefined" })
  expect(accepted()).toBe(1)
  await until(() => fixture.access.length === 51)
  expect(fixture.access[0]).toMatchObject({ protocol: "HTTP/1.1", status: 200, bytesOut: 2 })
  expect(fixture.access[0]!.connectMs).toBeGreaterThan(0)
  expect(fixture.access[50]).toMatchObject({ protocol: "HTTP/2", connectMs: 0 })
})

test("an answer of a head alone is complete for a client of HTTP/1, which goes on", async () => {
  const { upstream } = await h2cServer(stage, (stream, fields) => {
    const status = Number(fields[":path"]!.slice(1))
    stream.respond({ ":status": status, ...(fields[":method"] === "HEAD" ? { "content-length": "7" } : {}) }, { endStream: true })
  })
  const client = await (await stage.edgeTo(upstream)).client()
  client.send(get("/302"))
  await client.has("Transfer-Encoding: chunked\r\n")
  await client.has("\r\n\r\n0\r\n\r\n")
  client.take()
  client.send(get("/204"))
  await client.has("HTTP/1.1 204 No Content\r\n")
  client.send("HEAD /200 HTTP/1.1\r\nHost: app.test\r\n\r\n")
  await client.has("content-length: 7\r\n")
  client.send(get("/304"))
  await client.has("HTTP/1.1 304 ")
  expect(client.text).not.toContain("Transfer-Encoding")
})

test("bodies, interim responses and trailers pass between HTTP/1 and h2c", async () => {
  const { upstream } = await h2cServer(stage, (stream) => {
    let text = ""
    let sum = "none"
    stream.on("trailers", (trailers) => (sum = Object.entries(trailers).join()))
    stream.on("data", (chunk: Buffer) => (text += chunk.toString()))
    stream.on("end", () => {
      stream.additionalHeaders({ ":status": 103, link: "</a.css>" })
      stream.respond({ ":status": 200 }, { waitForTrailers: true })
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": sum }))
      stream.end(text.toUpperCase())
    })
  })
  const client = await (await stage.edgeTo(upstream)).client()
  client.send("POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nConnection: TE\r\n\r\n5\r\nhello\r\n")
  client.send("6\r\n world\r\n0\r\nX-Up: 7\r\nHost: evil.test\r\n\r\n")
  await client.has("\r\n0\r\nx-sum: x-up,7\r\n\r\n")
  expect(client.text).toContain("HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n")
  expect(client.text).toContain("HELLO WORLD")
  client.take()
  client.send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 3\r\n\r\nabc")
  await client.has("x-sum: none")
  expect(client.text).toContain("ABC")
})

test("an upstream that allows one stream at a time gets one at a time, over a bounded number of connections", async () => {
  let open = 0
  let most = 0
  const { upstream, accepted } = await h2cServer(
    stage,
    (stream: ServerHttp2Stream) => {
      most = Math.max(most, ++open)
      setTimeout(() => {
        open--
        stream.respond({ ":status": 200 })
        stream.end("ok")
      }, 5)
    },
    { settings: { maxConcurrentStreams: 1 } },
  )
  const client = await Http2Client.connect(stage, await stage.edgeTo(upstream, { sessionsPerTarget: 3 }))
  const replies = await Promise.all(Array.from({ length: 60 }, () => client.ask({ ":method": "POST" }, "body")))
  expect(replies.map((reply) => reply.text).join("")).toBe("ok".repeat(60))
  expect([accepted(), most]).toEqual([3, 3])
})

test("a client that leaves resets its stream and no other; an idle connection is ended", async () => {
  const resets: number[] = []
  const { upstream, sessions } = await h2cServer(stage, (stream, fields) => {
    stream.on("close", () => resets.push(stream.rstCode))
    stream.respond({ ":status": 200 })
    if (fields[":path"] === "/") stream.end("ok")
    else stream.write("some")
  })
  const fixture = await stage.edgeTo(upstream, { idleMs: 200 })
  const client = await Http2Client.connect(stage, fixture)
  const left = client.open({ ":path": "/open" })
  const stays = client.open({ ":path": "/open" })
  await until(() => left.text === "some" && stays.text === "some")
  left.stream.close(ErrorCode.CANCEL)
  await until(() => resets.length === 1)
  expect(resets).toEqual([ErrorCode.CANCEL])
  expect((await client.ask()).text).toBe("ok")
  expect(stays.closed).toBe(false)
  stays.stream.close(ErrorCode.CANCEL)
  await until(() => sessions.size === 0)
})

test("an upgrade of HTTP/1 to h2c loses its Upgrade field, and a Unix socket or plain upstream is not spoken HTTP/2 to", async () => {
  const { upstream } = await h2cServer(stage, (stream, fields) => {
    stream.respond({ ":status": 200, "x-upgrade": String(fields.upgrade) })
    stream.end("plain")
  })
  const client = await (await stage.edgeTo(upstream)).client()
  client.send(get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n"))
  await client.has("x-upgrade: undefined")
  const plain = await stage.node(createServer((req, res) => res.end(req.httpVersion)))
  const other = await (await stage.edgeTo(plain)).client()
  other.send(get())
  await other.has("1.1")
})

test("a body that came before there was a stream arrives whole, with its end and its trailers", async () => {
  const { upstream } = await h2cServer(
    stage,
    (stream) => {
      const chunks: Buffer[] = []
      let sum = "none"
      stream.on("trailers", (trailers) => (sum = Object.entries(trailers).join()))
      stream.on("data", (chunk: Buffer) => chunks.push(chunk))
      stream.on("end", () => {
        stream.respond({ ":status": 200, "x-sum": sum })
        stream.end(Buffer.concat(chunks))
      })
    },
    { settings: { maxConcurrentStreams: 1 } },
  )
  const fixture = await stage.edgeTo(upstream, { sessionsPerTarget: 1 })
  const client = await Http2Client.connect(stage, fixture)
  const first = client.open({ ":method": "POST" }, { endStream: false })
  const waiting = client.open({ ":method": "POST" }, { endStream: false, waitForTrailers: true })
  waiting.stream.on("wantTrailers", () => waiting.stream.sendTrailers({ "x-up": "7" }))
  waiting.stream.end("a".repeat(100_000))
  const one = await fixture.client()
  one.send(`POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 3\r\n\r\nab`)
  await Bun.sleep(50)
  one.send("c")
  first.stream.end("first")
  expect((await first.done()).text).toBe("first")
  await waiting.done()
  expect([waiting.text.length, waiting.fields["x-sum"]]).toEqual([100_000, "x-up,7"])
  await one.has("abc")
})
