import { describe, expect, jest, test } from "bun:test"
import { ErrorCode } from "./error-codes"
import { CLIENT_PREFACE, Flag, FrameType } from "./frame"
import { fields, frame, GET, OK, POST, ScriptedPeer, settings, uint32, withStreams } from "./session.fixture"

const { DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION } = FrameType
const { END_HEADERS, END_STREAM, PADDED } = Flag
const WHOLE = END_HEADERS | END_STREAM

test("a server greets with its settings and a wider connection window, in one write", () => {
  const peer = new ScriptedPeer("server", {}, false)
  const [first, second, ...rest] = peer.frames()
  expect([first!.type, second!.type, rest]).toEqual([SETTINGS, WINDOW_UPDATE, []])
  const values = new Map(
    Array.from({ length: first!.payload.length / 6 }, (_, i) => [
      first!.payload.readUInt16BE(i * 6),
      first!.payload.readUInt32BE(i * 6 + 2),
    ]),
  )
  expect([...values].sort((a, b) => a[0] - b[0])).toEqual([
    [1, 4096],
    [3, 128],
    [4, 262_144],
    [5, 16_384],
    [6, 32_768],
    [8, 1],
  ])
  expect(second!.payload.readUInt32BE(0)).toBe(1024 * 1024 - 65_535)
  expect(peer.writes).toBe(1)
})

test("a client greets with the preface and forbids push", () => {
  const bytes = new ScriptedPeer("client", {}, false).bytes()
  expect(bytes.subarray(0, 24)).toEqual(CLIENT_PREFACE)
  expect(bytes.includes(Buffer.from([0, 2, 0, 0, 0, 0]))).toBe(true)
})

test("a request and its answer: head, body and end leave in one write", () => {
  const peer = new ScriptedPeer()
  peer.onRequest = ({ stream }) => {
    stream.sendHead(OK, false)
    expect(stream.write(Buffer.from("hello"), true)).toBe(true)
  }
  const writes = peer.writes
  peer.send(peer.headers(1, GET, WHOLE), peer.headers(3, GET, WHOLE))
  expect(peer.words()).toEqual(["HEADERS 1", "DATA 1 END 5", "HEADERS 3", "DATA 3 END 5"])
  expect(peer.writes - writes).toBe(1)
  expect(peer.seen.map(({ fields, ended, tooLarge }) => ({ fields, ended, tooLarge }))).toEqual([
    { fields: GET, ended: true, tooLarge: false },
    { fields: GET, ended: true, tooLarge: false },
  ])
  expect(peer.session.streams).toBe(0)
})

test("an end that comes right after the data is a flag on it, later a frame of its own", () => {
  const peer = withStreams()
  const [one, three] = peer.seen.map(({ stream }) => stream)
  one!.sendHead(OK, false)
  one!.write(Buffer.from("ab"))
  three!.sendHead(OK, false)
  three!.write(Buffer.from("cd"))
  one!.end()
  expect(peer.words()).toEqual(["HEADERS 1", "DATA 1 END 2", "HEADERS 3", "DATA 3 2"])
  three!.end()
  expect(peer.words()).toEqual(["DATA 3 END 0"])
})

test("trailers end both ways", () => {
  const peer = new ScriptedPeer()
  peer.onRequest = ({ stream }) => stream.sendHead(OK, false)
  peer.send(peer.headers(1, POST), frame(DATA, 0, 1, Buffer.from("x")), peer.headers(1, fields("grpc-status: 0"), WHOLE))
  expect(peer.seen[0]!.user.trailers).toEqual(fields("grpc-status: 0"))
  peer.seen[0]!.stream.end(fields("x-sum: 1"))
  expect(peer.words()).toEqual(["HEADERS 1", "HEADERS 1 END"])
  expect(peer.session.streams).toBe(0)
})

test("a head larger than a frame goes in CONTINUATION frames, with nothing in between", () => {
  const peer = withStreams()
  const head = [...OK, { name: "x-large", value: "v".repeat(40_000) }]
  peer.seen[0]!.stream.sendHead(head, true)
  const frames = peer.frames()
  expect(frames.map(({ type, flags, payload }) => [type, flags, payload.length <= 16_384])).toEqual([
    [HEADERS, END_STREAM, true],
    [CONTINUATION, 0, true],
    [CONTINUATION, END_HEADERS, true],
  ])
  const decoded = peer.decoder.decode(Buffer.concat(frames.map(({ payload }) => payload)), { listBytes: 1e6, count: 10 })
  expect(decoded.fields).toEqual(head)
})

test("a head larger than the output buffer still goes, and one above the limit resets the stream alone", () => {
  const peer = withStreams()
  peer.seen[0]!.stream.sendHead([...OK, { name: "x-large", value: "v".repeat(150_000) }], true)
  const frames = peer.frames()
  expect(frames.length).toBeGreaterThan(9)
  expect(frames.reduce((sum, { payload }) => sum + payload.length, 0)).toBeGreaterThan(150_000)
  peer.seen[1]!.stream.sendHead([...OK, { name: "x-large", value: "v".repeat(300_000) }], true)
  expect(peer.words()).toEqual([`RST_STREAM 3 ${ErrorCode.INTERNAL_ERROR}`])
  expect(peer.seen[1]!.user.resets).toEqual([ErrorCode.INTERNAL_ERROR])
  expect(peer.closed).toBeUndefined()
})

test("padding and priority are taken off, and padding counts for the windows", () => {
  const peer = new ScriptedPeer("server", { streamWindowBytes: 100 })
  const block = peer.block(POST)
  peer.send(
    frame(HEADERS, END_HEADERS | PADDED | Flag.PRIORITY, 1, Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 7]), block, Buffer.alloc(3)])),
  )
  peer.send(frame(DATA, PADDED, 1, Buffer.concat([Buffer.from([90]), Buffer.from("data"), Buffer.alloc(90)])))
  expect(peer.seen[0]!.user.bytes.toString()).toBe("data")
  expect(peer.words()).toEqual(["WINDOW_UPDATE 1 91"])
})

test("DATA is handed on as it comes, in parts of any size", () => {
  const peer = new ScriptedPeer()
  const parts = Buffer.concat([
    peer.headers(1, POST),
    frame(DATA, PADDED, 1, Buffer.concat([Buffer.from([2]), Buffer.from("hello"), Buffer.alloc(2)])),
    frame(DATA, END_STREAM, 1, Buffer.from(" you")),
  ])
  for (const byte of parts) peer.send(Buffer.from([byte]))
  expect(peer.seen[0]!.user.bytes.toString()).toBe("hello you")
  expect(peer.seen[0]!.user.ended).toBe(true)
  expect(peer.closed).toBeUndefined()
})

test("PING is answered, SETTINGS are acknowledged, unknown frames and settings are ignored", () => {
  const peer = new ScriptedPeer()
  peer.send(frame(PING, 0, 0, Buffer.from("12345678")), settings([0x77, 5]), frame(0xf0, 0xff, 9, Buffer.from("?")))
  const [pong, ack, ...rest] = peer.frames()
  expect(pong).toEqual({ type: PING, flags: Flag.ACK, id: 0, payload: Buffer.from("12345678") })
  expect([ack!.type, ack!.flags, rest]).toEqual([SETTINGS, Flag.ACK, []])
})

test("the peer's reset is the last that the user hears, and frees the stream", () => {
  const peer = withStreams()
  const { stream, user } = peer.seen[0]!
  peer.send(
    frame(RST_STREAM, 0, 1, uint32(ErrorCode.CANCEL)),
    frame(RST_STREAM, 0, 1, uint32(ErrorCode.CANCEL)),
    frame(WINDOW_UPDATE, 0, 1, uint32(5)),
  )
  stream.sendHead(OK, false)
  expect(stream.write(Buffer.from("late"), true)).toBe(true)
  stream.reset(ErrorCode.CANCEL)
  expect(user.resets).toEqual([ErrorCode.CANCEL])
  expect(peer.words()).toEqual([])
  expect(peer.closed).toBeUndefined()
})

test("after our reset the peer's frames on their way are ignored, trailers and all, and their table entries are kept", () => {
  const peer = withStreams()
  peer.seen[0]!.stream.reset(ErrorCode.CANCEL)
  peer.send(frame(DATA, 0, 1, Buffer.alloc(1000)), peer.headers(1, fields("x-once: a-value-for-the-table"), WHOLE))
  peer.send(peer.headers(5, [...GET, { name: "x-once", value: "a-value-for-the-table" }], WHOLE))
  expect(peer.words()).toEqual([`RST_STREAM 1 ${ErrorCode.CANCEL}`])
  expect(peer.seen[0]!.user.resets).toEqual([])
  expect(peer.seen[2]!.fields.at(-1)).toEqual({ name: "x-once", value: "a-value-for-the-table" })
})

test("a head above the limits is reported as too large", () => {
  const peer = new ScriptedPeer("server", { headerListBytes: 500, headerCount: 20 })
  peer.onRequest = ({ stream }) => stream.sendHead(fields(":status: 431"), true)
  peer.send(peer.headers(1, [...GET, { name: "x", value: "y".repeat(500) }], WHOLE))
  peer.send(peer.headers(3, [...GET, ...Array.from({ length: 30 }, () => ({ name: "a", value: "" }))], WHOLE))
  expect(peer.seen.map(({ tooLarge }) => tooLarge)).toEqual([true, true])
  expect(peer.words()).toEqual(["HEADERS 1 END", "HEADERS 3 END"])
})

describe("a graceful end", () => {
  test("a server tells twice, serves what came in between, ignores what comes later, and ends with the last stream", () => {
    const peer = withStreams()
    peer.session.drain()
    expect(peer.words()).toEqual([`GOAWAY 0 ${2 ** 31 - 1} 0`, "PING 0"])
    peer.send(peer.headers(5, GET, WHOLE), frame(PING, Flag.ACK, 0, Buffer.from("freehold")), peer.headers(7, GET, WHOLE))
    expect(peer.words()).toEqual(["GOAWAY 0 5 0"])
    expect(peer.seen.map(({ stream }) => stream.id)).toEqual([1, 3, 5])
    for (const { stream } of peer.seen) stream.sendHead(OK, true)
    expect(peer.ended).toBe(false)
    peer.send(frame(DATA, END_STREAM, 1))
    expect(peer.words()).toEqual(["HEADERS 1 END", "HEADERS 3 END", "HEADERS 5 END", "GOAWAY 0 5 0"])
    expect(peer.ended).toBe(true)
    expect(peer.closed?.code).toBe(ErrorCode.NO_ERROR)
  })

  test("a server whose PING is not answered goes on after a short time", async () => {
    const peer = new ScriptedPeer("server", { drainNoticeMs: 5 })
    peer.session.drain()
    while (!peer.closed) {
      await Bun.sleep(1)
      peer.bytes()
    }
    expect(peer.closed.code).toBe(ErrorCode.NO_ERROR)
  })

  test("a session that is gone leaves no timer", () => {
    jest.useFakeTimers()
    try {
      const peer = withStreams()
      peer.session.drain()
      expect(jest.getTimerCount()).toBe(1)
      peer.session.onTransportClosed()
      expect(jest.getTimerCount()).toBe(0)
    } finally {
      jest.useRealTimers()
    }
  })

  test("a server ends when the client said GOAWAY and its streams are done", () => {
    const peer = withStreams()
    peer.send(frame(RST_STREAM, 0, 1, uint32(8)), frame(GOAWAY, 0, 0, uint32(0, 0)))
    peer.seen[1]!.stream.sendHead(OK, true)
    peer.bytes()
    expect(peer.closed?.code).toBe(ErrorCode.NO_ERROR)
  })

  test("the transport's end resets what is open", () => {
    const peer = withStreams()
    peer.session.onTransportClosed()
    expect(peer.seen.map(({ user }) => user.resets)).toEqual([[ErrorCode.CANCEL], [ErrorCode.CANCEL]])
    expect(peer.closedCalls).toBe(1)
  })
})
