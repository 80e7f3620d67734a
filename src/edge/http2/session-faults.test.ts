import { describe, expect, test } from "bun:test"
import { ErrorCode } from "./error-codes"
import { CLIENT_PREFACE, Flag, FrameType } from "./frame"
import { fields, frame, GET, OK, POST, ScriptedPeer, settings, uint32, withStreams } from "./session.fixture"

const { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION } = FrameType
const { END_HEADERS, END_STREAM, PADDED } = Flag
const WHOLE = END_HEADERS | END_STREAM

describe("a fault that ends the connection", () => {
  const big = Buffer.alloc(16_385)
  test.each<[string, number, (peer: ScriptedPeer) => Buffer[]]>([
    ["DATA on no stream", ErrorCode.PROTOCOL_ERROR, () => [frame(DATA, 0, 0, [1])]],
    ["DATA on an idle stream", ErrorCode.PROTOCOL_ERROR, () => [frame(DATA, 0, 5, [1])]],
    ["DATA on an even stream", ErrorCode.PROTOCOL_ERROR, () => [frame(DATA, 0, 2, [1])]],
    ["DATA with more padding than payload", ErrorCode.PROTOCOL_ERROR, () => [frame(DATA, PADDED, 1, [2, 0])]],
    ["padded DATA without payload", ErrorCode.FRAME_SIZE_ERROR, () => [frame(DATA, PADDED, 1)]],
    ["HEADERS with more padding than payload", ErrorCode.PROTOCOL_ERROR, () => [frame(HEADERS, WHOLE | PADDED, 5, [4, 0x82])]],
    ["HEADERS on no stream", ErrorCode.PROTOCOL_ERROR, (peer) => [peer.headers(0, GET)]],
    ["HEADERS on an even stream", ErrorCode.PROTOCOL_ERROR, (peer) => [peer.headers(4, GET)]],
    ["HEADERS on an identifier that was passed over", ErrorCode.PROTOCOL_ERROR, (peer) => [peer.headers(9, GET), peer.headers(7, GET)]],
    ["HEADERS too short for their priority", ErrorCode.FRAME_SIZE_ERROR, () => [frame(HEADERS, WHOLE | Flag.PRIORITY, 5, [0, 0])]],
    ["a frame above the announced size", ErrorCode.FRAME_SIZE_ERROR, () => [frame(HEADERS, WHOLE, 5, big)]],
    ["a block that does not decode", ErrorCode.COMPRESSION_ERROR, () => [frame(HEADERS, WHOLE, 5, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff])]],
    ["CONTINUATION without HEADERS", ErrorCode.PROTOCOL_ERROR, () => [frame(CONTINUATION, END_HEADERS, 1, [0x82])]],
    ["CONTINUATION on another stream", ErrorCode.PROTOCOL_ERROR, () => [frame(HEADERS, 0, 5), frame(CONTINUATION, END_HEADERS, 7, [0x82])]],
    ["a frame within a header block", ErrorCode.PROTOCOL_ERROR, () => [frame(HEADERS, 0, 5), frame(PING, 0, 0, Buffer.alloc(8))]],
    ["DATA within a header block", ErrorCode.PROTOCOL_ERROR, () => [frame(HEADERS, 0, 5), frame(DATA, 0, 1, [1])]],
    ["an unknown frame within a header block", ErrorCode.PROTOCOL_ERROR, () => [frame(HEADERS, 0, 5), frame(0xfa, 0, 0)]],
    ["PRIORITY on no stream", ErrorCode.PROTOCOL_ERROR, () => [frame(PRIORITY, 0, 0, Buffer.alloc(5))]],
    ["RST_STREAM on no stream", ErrorCode.PROTOCOL_ERROR, () => [frame(RST_STREAM, 0, 0, uint32(0))]],
    ["RST_STREAM on an idle stream", ErrorCode.PROTOCOL_ERROR, () => [frame(RST_STREAM, 0, 5, uint32(0))]],
    ["RST_STREAM of three bytes", ErrorCode.FRAME_SIZE_ERROR, () => [frame(RST_STREAM, 0, 1, [0, 0, 0])]],
    ["SETTINGS on a stream", ErrorCode.PROTOCOL_ERROR, () => [frame(SETTINGS, 0, 1)]],
    ["SETTINGS of five bytes", ErrorCode.FRAME_SIZE_ERROR, () => [frame(SETTINGS, 0, 0, Buffer.alloc(5))]],
    ["an acknowledgement with settings", ErrorCode.FRAME_SIZE_ERROR, () => [frame(SETTINGS, Flag.ACK, 0, Buffer.alloc(6))]],
    ["ENABLE_PUSH of 2", ErrorCode.PROTOCOL_ERROR, () => [settings([2, 2])]],
    ["an initial window of 2^31", ErrorCode.FLOW_CONTROL_ERROR, () => [settings([4, 2 ** 31])]],
    ["a frame size below the least", ErrorCode.PROTOCOL_ERROR, () => [settings([5, 16_383])]],
    ["a frame size above the most", ErrorCode.PROTOCOL_ERROR, () => [settings([5, 2 ** 24])]],
    ["ENABLE_CONNECT_PROTOCOL of 2", ErrorCode.PROTOCOL_ERROR, () => [settings([8, 2])]],
    [
      "an initial window that makes a stream's overflow",
      ErrorCode.FLOW_CONTROL_ERROR,
      () => [frame(WINDOW_UPDATE, 0, 1, uint32(1000)), settings([4, 2 ** 31 - 1])],
    ],
    ["PUSH_PROMISE", ErrorCode.PROTOCOL_ERROR, () => [frame(PUSH_PROMISE, END_HEADERS, 1, uint32(2))]],
    ["PING on a stream", ErrorCode.PROTOCOL_ERROR, () => [frame(PING, 0, 1, Buffer.alloc(8))]],
    ["PING of seven bytes", ErrorCode.FRAME_SIZE_ERROR, () => [frame(PING, 0, 0, Buffer.alloc(7))]],
    ["GOAWAY on a stream", ErrorCode.PROTOCOL_ERROR, () => [frame(GOAWAY, 0, 1, Buffer.alloc(8))]],
    ["GOAWAY of four bytes", ErrorCode.FRAME_SIZE_ERROR, () => [frame(GOAWAY, 0, 0, Buffer.alloc(4))]],
    ["WINDOW_UPDATE of three bytes", ErrorCode.FRAME_SIZE_ERROR, () => [frame(WINDOW_UPDATE, 0, 0, Buffer.alloc(3))]],
    ["WINDOW_UPDATE of nothing on the connection", ErrorCode.PROTOCOL_ERROR, () => [frame(WINDOW_UPDATE, 0, 0, uint32(0))]],
    ["WINDOW_UPDATE on an idle stream", ErrorCode.PROTOCOL_ERROR, () => [frame(WINDOW_UPDATE, 0, 5, uint32(1))]],
    ["a connection window above 2^31 - 1", ErrorCode.FLOW_CONTROL_ERROR, () => [frame(WINDOW_UPDATE, 0, 0, uint32(2 ** 31 - 1))]],
  ])("%s", (_, code, send) => {
    const peer = withStreams()
    // What follows in the same bytes is not looked at.
    peer.send(...send(peer), peer.headers(21, GET, WHOLE))
    expect(peer.seen.some(({ stream }) => stream.id === 21)).toBe(false)
    expect(peer.closed?.code).toBe(code)
    expect(peer.goAway()).toBe(code)
    expect(peer.ended).toBe(true)
    expect(peer.seen[0]!.user.resets).toEqual([code])
    expect(peer.closedCalls).toBe(1)
    // Deaf from here on.
    peer.send(frame(PING, 0, 0, Buffer.alloc(8)))
    expect(peer.words()).toEqual([])
  })

  test("a first frame that is not SETTINGS, and a false preface", () => {
    const early = new ScriptedPeer("server", {}, false)
    early.send(CLIENT_PREFACE, frame(PING, 0, 0, Buffer.alloc(8)))
    expect(early.goAway()).toBe(ErrorCode.PROTOCOL_ERROR)
    const data = new ScriptedPeer("server", {}, false)
    data.send(CLIENT_PREFACE, frame(DATA, 0, 1, [1]))
    expect(data.goAway()).toBe(ErrorCode.PROTOCOL_ERROR)
    const other = new ScriptedPeer("server", {}, false)
    other.send(Buffer.from("GET / HTTP/1.1\r\n"))
    expect(other.goAway()).toBe(ErrorCode.PROTOCOL_ERROR)
  })

  test("DATA or HEADERS on a stream that both sides ended", () => {
    for (const late of ["data", "headers"]) {
      const peer = new ScriptedPeer()
      peer.onRequest = ({ stream }) => stream.sendHead(OK, true)
      peer.send(peer.headers(1, GET, WHOLE))
      peer.send(late === "data" ? frame(DATA, 0, 1, [1]) : peer.headers(1, GET, WHOLE))
      expect(peer.goAway()).toBe(ErrorCode.STREAM_CLOSED)
    }
  })
})

describe("a fault that ends the stream alone", () => {
  test.each<[string, number, number, (peer: ScriptedPeer) => Buffer[]]>([
    ["DATA after its end", 3, ErrorCode.STREAM_CLOSED, () => [frame(DATA, 0, 3, [1])]],
    ["HEADERS after its end", 3, ErrorCode.STREAM_CLOSED, (peer) => [peer.headers(3, GET, WHOLE)]],
    ["PRIORITY of four bytes", 1, ErrorCode.FRAME_SIZE_ERROR, () => [frame(PRIORITY, 0, 1, Buffer.alloc(4))]],
    ["WINDOW_UPDATE of nothing", 1, ErrorCode.PROTOCOL_ERROR, () => [frame(WINDOW_UPDATE, 0, 1, uint32(0))]],
    ["a window above 2^31 - 1", 1, ErrorCode.FLOW_CONTROL_ERROR, () => [frame(WINDOW_UPDATE, 0, 1, uint32(2 ** 31 - 1))]],
    ["trailers that do not end it", 1, ErrorCode.PROTOCOL_ERROR, (peer) => [peer.headers(1, fields("a: b"))]],
    ["pseudo fields in trailers", 1, ErrorCode.PROTOCOL_ERROR, (peer) => [peer.headers(1, GET, WHOLE)]],
  ])("%s", (_, id, code, send) => {
    const peer = withStreams()
    peer.send(...send(peer))
    expect(peer.words()).toEqual([`RST_STREAM ${id} ${code}`])
    expect(peer.seen.find(({ stream }) => stream.id === id)!.user.resets).toEqual([code])
    expect(peer.session.streams).toBe(1)
    expect(peer.closed).toBeUndefined()
  })

  test.each<[string, string, Buffer[], boolean]>([
    ["more data than declared", "3", [frame(DATA, 0, 1, Buffer.from("abcd"))], false],
    ["less data than declared", "3", [frame(DATA, END_STREAM, 1, Buffer.from("ab"))], false],
    ["an end without the declared data", "3", [frame(DATA, END_STREAM, 1)], false],
    ["as much data as declared", "3", [frame(DATA, 0, 1, Buffer.from("ab")), frame(DATA, END_STREAM, 1, Buffer.from("c"))], true],
  ])("a content-length and %s", (_, length, frames, isGood) => {
    const peer = new ScriptedPeer()
    peer.send(peer.headers(1, [...POST, { name: "content-length", value: length }]), ...frames)
    expect(peer.seen[0]!.user.ended).toBe(isGood)
    expect(peer.seen[0]!.user.resets).toEqual(isGood ? [] : [ErrorCode.PROTOCOL_ERROR])
  })

  test("a malformed request is never passed up, and its frames that follow are ignored", () => {
    const peer = new ScriptedPeer()
    peer.send(peer.headers(1, fields(":method: GET\n:path: /")), frame(DATA, END_STREAM, 1, Buffer.from("x")))
    expect(peer.words()).toEqual([`RST_STREAM 1 ${ErrorCode.PROTOCOL_ERROR}`])
    peer.send(peer.headers(3, [...GET, { name: "content-length", value: "1" }], WHOLE))
    expect(peer.words()).toEqual([`RST_STREAM 3 ${ErrorCode.PROTOCOL_ERROR}`])
    expect(peer.seen).toEqual([])
    peer.send(peer.headers(5, GET, WHOLE))
    expect(peer.seen.length).toBe(1)
  })
})
