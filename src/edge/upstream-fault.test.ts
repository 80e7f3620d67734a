import { afterEach, expect, test } from "bun:test"
import { createServer } from "node:net"
import { Stage, until } from "./edge.fixture"

const stage = new Stage()
afterEach(() => stage.end())

const get = (path = "/", fields = "") => `GET ${path} HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n`
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

test.each([
  ["no HTTP at all", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["an HTTP/2 frame", "\0\0\x12\x04\0\0\0\0\0"],
  ["a bad status", "HTTP/1.1 20 OK\r\n\r\n"],
  ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
  ["another version", "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"],
  ["bare CR in a value", "HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 0\r\n\r\n"],
  ["a folded line", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n"],
  ["a space before the colon", "HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 0\r\n\r\n"],
  ["NUL in a value", "HTTP/1.1 200 OK\r\nA: \0\r\nContent-Length: 0\r\n\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"],
  ["a bad length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok"],
  ["a length with chunked", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["another transfer coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok"],
  ["chunked on HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["a bad first chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"],
  ["a head that is too large", `HTTP/1.1 200 OK\r\nA: ${"a".repeat(40_000)}\r\n\r\n`],
  ["a head without end", `HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(8000)}`],
  ["endless interim responses", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(20)],
])("an answer with %s is a 502", async (_, bytes) => {
  const upstream = await stage.raw((peer) => peer.socket.once("data", () => peer.send(bytes)))
  const fixture = await stage.edgeTo(upstream.upstream)
  const client = await fixture.client()
  client.send(get())
  await client.has("HTTP/1.1 502 Bad Gateway\r\n")
  await until(() => upstream.peers[0]!.ended || upstream.peers[0]!.closed)
  expect(upstream.peers).toHaveLength(1)
})

test.each([
  ["counted", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"],
  ["chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf"],
  ["chunked and then malformed", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"],
])("a %s body that breaks off is seen to break off", async (kind, bytes) => {
  const upstream = await stage.raw((peer) => peer.socket.once("data", () => peer.send(bytes)))
  const fixture = await stage.edgeTo(upstream.upstream)
  const client = await fixture.client()
  client.send(get())
  await client.has("half")
  if (kind.includes("malformed")) upstream.peers[0]!.send("zz\r\n")
  else upstream.peers[0]!.socket.end()
  await until(() => client.closed || client.ended)
  expect(client.text).not.toContain("\r\n0\r\n\r\n")
  expect(client.text.match(/HTTP\/1\.1/g)).toHaveLength(1)
  await until(() => fixture.edge.connections === 0)
})

test("a response delimited by close that is reset is not passed off as whole", async () => {
  const upstream = await stage.raw((peer) => peer.socket.once("data", () => peer.send("HTTP/1.1 200 OK\r\n\r\nhalf")))
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(get())
  await client.has("half")
  upstream.peers[0]!.socket.resetAndDestroy()
  await client.gone()
  expect(client.text).not.toContain("\r\n0\r\n\r\n")
})

test("an upstream that closes without a word is a 502", async () => {
  const upstream = await stage.raw((peer) => peer.socket.once("data", () => peer.socket.end()))
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(get())
  await client.has("HTTP/1.1 502 ")
  expect(upstream.peers).toHaveLength(1)
})

test("a refused connection is a 502, and the client's connection goes on", async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  const client = await (await stage.edgeTo({ host: "127.0.0.1", port })).client()
  for (let i = 0; i < 2; i++) {
    client.send(get())
    await client.has("</small>")
    expect(client.take()).toStartWith("HTTP/1.1 502 ")
  }
  client.send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\n\r\nhello")
  await client.has("HTTP/1.1 502 ")
})

test("an upstream that never answers is a 504 in time", async () => {
  const upstream = await stage.raw(() => {})
  const client = await (await stage.edgeTo(upstream.upstream, { firstByteMs: 60 })).client()
  client.send(get())
  await client.has("HTTP/1.1 504 ")
  await until(() => upstream.peers[0]!.ended || upstream.peers[0]!.closed)
})

test("a response that stalls is broken off in time", async () => {
  const upstream = await stage.raw((peer) => peer.socket.once("data", () => peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")))
  const client = await (await stage.edgeTo(upstream.upstream, { responseIdleMs: 60 })).client()
  client.send(get())
  await client.has("half")
  await client.gone()
})

test("a client that resets its connection takes its upstream connection along", async () => {
  const upstream = await stage.raw(() => {})
  const fixture = await stage.edgeTo(upstream.upstream)
  const client = await fixture.client()
  client.send(get())
  await until(() => upstream.peers[0]?.text.includes("GET") === true)
  client.socket.resetAndDestroy()
  await until(() => upstream.peers[0]!.ended || upstream.peers[0]!.closed)
  await until(() => fixture.access[0]?.status === 499)
})

test.each([
  ["Content-Length: 10\r\n", "half"],
  ["Transfer-Encoding: chunked\r\n", "a\r\nhalf"],
])("a request body that breaks off (%p) never looks whole to the upstream", async (fields, part) => {
  const upstream = await stage.raw(() => {})
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(`POST / HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n${part}`)
  await until(() => upstream.peers[0]?.text.includes("half") === true)
  client.socket.end()
  await client.gone()
  await until(() => upstream.peers[0]!.ended || upstream.peers[0]!.closed)
  expect(upstream.peers[0]!.text).not.toContain("\r\n0\r\n\r\n")
})

test("a request body that turns malformed is a 400 and breaks off the upstream's request", async () => {
  const upstream = await stage.raw(() => {})
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send("POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n")
  await until(() => upstream.peers[0]?.text.includes("good") === true)
  client.send("0x4\r\nevil\r\n0\r\n\r\n")
  await client.gone()
  expect(client.text).toStartWith("HTTP/1.1 400 ")
  await until(() => upstream.peers[0]!.ended || upstream.peers[0]!.closed)
  expect(upstream.peers[0]!.text).not.toContain("evil")
})

/** Answers the first request of its first connection, and closes that when the second arrives. */
const staleOnce = () =>
  stage.raw((peer, index) => {
    let requests = 0
    peer.socket.on("data", () => {
      if (!peer.text.includes("\r\n\r\n")) return
      peer.take()
      if (index === 0 && ++requests === 2) peer.socket.destroy()
      else peer.send(OK)
    })
  })

test("a GET that meets a stale pooled connection is tried once more", async () => {
  const upstream = await staleOnce()
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  for (let i = 0; i < 2; i++) {
    client.send(get())
    await client.has("ok")
    client.take()
  }
  expect(upstream.peers).toHaveLength(2)
})

test.each(["POST", "PATCH", "LOCK"])("a %s that meets a stale pooled connection is never repeated", async (method) => {
  const upstream = await staleOnce()
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(get())
  await client.has("ok")
  client.send(`${method} / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 0\r\n\r\n`)
  await client.has("HTTP/1.1 502 ")
  expect(upstream.peers).toHaveLength(1)
})

test("a GET with a body is not repeated, nor one whose answer had begun", async () => {
  const upstream = await stage.raw((peer) => {
    let requests = 0
    peer.socket.on("data", () => {
      peer.take()
      if (++requests === 1) peer.send(OK)
      else peer.socket.end("HTTP/1.1 2")
    })
  })
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(get())
  await client.has("ok")
  client.send(get())
  await client.has("HTTP/1.1 502 ")
  expect(upstream.peers).toHaveLength(1)
})

test("a pooled connection that says something unasked is not used again", async () => {
  const upstream = await stage.raw((peer) => peer.socket.on("data", () => (peer.take(), peer.send(OK))))
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(get())
  await client.has("ok")
  upstream.peers[0]!.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
  await until(() => upstream.peers[0]!.ended || upstream.peers[0]!.closed)
  client.take()
  client.send(get())
  await client.has("ok")
  expect(client.text).not.toContain("evil")
  expect(upstream.peers).toHaveLength(2)
})

test.each([
  ["with more bytes than its length", `${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`],
  ["with Connection: close", OK.replace("OK\r\n", "OK\r\nConnection: close\r\n")],
  ["of HTTP/1.0", OK.replace("HTTP/1.1", "HTTP/1.0")],
])("a connection whose response came %s is not used again", async (_, response) => {
  const upstream = await stage.raw((peer) => peer.socket.on("data", () => (peer.take(), peer.send(response))))
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  for (let i = 0; i < 2; i++) {
    client.send(get())
    await client.has("ok")
    expect(client.take()).not.toContain("evil")
  }
  expect(upstream.peers).toHaveLength(2)
})

test("idle upstream connections are closed after their time, and at most so many are kept", async () => {
  const upstream = await stage.raw((peer) => peer.socket.on("data", () => (peer.take(), peer.send(OK))))
  const fixture = await stage.edgeTo(upstream.upstream, { poolIdleMs: 100, poolIdlePerTarget: 2 })
  const clients = await Promise.all(Array.from({ length: 4 }, () => fixture.client()))
  for (const client of clients) client.send(get())
  await Promise.all(clients.map((client) => client.has("ok")))
  await until(() => upstream.peers.every((peer) => peer.ended || peer.closed))
})
