import { expect, test } from "bun:test"
import type { HeaderField } from "./hpack-table"
import { defaultHttp2Limits, type Http2Limits } from "./limits"
import { Http2Session } from "./session"
import { fields, OK, POST, RecordingUser } from "./session.fixture"
import type { Http2Stream, StreamUser } from "./stream"

/** A small generator of the same numbers for the same seed (xorshift). */
function random(seed: number): (below: number) => number {
  let state = seed || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** Two sessions joined by two pipes that hold a few bytes, cut them anywhere, and stall. */
class Pair {
  readonly client: Http2Session
  readonly server: Http2Session
  readonly closed: { code: number; message: string }[] = []
  private tasks: (() => void)[] = []
  private pipes: { bytes: Buffer; full: boolean; to: () => Http2Session; from: () => Http2Session }[]

  constructor(
    private dice: (below: number) => number,
    limits: { client: Partial<Http2Limits>; server: Partial<Http2Limits> },
    serve: (stream: Http2Stream, head: HeaderField[], ended: boolean) => StreamUser,
  ) {
    this.pipes = [
      { bytes: Buffer.alloc(0), full: false, to: () => this.server, from: () => this.client },
      { bytes: Buffer.alloc(0), full: false, to: () => this.client, from: () => this.server },
    ]
    const make = (role: "client" | "server", pipe: number) =>
      new Http2Session({
        role,
        limits: { ...defaultHttp2Limits, ...limits[role] },
        transport: { write: (bytes) => this.carry(pipe, bytes), end() {}, destroy() {} },
        onStream: serve,
        onClosed: (reason) => this.closed.push(reason),
        schedule: (run) => this.tasks.push(run),
      })
    this.client = make("client", 0)
    this.server = make("server", 1)
  }

  /** Lets everything happen that can. */
  run(): void {
    for (let busy = true; busy;) {
      busy = this.tasks.length > 0
      while (this.tasks.length > 0) this.tasks.shift()!()
      for (const pipe of this.pipes) {
        if (pipe.bytes.length === 0) continue
        busy = true
        const size = 1 + this.dice(Math.min(pipe.bytes.length, this.dice(3) === 0 ? 12 : 30_000))
        const part = Buffer.from(pipe.bytes.subarray(0, size))
        pipe.bytes = pipe.bytes.subarray(size)
        pipe.to().receive(part)
        // What was handed over may not be kept.
        part.fill(0xee)
        if (!pipe.full || pipe.bytes.length > 0) continue
        pipe.full = false
        pipe.from().onTransportDrained()
      }
    }
  }

  private carry(index: number, bytes: Buffer): boolean {
    const pipe = this.pipes[index]!
    pipe.bytes = Buffer.concat([pipe.bytes, bytes])
    if (pipe.bytes.length > 3000 && this.dice(2) === 0) pipe.full = true
    return !pipe.full
  }
}

/** Writes `body` in pieces of any size as far as there is room, and ends it in one of the three ways. */
class Source extends RecordingUser {
  private at = 0

  constructor(
    readonly body: Buffer,
    private dice: (below: number) => number,
    private ending: HeaderField[] | undefined,
  ) {
    super()
  }

  override onDrain(): void {
    while (this.at < this.body.length) {
      const from = this.at
      this.at = Math.min(this.body.length, from + 1 + this.dice(this.dice(4) === 0 ? 50_000 : 200))
      const last = this.at === this.body.length
      const room = this.stream.write(this.body.subarray(from, this.at), last && this.ending === undefined && this.body.length % 2 === 0)
      if (last) this.stream.end(this.ending)
      if (!room) return
    }
    if (this.body.length === 0) this.stream.end(this.ending)
  }
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])("bodies both ways arrive whole through small windows, cut bytes and stalls (seed %i)", (seed) => {
  const dice = random(seed * 7919)
  const bodyOf = () => Buffer.from(Array.from({ length: dice(4) === 0 ? dice(3) : dice(50_000) }, () => dice(256)))
  const windows = () => ({
    streamWindowBytes: [1, 50, 5000, 70_000][dice(4)]!,
    connectionWindowBytes: [100, 20_000, 65_535, 200_000][dice(4)]!,
    streamBufferBytes: [100, 10_000, 65_536][dice(3)]!,
    // One byte a window means two updates a byte.
    controlBurst: 1e6,
  })
  const answers = new Map<string, Source>()
  const pair = new Pair(dice, { client: windows(), server: windows() }, (stream, head, ended) => {
    const answer = new Source(bodyOf(), dice, dice(2) === 0 ? fields("x-sum: 1") : undefined)
    answer.stream = stream
    answer.ended = ended
    answers.set(head.at(-1)!.value, answer)
    stream.sendHead(fields(":status: 103"), false)
    stream.sendHead(OK, false)
    answer.onDrain()
    return answer
  })
  const requests: Source[] = []
  for (let i = 0; i < 12; i++) {
    const source = new Source(bodyOf(), dice, dice(2) === 0 ? fields("x-end: 1") : undefined)
    source.stream = pair.client.request([...POST, { name: "x-number", value: String(i) }], false, source)!
    source.onDrain()
    requests.push(source)
  }
  pair.run()
  for (const [i, request] of requests.entries()) {
    const answer = answers.get(String(i))!
    expect(answer.bytes.equals(request.body)).toBe(true)
    expect(request.bytes.equals(answer.body)).toBe(true)
    expect([request.ended, answer.ended, request.resets, answer.resets]).toEqual([true, true, [], []])
    expect(request.heads.at(-1)).toEqual(OK)
  }
  expect([pair.client.streams, pair.server.streams, pair.client.queuedBytes, pair.server.queuedBytes]).toEqual([0, 0, 0, 0])
  pair.server.drain()
  pair.run()
  expect(pair.closed.map(({ code }) => code)).toEqual([0, 0])
})

test("any bytes at all end in a GOAWAY or in nothing, never in an exception", () => {
  const dice = random(42)
  for (let round = 0; round < 300; round++) {
    const closed: number[] = []
    const tasks: (() => void)[] = []
    const session = new Http2Session({
      role: "server",
      limits: defaultHttp2Limits,
      transport: { write: () => true, end() {}, destroy() {} },
      onStream: () => new RecordingUser(false),
      onClosed: ({ code }) => closed.push(code),
      schedule: (run) => tasks.push(run),
    })
    session.receive(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1"))
    for (let i = 0; i < 40 && closed.length === 0; i++) {
      const length = dice(20)
      const head = [0, 0, length, dice(12), dice(64), 0, 0, 0, dice(12)]
      session.receive(Buffer.from([...head, ...Array.from({ length }, () => dice(256))]))
    }
    session.onTransportClosed()
    while (tasks.length > 0) tasks.shift()!()
    expect(closed.length).toBe(1)
  }
})
