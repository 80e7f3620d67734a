import { afterEach, expect, test } from "bun:test"
import { Stage, until } from "./edge.fixture"
import { answerOnce, h2cServer, head, scripted } from "./h2c.fixture"
import { Http2Client } from "./http2-client.fixture"
import { ErrorCode } from "./http2/error-codes"
import { FrameType } from "./http2/frame"
import { frame, settings, uint32 } from "./http2/session.fixture"

const stage = new Stage()
afterEach(() => stage.end())

const get = (path = "/", fields = "") => `GET ${path} HTTP/1.1\r\nHost: app.test\r\n${fields}\r\n`

test("a refused stream is sent again once, where it has no body", async () => {
  const { upstream, logs } = await scripted(stage, (log, send) => {
    if (log.frames.length > 0 && log.ofType(FrameType.SETTINGS).length === 1 && log.ofType(FrameType.HEADERS).length <= 1) send(settings())
    for (const [id] of log.heads) {
      if (log.frames.some((each) => each.id === -id)) continue
      log.frames.push({ type: 99, flags: 0, id: -id, payload: Buffer.alloc(0) })
      const all = logs.flatMap((each) => [...each.heads.values()].flat())
      const path = log.heads.get(id)![0]!.find(({ name }) => name === ":path")!.value
      const tries = all.filter((fields) => fields.some(({ value }) => value === path)).length
      if (tries === 1 || path === "/always") send(frame(FrameType.RST_STREAM, 0, id, uint32(ErrorCode.REFUSED_STREAM)))
      else send(head(id, { ":status": "200", "x-tries": String(tries) }))
    }
  })
  const client = await Http2Client.connect(stage, await stage.edgeTo(upstream))
  const once = await client.ask({ ":path": "/once", ":method": "DELETE" })
  expect([once.status, once.fields["x-tries"]]).toEqual([200, "2"])
  expect((await client.ask({ ":path": "/always" })).status).toBe(502)
  expect((await client.ask({ ":path": "/body", ":method": "POST" }, "body")).status).toBe(502)
  const paths = logs.flatMap((log) => [...log.heads.values()].flat()).map((fields) => fields.find(({ name }) => name === ":path")!.value)
  expect(paths.toSorted()).toEqual(["/always", "/always", "/body", "/once", "/once"])
})

test("after GOAWAY streams under way finish, those it does not name go elsewhere, and so do new ones", async () => {
  const { upstream, logs } = await scripted(stage, (log, send, index) => {
    if (log.frames.length === 1) return
    if (index > 0) {
      if (log.heads.size === 1 && log.ofType(FrameType.HEADERS).length === 1)
        send(settings(), head(1, { ":status": "200", "x-on": "second" }))
      return
    }
    if (log.heads.size === 1 && log.dataBytes === 0) send(settings())
    if (log.heads.size === 2 && log.dataBytes === 0) {
      log.dataBytes = 1
      send(frame(FrameType.GOAWAY, 0, 0, uint32(1, 0)))
      setTimeout(() => send(head(1, { ":status": "200", "x-on": "first" })), 50)
    }
  })
  const client = await Http2Client.connect(stage, await stage.edgeTo(upstream))
  const first = client.ask({ ":method": "POST", ":path": "/1" })
  await until(() => logs[0]?.heads.size === 1)
  const second = await client.ask({ ":path": "/2" })
  expect([second.status, second.fields["x-on"]]).toEqual([200, "second"])
  expect([(await first).status, (await first).fields["x-on"]]).toEqual([200, "first"])
})

test("an upstream that dies mid-body resets the streams it was answering, and the next request gets a new connection", async () => {
  const { upstream, peers } = await scripted(stage, (log, send, index, peer) => {
    if (index > 0 ? log.heads.size < 1 : log.heads.size < 2) return
    if (index > 0) return answerOnce(log, () => send(settings(), head(1, { ":status": "200", "x-on": "second" })))
    answerOnce(log, () => {
      for (const id of log.heads.keys()) send(head(id, { ":status": "200" }, false), frame(FrameType.DATA, 0, id, Buffer.from("some")))
      setTimeout(() => peer.socket.resetAndDestroy(), 30)
    })
  })
  const fixture = await stage.edgeTo(upstream)
  const client = await Http2Client.connect(stage, fixture)
  const one = await fixture.client()
  one.send(get("/dies"))
  await until(() => peers.length === 1)
  peers[0]!.socket.write(settings())
  const two = client.open({ ":path": "/dies" })
  await until(() => two.closed && one.closed)
  expect([two.status, two.text, two.code]).toEqual([200, "some", ErrorCode.INTERNAL_ERROR])
  expect(one.text).toEndWith("4\r\nsome\r\n")
  expect((await client.ask()).fields["x-on"]).toBe("second")
})

test("one that dies before its answer is a 502, and a repeatable request on an old connection is sent again", async () => {
  const { upstream, peers } = await scripted(stage, (log, send, index, peer) => {
    if (log.heads.size === 1) answerOnce(log, () => send(settings(), head(1, { ":status": "200", "x-on": String(index) })))
    if (log.heads.size === 2) peer.socket.destroy()
  })
  const client = await Http2Client.connect(stage, await stage.edgeTo(upstream))
  expect((await client.ask()).fields["x-on"]).toBe("0")
  const again = await client.ask()
  expect([again.status, again.fields["x-on"]]).toEqual([200, "1"])
  expect((await client.ask({ ":method": "POST" })).status).toBe(502)
  expect(peers).toHaveLength(2)
})

test.each([
  ["refuses the connection", undefined, 502],
  ["speaks HTTP/1", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", 502],
  ["speaks something else", "220 mail.test ESMTP ready for whatever may come\r\n", 502],
  ["never says anything", "", 504],
])("an upstream that %s", async (_, answer, status) => {
  const raw = await stage.raw((peer) => void (answer !== "" && peer.socket.once("data", () => peer.send(answer!))))
  if (answer === undefined) raw.stop()
  const upstream = { ...(raw.upstream as { host: string; port: number }), protocol: "h2c" as const }
  const fixture = await stage.edgeTo(upstream, { firstByteMs: 200, bodyIdleMs: 200 })
  const client = await Http2Client.connect(stage, fixture)
  const asked = Array.from({ length: 10 }, () => client.ask())
  await Bun.sleep(100)
  asked.push(...Array.from({ length: 10 }, () => client.ask()))
  const replies = await Promise.all(asked)
  expect(replies.map((reply) => reply.status)).toEqual(Array.from({ length: 20 }, () => status))
  const one = await fixture.client()
  one.send(get())
  await one.has(`HTTP/1.1 ${status} `)
  await until(() => fixture.access.length === 21)
})

test("a connection on which nothing was heard any more takes no further requests", async () => {
  const { upstream, logs } = await scripted(stage, (log, send, index) => {
    if (log.heads.size === 1) answerOnce(log, () => send(settings(), head(1, { ":status": "200", "x-on": String(index) })))
  })
  const client = await Http2Client.connect(stage, await stage.edgeTo(upstream, { firstByteMs: 200 }))
  expect((await client.ask()).fields["x-on"]).toBe("0")
  expect((await client.ask()).status).toBe(504)
  expect((await client.ask()).fields["x-on"]).toBe("1")
  expect(logs).toHaveLength(2)
})

test("an upstream time-out is that stream's alone", async () => {
  const { upstream, accepted } = await h2cServer(stage, (stream, fields) => {
    if (fields[":path"] === "/slow") return
    stream.respond({ ":status": 200 })
    if (fields[":path"] === "/stalls") stream.write("some")
    else stream.end("ok")
  })
  const client = await Http2Client.connect(stage, await stage.edgeTo(upstream, { firstByteMs: 200, responseIdleMs: 200 }))
  const stalled = client.open({ ":path": "/stalls" })
  const slow = await client.ask({ ":path": "/slow" })
  await until(() => stalled.closed)
  expect([slow.status, stalled.status, stalled.text]).toEqual([504, 200, "some"])
  expect((await client.ask()).text).toBe("ok")
  expect(accepted()).toBe(1)
})
