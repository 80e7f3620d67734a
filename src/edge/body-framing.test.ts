import { expect, test } from "bun:test"
import { BodyDecoder, frameMessage } from "./body-framing"

const decodeBy = (decoder: BodyDecoder, bytes: string, step: number) => {
  const pieces: Buffer[] = []
  const input = Buffer.from(bytes, "latin1")
  let used = 0
  for (let at = 0; at < input.length && !decoder.done; at += step) used += decoder.decode(input.subarray(at, at + step), pieces)
  return { body: Buffer.concat(pieces).toString("latin1"), used }
}

test.each([1, 2, 3, 5, 1000])("a chunked body is the same however it is cut (%d bytes at a time)", (step) => {
  const decoder = new BodyDecoder({ kind: "chunked" })
  const whole = '5\r\nhello\r\n0b;a="b"\r\n the\r\nworld\r\n00\r\nA: b\r\nC:d\r\n\r\n'
  const { body, used } = decodeBy(decoder, `${whole}GET /`, step)
  expect(body).toBe("hello the\r\nworld")
  expect(decoder.done).toBe(true)
  expect(used).toBe(whole.length)
  expect(decoder.trailers).toMatchObject([
    { name: "a", value: "b" },
    { name: "c", value: "d" },
  ])
})

test("a counted body takes exactly its bytes", () => {
  const decoder = new BodyDecoder({ kind: "length", length: 5 })
  expect(decodeBy(decoder, "helloGET /", 1000)).toEqual({ body: "hello", used: 5 })
  expect(decoder.done).toBe(true)
})

test.each([
  ["", [], false, undefined, ""],
  ["head", [], false, undefined, "head"],
  ["head", ["a", "b"], false, undefined, "headab"],
  ["", ["a", "bc"], true, undefined, "3\r\nabc\r\n"],
  ["head", ["a"], true, "\r\n", "head1\r\na\r\n0\r\n\r\n"],
  ["", [], true, "A: b\r\n\r\n", "0\r\nA: b\r\n\r\n"],
] as [string, string[], boolean, string | undefined, string][])(
  "%p with %p (chunked: %p, end: %p) is one write of %p",
  (head, pieces, chunked, end, out) => {
    const buffers = frameMessage(
      head,
      pieces.map((piece) => Buffer.from(piece)),
      chunked,
      end,
    )
    expect(Buffer.concat(buffers).toString()).toBe(out)
    expect(buffers.length).toBe(out === "" ? 0 : 1)
  },
)
