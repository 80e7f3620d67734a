import { expect, test } from "bun:test"
import { ErrorCode } from "./error-codes"
import { Flag, FrameType } from "./frame"
import { fields, frame, GET, OK, POST, RecordingUser, ScriptedPeer, settings, uint32 } from "./session.fixture"

const { DATA, HEADERS, PUSH_PROMISE, GOAWAY } = FrameType
const { END_HEADERS, END_STREAM } = Flag
const WHOLE = END_HEADERS | END_STREAM

function client() {
  const peer = new ScriptedPeer("client")
  const user = new RecordingUser()
  user.stream = peer.session.request(GET, true, user)!
  peer.frames()
  return { peer, user }
}

test("interim heads, a final head, data and trailers are told", () => {
  const { peer, user } = client()
  peer.send(
    peer.headers(1, fields(":status: 103")),
    peer.headers(1, OK),
    frame(DATA, 0, 1, Buffer.from("hi")),
    peer.headers(1, fields("a: b"), WHOLE),
  )
  expect(user.heads).toEqual([fields(":status: 103"), OK])
  expect(user.bytes.toString()).toBe("hi")
  expect(user.trailers).toEqual(fields("a: b"))
  expect(peer.session.streams).toBe(0)
})

test.each<[string, string, boolean]>([
  ["GET", "200", false],
  ["HEAD", "200", true],
  ["GET", "304", true],
])("a length without a body answers %s with %s: %p", (method, status, isGood) => {
  const peer = new ScriptedPeer("client")
  const user = new RecordingUser()
  user.stream = peer.session.request([{ name: ":method", value: method }, ...GET.slice(1)], true, user)!
  peer.send(peer.headers(1, fields(`:status: ${status}\ncontent-length: 5`), WHOLE))
  expect(user.ended).toBe(isGood)
  expect(user.resets).toEqual(isGood ? [] : [ErrorCode.PROTOCOL_ERROR])
})

test.each([
  ":status: 101",
  ":status: 20",
  ":status: 200\n:path: /",
  "a: b",
  ":status: 200\nTransfer: x",
  ":status: 200\nconnection: close",
])("a response with %p is a fault of its stream", (text) => {
  const { peer, user } = client()
  peer.send(peer.headers(1, fields(text)))
  expect(user.resets).toEqual([ErrorCode.PROTOCOL_ERROR])
  expect(user.heads).toEqual([])
  expect(peer.closed).toBeUndefined()
})

test("a length in the answer to CONNECT means nothing once there is a tunnel", () => {
  const peer = new ScriptedPeer("client")
  const user = new RecordingUser()
  user.stream = peer.session.request(fields(":method: CONNECT\n:authority: a.test:1"), false, user)!
  peer.send(peer.headers(1, fields(":status: 200\ncontent-length: 1")), frame(DATA, END_STREAM, 1, Buffer.from("more")))
  expect([user.bytes.toString(), user.ended, user.resets]).toEqual(["more", true, []])
})

test("an answer may end before the request has, and the rest of the request still goes", () => {
  const peer = new ScriptedPeer("client")
  const user = new RecordingUser()
  user.stream = peer.session.request(POST, false, user)!
  peer.send(peer.headers(1, fields(":status: 413"), WHOLE))
  expect([user.ended, peer.session.streams]).toEqual([true, 1])
  user.stream.write(Buffer.from("rest"), true)
  expect(peer.words()).toEqual(["HEADERS 1", "DATA 1 END 4"])
  expect(peer.session.streams).toBe(0)
})

test("DATA before the final head, and an interim head that ends, are faults of the stream", () => {
  for (const part of ["data", "interim"]) {
    const { peer, user } = client()
    peer.send(part === "data" ? frame(DATA, 0, 1, [1]) : peer.headers(1, fields(":status: 103"), WHOLE))
    expect(user.resets).toEqual([ErrorCode.PROTOCOL_ERROR])
  }
})

test("a promise, a false ENABLE_PUSH and a response to nothing end the connection", () => {
  for (const part of [frame(PUSH_PROMISE, END_HEADERS, 1, uint32(2)), settings([2, 1]), frame(HEADERS, WHOLE, 3, [0x88])]) {
    const { peer } = client()
    peer.send(part)
    expect(peer.goAway()).toBe(ErrorCode.PROTOCOL_ERROR)
  }
})

test("GOAWAY gives back the streams that the server did not take, and forbids others", () => {
  const { peer, user } = client()
  const second = new RecordingUser()
  second.stream = peer.session.request(GET, true, second)!
  peer.send(frame(GOAWAY, 0, 0, uint32(1, 0)))
  expect(second.resets).toEqual([ErrorCode.REFUSED_STREAM])
  expect(user.resets).toEqual([])
  expect(peer.session.request(GET, true, new RecordingUser())).toBeUndefined()
  expect(peer.session.draining).toBe(true)
  peer.send(peer.headers(1, OK, WHOLE))
  peer.bytes()
  expect(user.ended).toBe(true)
  expect(peer.closed?.code).toBe(ErrorCode.NO_ERROR)
})

test("the server's limit of streams and its settings are kept to", () => {
  const peer = new ScriptedPeer("client")
  expect(peer.session.peerAllowsExtendedConnect).toBe(false)
  expect([new ScriptedPeer("client", {}, false).session.peerMaxStreams, peer.session.peerMaxStreams]).toEqual([100, 2 ** 31 - 1])
  peer.send(settings([3, 1], [8, 1]))
  expect([peer.session.peerMaxStreams, peer.session.peerAllowsExtendedConnect]).toEqual([1, true])
  expect(peer.session.request(GET, true, new RecordingUser())).toBeDefined()
  expect(peer.session.request(GET, true, new RecordingUser())).toBeUndefined()
})

test("a request that was reset before it left is never heard of, and the order of the others stays", () => {
  const peer = new ScriptedPeer("client")
  peer.accepts = false
  peer.session.request(GET, true, new RecordingUser())
  peer.bytes()
  const waiting = [1, 2, 3].map(() => peer.session.request(GET, true, new RecordingUser())!)
  waiting[1]!.reset(ErrorCode.CANCEL)
  expect(peer.words()).toEqual([])
  peer.accepts = true
  peer.session.onTransportDrained()
  expect(peer.words()).toEqual(["HEADERS 3 END", "HEADERS 7 END"])
})
