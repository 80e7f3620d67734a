import { expect, test } from "bun:test"
import { ErrorCode } from "./error-codes"
import { Flag, FrameType } from "./frame"
import type { Http2Limits } from "./limits"
import { fields, frame, GET, OK, POST, ScriptedPeer, settings, uint32 } from "./session.fixture"

const { DATA, SETTINGS, WINDOW_UPDATE, RST_STREAM, PING } = FrameType
const { END_HEADERS, END_STREAM } = Flag
const WHOLE = END_HEADERS | END_STREAM

/** Requests 1, 3, … that wait for an answer; the head of it was sent. */
function withAnswers(count: number, limits: Partial<Http2Limits> = {}, ...first: Buffer[]) {
  const peer = new ScriptedPeer("server", limits)
  peer.send(...first)
  for (let i = 0; i < count; i++) peer.send(peer.headers(1 + 2 * i, GET, WHOLE))
  for (const { stream } of peer.seen) stream.sendHead(OK, false)
  peer.frames()
  return { peer, streams: peer.seen.map(({ stream }) => stream), users: peer.seen.map(({ user }) => user) }
}

const widen = (id: number, bytes: number) => frame(WINDOW_UPDATE, 0, id, uint32(bytes))

test("data is cut to the peer's frame size, and larger frames are used when it allows them", () => {
  const { peer, streams } = withAnswers(1)
  streams[0]!.write(Buffer.alloc(40_000), true)
  expect(peer.words()).toEqual(["DATA 1 16384", "DATA 1 16384", "DATA 1 END 7232"])
  const larger = withAnswers(1, {}, settings([5, 40_000]))
  larger.streams[0]!.write(Buffer.alloc(40_000), true)
  expect(larger.peer.words()).toEqual(["DATA 1 END 40000"])
})

test("data waits for the stream's window and ends with its last byte", () => {
  const { peer, streams } = withAnswers(1, {}, settings([4, 10]))
  expect(streams[0]!.write(Buffer.from("0123456789abcdef"), true)).toBe(true)
  expect(peer.words()).toEqual(["DATA 1 10"])
  expect([streams[0]!.queuedBytes, peer.session.queuedBytes]).toEqual([6, 6])
  peer.send(widen(1, 4))
  expect(peer.words()).toEqual(["DATA 1 4"])
  peer.send(widen(1, 100))
  expect(peer.words()).toEqual(["DATA 1 END 2"])
  expect([peer.session.queuedBytes, peer.session.streams]).toEqual([0, 0])
})

test("a new initial window moves the windows of open streams, also below nothing", () => {
  const { peer, streams } = withAnswers(1, {}, settings([4, 10]))
  streams[0]!.write(Buffer.alloc(15))
  peer.send(settings([4, 2]))
  peer.send(widen(1, 8))
  expect(peer.words()).toEqual(["DATA 1 10", "SETTINGS 0 ACK"])
  peer.send(widen(1, 1))
  expect(peer.words()).toEqual(["DATA 1 1"])
  peer.send(settings([4, 100]))
  expect(peer.words()).toEqual(["SETTINGS 0 ACK", "DATA 1 4"])
})

test("trailers and ends wait behind queued data, and an empty end needs no window", () => {
  const { peer, streams } = withAnswers(3, {}, settings([4, 3]))
  streams[0]!.write(Buffer.from("abcd"))
  streams[0]!.end(fields("x: y"))
  streams[1]!.write(Buffer.from("abcd"))
  streams[1]!.end()
  streams[2]!.write(Buffer.from("abc"))
  peer.frames()
  streams[2]!.end()
  expect(peer.words()).toEqual(["DATA 5 END 0"])
  peer.send(widen(1, 5), widen(3, 5))
  expect(peer.words()).toEqual(["DATA 1 1", "HEADERS 1 END", "DATA 3 END 1"])
})

test("streams that wait for the connection's window take turns, a frame each", () => {
  const { peer, streams } = withAnswers(3, {}, settings([4, 1_000_000]))
  streams[0]!.write(Buffer.alloc(65_535 + 40_000), true)
  streams[1]!.write(Buffer.alloc(40_000), true)
  streams[2]!.write(Buffer.alloc(10), true)
  expect(peer.words().filter((each) => !each.startsWith("DATA 1 "))).toEqual([])
  peer.send(widen(0, 1_000_000))
  // A frame is also cut where the buffer ends, so the sizes are not looked at.
  expect(
    peer
      .words()
      .map((each) => each.replace(/ \d+$/, ""))
      .slice(0, 5),
  ).toEqual(["DATA 1", "DATA 3", "DATA 5 END", "DATA 1", "DATA 3"])
  expect(peer.session.queuedBytes).toBe(0)
})

test("a stream that waits goes before one whose data comes with the window", () => {
  const { peer, streams } = withAnswers(2, {}, settings([4, 1_000_000]))
  streams[0]!.write(Buffer.alloc(65_545), true)
  peer.frames()
  peer.onRequest = ({ stream }) => {
    stream.sendHead(OK, false)
    streams[1]!.write(Buffer.alloc(3), true)
  }
  peer.send(widen(0, 1000), peer.headers(5, GET, WHOLE))
  expect(peer.words()).toEqual(["DATA 1 END 10", "HEADERS 5", "DATA 3 END 3"])
})

test("a stream that is reset while it waits leaves nothing behind, and the others go on", () => {
  const { peer, streams, users } = withAnswers(3, {}, settings([4, 1_000_000]))
  for (const stream of streams) stream.write(Buffer.alloc(65_535), true)
  peer.frames()
  streams[1]!.reset(ErrorCode.CANCEL)
  expect(peer.session.queuedBytes).toBeGreaterThan(0)
  peer.send(frame(RST_STREAM, 0, 1, uint32(8)), widen(0, 1_000_000))
  expect(peer.words().at(-1)).toStartWith("DATA 5 END")
  expect(peer.session.queuedBytes).toBe(0)
  expect(users.map(({ resets }) => resets.length)).toEqual([0, 0, 0])
})

test("write answers false above the stream's bound, and onDrain tells when half of it has left", () => {
  const { peer, streams, users } = withAnswers(1, { streamBufferBytes: 1000 }, settings([4, 0]))
  expect(streams[0]!.write(Buffer.alloc(999))).toBe(true)
  expect(streams[0]!.write(Buffer.alloc(1))).toBe(false)
  peer.send(widen(1, 400))
  expect(users[0]!.drains).toBe(0)
  peer.send(widen(1, 100))
  expect(users[0]!.drains).toBe(1)
  peer.send(widen(1, 1000))
  expect(users[0]!.drains).toBe(1)
})

test("an owner that writes on after false is told to stop again, and of the room once", () => {
  const { peer, streams, users } = withAnswers(1, { streamBufferBytes: 1000 }, settings([4, 0]))
  expect(streams[0]!.write(Buffer.alloc(1000))).toBe(false)
  peer.send(widen(1, 400))
  expect(streams[0]!.write(Buffer.alloc(1))).toBe(false)
  peer.send(widen(1, 200))
  expect(users[0]!.drains).toBe(1)
})

test("write answers false above the session's bound too", () => {
  const { peer, streams, users } = withAnswers(3, { sessionBufferBytes: 1000 }, settings([4, 0]))
  expect(streams.map((stream) => stream.write(Buffer.alloc(400)))).toEqual([true, true, false])
  peer.send(widen(5, 400))
  expect(users.map(({ drains }) => drains)).toEqual([0, 0, 1])
})

test("what an owner writes in onDrain goes out, and many small pieces cost no frame each", () => {
  const { peer, streams, users } = withAnswers(1, { streamBufferBytes: 1000 }, settings([4, 0]))
  let written = 0
  const fill = () => {
    while (written < 5000) if (!streams[0]!.write(Buffer.from([written++]), written === 5000)) return
  }
  users[0]!.onDrain = fill
  fill()
  const data: Buffer[] = []
  let count = 0
  while (peer.session.streams > 0) {
    peer.send(widen(1, 700))
    for (const each of peer.frames()) if (each.type === DATA && ++count > 0) data.push(each.payload)
  }
  expect(Buffer.concat(data)).toEqual(Buffer.from(Array.from({ length: 5000 }, (_, i) => i)))
  expect(count).toBeLessThan(40)
})

test("while the transport is backed up nothing more is framed; then heads, data and ends go in order", () => {
  const { peer, streams } = withAnswers(2)
  peer.accepts = false
  streams[0]!.write(Buffer.alloc(1))
  expect(peer.words()).toEqual(["DATA 1 1"])
  streams[0]!.write(Buffer.from("a"))
  streams[0]!.end()
  peer.send(peer.headers(5, GET, WHOLE), frame(PING, 0, 0, Buffer.alloc(8)))
  peer.seen[2]!.stream.sendHead(OK, false)
  peer.seen[2]!.stream.write(Buffer.from("b"), true)
  streams[1]!.end(fields("x: y"))
  expect(peer.words()).toEqual([])
  peer.accepts = true
  peer.session.onTransportDrained()
  expect(peer.words()).toEqual(["PING 0 ACK", "DATA 1 END 1", "HEADERS 5", "DATA 5 END 1", "HEADERS 3 END"])
  expect(peer.session.queuedBytes).toBe(0)
})

test("a large body stops at the first write that the transport does not take", () => {
  const { peer, streams } = withAnswers(1, {}, settings([4, 2 ** 30]), widen(0, 2 ** 30))
  peer.accepts = false
  const body = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) & 255))
  expect(streams[0]!.write(body, true)).toBe(false)
  const parts = peer.frames()
  expect(streams[0]!.queuedBytes).toBeGreaterThan(200_000)
  peer.accepts = true
  peer.session.onTransportDrained()
  parts.push(...peer.frames())
  expect(Buffer.concat(parts.map(({ payload }) => payload)).equals(body)).toBe(true)
  expect(parts.at(-1)!.flags).toBe(END_STREAM)
})

test("interim heads are dropped above their bound while the transport is backed up; the final one is not", () => {
  const { peer } = withAnswers(1, { queuedHeads: 2 })
  peer.accepts = false
  peer.seen[0]!.stream.write(Buffer.alloc(1))
  peer.frames()
  peer.send(peer.headers(3, GET, WHOLE))
  for (let i = 0; i < 5; i++) peer.seen[1]!.stream.sendHead(fields(":status: 103"), false)
  peer.seen[1]!.stream.sendHead(OK, true)
  peer.accepts = true
  peer.session.onTransportDrained()
  expect(peer.words()).toEqual(["HEADERS 3", "HEADERS 3", "HEADERS 3 END"])
})

test("lastProgressAt tells how long queued data has not moved", () => {
  const { peer, streams } = withAnswers(1, {}, settings([4, 0]))
  peer.now = 5000
  streams[0]!.write(Buffer.alloc(10))
  peer.now = 6000
  streams[0]!.write(Buffer.alloc(10))
  expect(peer.session.lastProgressAt).toBe(5000)
  peer.now = 9000
  peer.send(widen(1, 5))
  expect(peer.session.lastProgressAt).toBe(9000)
})

test("credit goes back by half windows, for the stream and the connection, and only for what was consumed", () => {
  const peer = new ScriptedPeer("server", { streamWindowBytes: 100_000, connectionWindowBytes: 150_000 })
  peer.send(peer.headers(1, POST))
  const { user, stream } = peer.seen[0]!
  user.consumes = false
  for (let i = 0; i < 6; i++) peer.send(frame(DATA, 0, 1, Buffer.alloc(16_000)))
  expect(peer.words()).toEqual([])
  stream.consumed(49_999)
  expect(peer.words()).toEqual([])
  stream.consumed(1)
  expect(peer.words()).toEqual(["WINDOW_UPDATE 1 50000"])
  stream.consumed(1_000_000)
  expect(peer.words()).toEqual(["WINDOW_UPDATE 0 96000"])
  stream.reset(0)
  expect(peer.words()).toEqual(["RST_STREAM 1 0"])
})

test("a stream that closes gives what it held back to the connection", () => {
  const peer = new ScriptedPeer("server", { connectionWindowBytes: 65_535 })
  peer.send(peer.headers(1, POST))
  peer.seen[0]!.user.consumes = false
  for (let i = 0; i < 3; i++) peer.send(frame(DATA, 0, 1, Buffer.alloc(15_000)))
  expect(peer.words()).toEqual([])
  peer.seen[0]!.stream.reset(ErrorCode.CANCEL)
  peer.seen[0]!.stream.consumed(45_000)
  expect(peer.words()).toEqual([`RST_STREAM 1 ${ErrorCode.CANCEL}`, "WINDOW_UPDATE 0 45000"])
})

test("an overrun stream window ends the stream, an overrun connection window the connection", () => {
  const peer = new ScriptedPeer("server", { streamWindowBytes: 1000 })
  peer.send(peer.headers(1, POST))
  peer.send(frame(DATA, 0, 1, Buffer.alloc(1001)))
  expect(peer.words()).toEqual([`RST_STREAM 1 ${ErrorCode.FLOW_CONTROL_ERROR}`])
  const wide = new ScriptedPeer("server", { connectionWindowBytes: 65_535 })
  wide.send(wide.headers(1, POST))
  wide.seen[0]!.user.consumes = false
  for (let i = 0; i < 4; i++) wide.send(frame(DATA, 0, 1, Buffer.alloc(16_384)))
  expect(wide.goAway()).toBe(ErrorCode.FLOW_CONTROL_ERROR)
})

test("until our smaller window is acknowledged the default counts", () => {
  const peer = new ScriptedPeer("server", { streamWindowBytes: 100 }, false)
  peer.send(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings(), peer.headers(1, POST))
  peer.seen[0]!.user.consumes = false
  peer.send(frame(DATA, 0, 1, Buffer.alloc(5000)), frame(SETTINGS, Flag.ACK, 0))
  expect(peer.seen[0]!.user.resets).toEqual([])
  peer.seen[0]!.stream.consumed(5000)
  peer.frames()
  peer.send(frame(DATA, 0, 1, Buffer.alloc(101)))
  expect(peer.seen[0]!.user.resets).toEqual([ErrorCode.FLOW_CONTROL_ERROR])
})
