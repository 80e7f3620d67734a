import { expect, test } from "bun:test"
import { BodyDecoder, type BodyPart, bodyPart, writePart } from "./body-framing"
import { trailerDropped } from "./field-name"
import type { HeaderField } from "./http2/hpack-table"
import { Outbox } from "./outbox"
import { Wire } from "./wire"

const decodeBy = (decoder: BodyDecoder, bytes: string, step: number) => {
  const input = Buffer.from(bytes, "latin1")
  let body = ""
  let used = 0
  for (let at = 0; at < input.length && !decoder.done; at += step) {
    used += decoder.decode(input.subarray(at, at + step), 0)
    for (let i = 0; i < decoder.count; i += 2) body += decoder.input.toString("latin1", decoder.ranges[i], decoder.ranges[i + 1])
  }
  return { body, used }
}

test.each([1, 2, 3, 5, 1000])("a chunked body is the same however it is cut (%d bytes at a time)", (step) => {
  const decoder = new BodyDecoder({ kind: "chunked" })
  const whole = '5\r\nhello\r\n0b;a="b"\r\n the\r\nworld\r\n00\r\nA: b\r\nC:d\r\n\r\n'
  const { body, used } = decodeBy(decoder, `${whole}GET /`, step)
  expect(body).toBe("hello the\r\nworld")
  expect(decoder.done).toBe(true)
  expect(used).toBe(whole.length)
  const trailers: HeaderField[] = []
  decoder.trailers?.appendTo(trailers, trailerDropped, [])
  expect(trailers).toEqual([
    { name: "a", value: "b" },
    { name: "c", value: "d" },
  ])
})

test("a counted body takes exactly its bytes", () => {
  const decoder = new BodyDecoder({ kind: "length", length: 5 })
  expect(decodeBy(decoder, "helloGET /", 1000)).toEqual({ body: "hello", used: 5 })
  expect(decoder.done).toBe(true)
})

/** What is written of a head and a part, and in how many writes. */
function written(head: string, part: BodyPart, chunked: boolean): string[] {
  const writes: string[] = []
  const wire = new Wire()
  const socket = {
    write: (bytes: Uint8Array, from: number, size: number) => writes.push(Buffer.from(bytes).toString("latin1", from, from + size)) && size,
  }
  wire.open({ ...socket, shutdown() {}, close() {}, terminate() {}, pause() {}, resume() {} })
  const out = new Outbox().begin(wire).text(head)
  writePart(out, part, chunked)
  out.send()
  return writes
}

const part = (text: string, done = false) => bodyPart(Buffer.from(text), done)
const pieces: BodyPart = { input: Buffer.from("a-bc"), ranges: [0, 1, 2, 4], count: 4, done: false, trailers: undefined, lasting: false }

test.each([
  ["", part(""), false, []],
  ["head", part(""), false, ["head"]],
  ["head", pieces, false, ["headabc"]],
  ["", pieces, true, ["3\r\nabc\r\n"]],
  ["head", part("a", true), true, ["head1\r\na\r\n0\r\n\r\n"]],
  ["head", part("a", true), false, ["heada"]],
  ["", part("", true), true, ["0\r\n\r\n"]],
] as [string, BodyPart, boolean, string[]][])("%p with %p (chunked: %p) is written as %p", (head, body, chunked, writes) => {
  expect(written(head, body, chunked)).toEqual(writes)
})

test("large bytes are written from where they are, in order", () => {
  const large = "x".repeat(20_000)
  expect(written("head", part(large, true), true)).toEqual(["head4e20\r\n", large, "\r\n0\r\n\r\n"])
})

test("trailers that change how a message is read stay behind", () => {
  const decoder = new BodyDecoder({ kind: "chunked" })
  decoder.decode(Buffer.from("0\r\nHost: b\r\ngrpc-status: 0\r\nContent-Type: x\r\nContent-Length: 3\r\n\r\n"), 0)
  expect(written("", decoder, true)).toEqual(["0\r\ngrpc-status: 0\r\n\r\n"])
})
