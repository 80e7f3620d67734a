import { afterEach, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Stage } from "./edge.fixture"
import { Http2Client } from "./http2-client.fixture"

const stage = new Stage()
afterEach(() => stage.end())

const chunked = (announced: string | undefined, body: string) =>
  `HTTP/1.1 200 OK\r\n${announced === undefined ? "" : `X-Freehold-Length: ${announced}\r\n`}Transfer-Encoding: chunked\r\n\r\n${body}`
const whole = "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
const request = (version: string) => `GET / HTTP/${version}\r\nHost: app.test\r\n\r\n`

/** An edge before an application that answers with this text, at a Unix socket as our own API or at a port as anybody's. */
async function edgeBefore(response: string, isOwn: boolean) {
  const folder = mkdtempSync(join(tmpdir(), "freehold-announced-"))
  stage.after(() => rmSync(folder, { recursive: true }))
  const { upstream } = await stage.answering(response, isOwn ? join(folder, "api.sock") : undefined)
  return stage.edgeTo(upstream)
}

test("a length that our own API announces is what the client is told, and the connection goes on", async () => {
  const client = await (await edgeBefore(chunked("11", whole), true)).client()
  for (let i = 0; i < 2; i++) {
    client.send(request("1.1"))
    await client.has("hello world")
    const answer = client.take()
    expect(answer).toContain("\r\nContent-Length: 11\r\n")
    expect(answer).not.toMatch(/chunked|freehold-length/i)
    expect(client.ended).toBe(false)
  }
})

test("a client of HTTP/2 is told it too", async () => {
  const fixture = await edgeBefore(chunked("11", whole), true)
  const client = await Http2Client.connect(stage, fixture)
  const reply = await client.ask()
  expect([reply.status, reply.fields["content-length"], reply.text]).toEqual([200, "11", "hello world"])
  expect(reply.fields).not.toHaveProperty("x-freehold-length")
})

test.each([
  ["shorter", "12"],
  ["longer", "4"],
])("a body that is %s than announced is no answer", async (_, announced) => {
  const client = await (await edgeBefore(chunked(announced, whole), true)).client()
  client.send(request("1.1"))
  await client.has("HTTP/1.1 502")
  expect(client.text).not.toContain("200 OK")
})

test("one that goes wrong only later is cut off", async () => {
  const folder = mkdtempSync(join(tmpdir(), "freehold-announced-"))
  stage.after(() => rmSync(folder, { recursive: true }))
  const { upstream, peers } = await stage.answering(chunked("11", "5\r\nhello\r\n"), join(folder, "api.sock"))
  const client = await (await stage.edgeTo(upstream)).client()
  client.send(request("1.1"))
  await client.has("hello")
  peers[0]?.send("0\r\n\r\n")
  await client.gone()
  expect(client.text).toContain("Content-Length: 11")
  expect(client.text.endsWith("hello")).toBe(true)
})

test.each([
  ["of an application that is not ours", "11", false],
  ["that is no number", "1e1", true],
])("a word %s is dropped, and the body stays in chunks", async (_, announced, isOwn) => {
  const client = await (await edgeBefore(chunked(announced, whole), isOwn)).client()
  client.send(request("1.1"))
  await client.has("0\r\n\r\n")
  expect(client.text).toContain("Transfer-Encoding: chunked")
  expect(client.text).not.toMatch(/content-length|freehold-length/i)
})
