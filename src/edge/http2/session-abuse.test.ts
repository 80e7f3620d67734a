import { expect, test } from "bun:test"
import { ErrorCode } from "./error-codes"
import { Flag, FrameType } from "./frame"
import { fields, frame, GET, OK, POST, RecordingUser, ScriptedPeer, settings, uint32 } from "./session.fixture"

const { DATA, HEADERS, PRIORITY, RST_STREAM, PING, WINDOW_UPDATE, CONTINUATION } = FrameType
const { END_HEADERS, END_STREAM } = Flag
const WHOLE = END_HEADERS | END_STREAM
const CALM = ErrorCode.ENHANCE_YOUR_CALM

/** Sends `make(i)` up to `most` times; answers after how many the session ended. */
function until(peer: ScriptedPeer, most: number, make: (i: number) => Buffer): number {
  for (let i = 0; i < most; i++) {
    peer.send(make(i))
    if (peer.closed) return i + 1
  }
  return Infinity
}

test("rapid reset: requests that are reset before their answer end the connection when the budget is used up", () => {
  const peer = new ScriptedPeer("server", { resetBurst: 20, resetsPerSecond: 10 })
  const attack = (i: number) => Buffer.concat([peer.headers(1 + 2 * i, GET, WHOLE), frame(RST_STREAM, 0, 1 + 2 * i, uint32(8))])
  expect(until(peer, 100, attack)).toBe(21)
  expect(peer.closed?.code).toBe(CALM)
  expect(peer.goAway()).toBe(CALM)
})

test("resets are forgiven by time and by answers that were taken, never above the burst", () => {
  const peer = new ScriptedPeer("server", { resetBurst: 20, resetsPerSecond: 10 })
  let id = 1
  const reset = () => {
    peer.send(peer.headers(id, GET, WHOLE), frame(RST_STREAM, 0, id, uint32(8)))
    id += 2
    return peer.closed === undefined
  }
  for (let i = 0; i < 20; i++) expect(reset()).toBe(true)
  peer.now += 1000
  for (let i = 0; i < 10; i++) expect(reset()).toBe(true)
  for (let i = 0; i < 5; i++) {
    peer.send(peer.headers(id, GET, WHOLE))
    peer.seen.at(-1)!.stream.sendHead(OK, true)
    id += 2
  }
  for (let i = 0; i < 5; i++) expect(reset()).toBe(true)
  peer.now += 3_600_000
  for (let i = 0; i < 20; i++) expect(reset()).toBe(true)
  expect(reset()).toBe(false)
})

test.each<[string, (peer: ScriptedPeer, id: number) => Buffer]>([
  ["a window update of nothing", (_, id) => frame(WINDOW_UPDATE, 0, id, uint32(0))],
  ["a window above 2^31 - 1", (_, id) => frame(WINDOW_UPDATE, 0, id, uint32(2 ** 31 - 1))],
  ["a PRIORITY of a wrong size", (_, id) => frame(PRIORITY, 0, id)],
  ["HEADERS after the end", (peer, id) => peer.headers(id, GET, WHOLE)],
])("making us reset streams by %s is counted like resetting them", (_, fault) => {
  const peer = new ScriptedPeer("server", { resetBurst: 20, resetsPerSecond: 0 })
  expect(until(peer, 100, (i) => Buffer.concat([peer.headers(1 + 2 * i, GET, WHOLE), fault(peer, 1 + 2 * i)]))).toBe(21)
  expect(peer.closed?.code).toBe(CALM)
})

test("malformed requests are counted too", () => {
  const peer = new ScriptedPeer("server", { resetBurst: 20, resetsPerSecond: 0 })
  expect(until(peer, 100, (i) => peer.headers(1 + 2 * i, fields(":method: GET"), WHOLE))).toBe(21)
  expect(peer.seen).toEqual([])
})

test("streams above the limit are refused, and the others go on", () => {
  const peer = new ScriptedPeer("server", { concurrentStreams: 2 })
  for (const id of [1, 3, 5]) peer.send(peer.headers(id, POST))
  expect(peer.words()).toEqual([`RST_STREAM 5 ${ErrorCode.REFUSED_STREAM}`])
  expect([peer.seen.length, peer.session.streams]).toEqual([2, 2])
  peer.send(frame(DATA, END_STREAM, 5, Buffer.from("on its way")), frame(DATA, END_STREAM, 1))
  peer.seen[0]!.stream.sendHead(OK, true)
  peer.send(peer.headers(7, GET, WHOLE))
  expect(peer.seen.length).toBe(3)
  expect(peer.closed).toBeUndefined()
})

test("a client that goes on opening refused streams is cut off", () => {
  const peer = new ScriptedPeer("server", { concurrentStreams: 1, resetBurst: 20, resetsPerSecond: 0 })
  expect(until(peer, 100, (i) => peer.headers(1 + 2 * i, POST))).toBe(22)
  expect(peer.closed?.code).toBe(CALM)
})

test.each<[string, Buffer, number]>([
  ["of bytes", Buffer.alloc(3000), 4],
  ["of frames without bytes", Buffer.alloc(0), 13],
])("a CONTINUATION flood %s is bounded", (_, part, most) => {
  const peer = new ScriptedPeer("server", { headerBlockBytes: 10_000, continuationFrames: 12 })
  peer.send(frame(HEADERS, END_STREAM, 1, peer.block(GET)))
  expect(until(peer, 100, () => frame(CONTINUATION, 0, 1, part))).toBe(most)
  expect(peer.closed?.code).toBe(CALM)
})

test.each<[string, (i: number) => Buffer]>([
  ["PING", () => frame(PING, 0, 0, Buffer.alloc(8))],
  ["PING answers", () => frame(PING, Flag.ACK, 0, Buffer.alloc(8))],
  ["SETTINGS", () => settings([4, 65_535])],
  ["SETTINGS acknowledgements", () => frame(FrameType.SETTINGS, Flag.ACK, 0)],
  ["PRIORITY", () => frame(PRIORITY, 0, 1, Buffer.alloc(5))],
  ["PRIORITY on idle streams", (i) => frame(PRIORITY, 0, 101 + 2 * i, Buffer.alloc(5))],
  ["unknown frames", () => frame(0xfe, 0, 0)],
  ["empty DATA", () => frame(DATA, 0, 1)],
  ["DATA of padding alone", () => frame(DATA, Flag.PADDED, 1, [3, 0, 0, 0])],
  ["small window updates", () => frame(WINDOW_UPDATE, 0, 1, uint32(1))],
  ["small window updates of the connection", () => frame(WINDOW_UPDATE, 0, 0, uint32(1))],
  ["window updates of a closed stream", () => frame(WINDOW_UPDATE, 0, 3, uint32(1))],
  ["resets of a closed stream", () => frame(RST_STREAM, 0, 3, uint32(1))],
  ["GOAWAY", () => frame(FrameType.GOAWAY, 0, 0, uint32(0, 0))],
])("a flood of %s ends the connection, the same over time does not", (_, make) => {
  for (const pauseMs of [0, 20]) {
    const peer = new ScriptedPeer("server", { controlBurst: 50, controlPerSecond: 100 })
    peer.send(peer.headers(1, POST), peer.headers(3, GET, WHOLE))
    peer.seen[1]!.stream.sendHead(OK, true)
    peer.now += 1000
    const count = until(peer, 300, (i) => {
      peer.now += pauseMs
      peer.frames()
      return make(i)
    })
    if (pauseMs > 0) expect(count).toBe(Infinity)
    else expect(count).toBeLessThan(200)
    if (pauseMs === 0) expect(peer.closed?.code).toBe(CALM)
  }
})

test("window updates for what we sent are not counted, however small the data", () => {
  const peer = new ScriptedPeer("server", { controlBurst: 50, controlPerSecond: 0 })
  peer.send(peer.headers(1, GET, WHOLE))
  const { stream } = peer.seen[0]!
  stream.sendHead(OK, false)
  for (let i = 0; i < 1000; i++) {
    stream.write(Buffer.from("x"))
    peer.send(frame(WINDOW_UPDATE, 0, 0, uint32(1)), frame(WINDOW_UPDATE, 0, 1, uint32(1)))
  }
  expect(peer.closed).toBeUndefined()
})

test("a peer that does not read our answers is cut off when they fill the buffer", () => {
  const peer = new ScriptedPeer("server", { outputBytes: 1000, controlBurst: 1e6 })
  peer.accepts = false
  peer.send(frame(PING, 0, 0, Buffer.alloc(8)))
  peer.frames()
  for (let i = 0; i < 200; i++) peer.send(frame(PING, 0, 0, Buffer.alloc(8)))
  expect(peer.session.queuedBytes).toBeLessThanOrEqual(1000)
  peer.bytes()
  expect(peer.destroyed).toBe(true)
  expect(peer.closed?.code).toBe(CALM)
})

test("data for a stream that we reset is counted and credited, up to what its window allowed", () => {
  const peer = new ScriptedPeer("server", { streamWindowBytes: 100_000, connectionWindowBytes: 100_000 })
  peer.send(peer.headers(1, POST))
  peer.seen[0]!.stream.reset(ErrorCode.CANCEL)
  peer.frames()
  const data = frame(DATA, 0, 1, Buffer.alloc(10_000))
  for (let i = 0; i < 10; i++) peer.send(data)
  expect(peer.words()).toEqual(["WINDOW_UPDATE 0 50000", "WINDOW_UPDATE 0 50000"])
  expect(peer.seen[0]!.user.bytes.length).toBe(0)
  peer.send(data)
  expect(peer.goAway()).toBe(ErrorCode.FLOW_CONTROL_ERROR)
})

test("what is remembered of closed streams is bounded", () => {
  const peer = new ScriptedPeer("server", { closedStreams: 4, resetBurst: 1e6 })
  for (let id = 1; id < 20; id += 2) {
    peer.send(peer.headers(id, POST))
    peer.seen.at(-1)!.stream.reset(ErrorCode.CANCEL)
  }
  peer.send(peer.headers(19, fields("a: b"), WHOLE))
  expect(peer.closed).toBeUndefined()
  peer.send(peer.headers(1, fields("a: b"), WHOLE))
  expect(peer.closed?.code).toBe(ErrorCode.PROTOCOL_ERROR)
})

test("a tiny window leaves data queued and bounded, with the time since it moved", () => {
  const peer = new ScriptedPeer("server", { streamBufferBytes: 10_000 })
  peer.send(settings([4, 0]), peer.headers(1, GET, WHOLE))
  const { stream } = peer.seen[0]!
  stream.sendHead(OK, false)
  peer.now = 7000
  while (stream.write(Buffer.alloc(1000)));
  expect([peer.session.queuedBytes >= 10_000, stream.queuedBytes, peer.session.lastProgressAt]).toEqual([true, 10_000, 7000])
})

test("a server cannot make a client answer without bound either", () => {
  const peer = new ScriptedPeer("client", { controlBurst: 50, controlPerSecond: 0 })
  const user = new RecordingUser()
  user.stream = peer.session.request(GET, true, user)!
  expect(until(peer, 300, () => frame(PING, 0, 0, Buffer.alloc(8)))).toBeLessThan(60)
  expect(user.resets).toEqual([CALM])
})
