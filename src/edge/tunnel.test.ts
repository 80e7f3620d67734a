import { afterEach, expect, test } from "bun:test"
import { Stage, until } from "./edge.fixture"

const stage = new Stage()
afterEach(() => stage.end())

const get = (path = "/", fields = "") => `GET ${path} HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n`
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

const upgradeRequest = get("/ws", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n")
const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

test("an upgrade becomes a tunnel both ways, early bytes included", async () => {
  const upstream = await stage.raw((peer) =>
    peer.socket.once("data", () => {
      expect(peer.take()).toContain("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
      peer.send(`${switching}first`)
      peer.socket.on("data", (chunk: Buffer) => peer.socket.write(chunk))
      peer.socket.on("end", () => peer.socket.end("bye"))
    }),
  )
  const fixture = await stage.edgeTo(upstream.upstream)
  const client = await fixture.client()
  client.send(`${upgradeRequest}early`)
  await client.has("firstearly")
  expect(client.text).toStartWith("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
  client.send("GET / HTTP/1.1\n\0\xff")
  await client.has("GET / HTTP/1.1\n\0\xff")
  client.socket.end()
  await client.has("bye")
  await client.gone()
  await until(() => fixture.edge.connections === 0)
})

test("a refused upgrade is an ordinary response", async () => {
  const upstream = await stage.answering(OK)
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(upgradeRequest)
  await client.has("ok")
  client.take()
  client.send(get())
  await client.has("ok")
})

test("h2c is not offered on, and a change of protocol that was not asked for is a 502", async () => {
  const upstream = await stage.raw((peer) => peer.socket.once("data", () => peer.send(switching)))
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(get("/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"))
  await client.has("HTTP/1.1 502 ")
  expect(upstream.peers[0]!.text).not.toMatch(/upgrade|settings/i)
})

test("a tunnel ends for the client when the upstream is gone", async () => {
  const upstream = await stage.raw((peer) => peer.socket.once("data", () => peer.send(switching)))
  const client = await (await stage.edgeTo(upstream.upstream)).client()
  client.send(upgradeRequest)
  await client.has("101")
  upstream.peers[0]!.socket.destroy()
  await client.gone()
})
