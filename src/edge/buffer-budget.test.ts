import { afterEach, expect, test } from "bun:test"
import { BufferBudget, bufferShare } from "./buffer-budget"
import { EdgeFixture, type Peer, Stage, until } from "./edge.fixture"
import { EdgeTotals } from "./edge-totals"
import { Http2Client } from "./http2-client.fixture"
import { get, OK, post } from "./siege.fixture"

const MIB = 2 ** 20
const stage = new Stage()
afterEach(() => stage.end())

test("a share is an eighth of the memory, within bounds, and for each part alike", () => {
  expect(bufferShare(1024 * MIB, 1)).toBe(128 * MIB)
  expect(bufferShare(1024 * MIB, 4)).toBe(32 * MIB)
  expect(bufferShare(64 * MIB, 1)).toBe(16 * MIB)
  expect(bufferShare(64 * 1024 * MIB, 2)).toBe(256 * MIB)
})

/** An edge of `limit` bytes; what it warned of, and how many connections it counted as cut off. */
async function edgeOf(limit: number, upstream: { host: string; port: number } | { unix: string }) {
  const warnings: object[] = []
  const totals = new EdgeTotals()
  const budget = new BufferBudget(limit, { warn: (message, fields) => void warnings.push({ message, ...fields }) })
  const fixture = await EdgeFixture.start(upstream, {}, new Map(), { budget, traffic: { totals, note() {} } })
  stage.after(() => fixture.stop())
  const cutOff = () => totals.connections().find(({ outcome }) => outcome === "cut_off")?.count
  return { fixture, budget, warnings, cutOff }
}

const deaf = async (fixture: EdgeFixture, localAddress: string, alpn?: string[]): Promise<Peer> => {
  const client = await fixture.client("app.test", alpn, localAddress)
  client.socket.removeAllListeners("data")
  client.socket.pause()
  stage.after(() => client.socket.destroy())
  return client
}

const SIZE = 8 * MIB
const large = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n${"x".repeat(SIZE)}`)
const download = () => stage.raw((peer) => peer.socket.once("data", () => peer.socket.write(large)))

test("many that do not read are ended by the address that holds the most, and one slow reader beside them is not", async () => {
  const upstream = await download()
  const { fixture, budget, warnings, cutOff } = await edgeOf(3 * MIB, upstream.upstream)
  const slow = await deaf(fixture, "127.0.0.2")
  slow.send(get())
  await until(() => budget.bytes > 0, "the slow reader to be behind")
  const crowd: Peer[] = []
  for (let n = 0; n < 24; n++) {
    const one = await deaf(fixture, "127.0.0.3")
    crowd.push(one.send(get()))
  }
  await until(() => cutOff()! > 0 && budget.bytes <= 3 * MIB && fixture.edge.connections === 25 - cutOff()!, "some to be ended", 20_000)
  expect(warnings).toEqual([expect.objectContaining({ connections: expect.any(Number) as never, limitBytes: 3 * MIB })])
  let got = 0
  slow.socket.on("data", (chunk: Buffer) => (got += chunk.length))
  slow.socket.resume()
  await until(() => got > SIZE, "the whole answer", 20_000)
  for (const one of crowd) one.socket.destroy()
  await until(() => fixture.edge.connections === 1)
  expect(budget.bytes).toBe(0)
})

test("streams whose windows stay shut count as well", async () => {
  const upstream = await download()
  const { fixture, budget, cutOff } = await edgeOf(2 * MIB, upstream.upstream)
  const clients = await Promise.all(Array.from({ length: 4 }, () => Http2Client.connect(stage, fixture)))
  for (const client of clients) for (let n = 0; n < 8; n++) client.open().stream.pause()
  await until(() => cutOff()! > 0 && budget.bytes <= 2 * MIB, "some to be ended", 20_000)
  expect(cutOff()).toBeLessThan(4)
  for (const client of clients) client.session.destroy()
  await until(() => fixture.edge.connections === 0)
  expect(budget.bytes).toBe(0)
})

test("uploads that their application does not take count as well", async () => {
  const upstream = await stage.raw((peer) => void peer.socket.pause())
  const { fixture, budget, cutOff } = await edgeOf(MIB, upstream.upstream)
  const body = Buffer.alloc(SIZE)
  for (let n = 0; n < 12; n++) {
    const client = await deaf(fixture, "127.0.0.3")
    client.send(post(`Content-Length: ${body.length}\r\n`))
    client.socket.write(body)
  }
  await until(() => cutOff()! > 0 && budget.bytes <= MIB && fixture.edge.connections === 12 - cutOff()!, "some to be ended", 20_000)
})

test("below the limit nobody is ended", async () => {
  const upstream = await stage.answering(OK)
  const { fixture, warnings, cutOff } = await edgeOf(MIB, upstream.upstream)
  const client = await fixture.client()
  for (let n = 0; n < 20; n++) {
    client.send(get())
    await client.has("ok")
    client.take()
  }
  expect([cutOff(), warnings]).toEqual([0, []])
})
