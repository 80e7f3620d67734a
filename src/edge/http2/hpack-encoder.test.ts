import { afterAll, expect, test } from "bun:test"
import { connect as connectHttp2 } from "node:http2"
import { createServer, type AddressInfo } from "node:net"
import { HpackDecoder } from "./hpack-decoder"
import { HpackEncoder } from "./hpack-encoder"
import type { HeaderField } from "./hpack-table"

const ample = { listBytes: 1 << 24, count: 10_000 }
const target = Buffer.alloc(65_536)

function encode(encoder: HpackEncoder, ...fields: [string, string][]): Buffer {
  const end = encoder.encode(
    fields.map(([name, value]) => ({ name, value })),
    target,
    0,
  )
  return Buffer.from(target.subarray(0, end))
}

const encodeHex = (encoder: HpackEncoder, ...fields: [string, string][]) => encode(encoder, ...fields).toString("hex")

test("what the static table has goes as one byte, and what repeats does so the second time", () => {
  const encoder = new HpackEncoder()
  expect(encodeHex(encoder, [":status", "200"], [":method", "GET"], [":path", "/"], ["accept-encoding", "gzip, deflate"])).toBe("88828490")
  expect(encodeHex(encoder, ["server", "www.example.com"])).toBe("768cf1e3c2e5f23a6ba0ab90f4ff")
  expect(encodeHex(encoder, ["custom-key", "custom-value"])).toBe("408825a849e95ba97d7f8925a849e95bb8e8b4bf")
  expect(encodeHex(encoder, ["server", "www.example.com"], ["custom-key", "custom-value"])).toBe("bfbe")
})

test.each<[string, string, string]>([
  [":path", "/a", "04022f61"],
  ["content-length", "12", "0f0d023132"],
  ["date", "x", "0f12 0178"],
  ["etag", "x", "0f13 0178"],
  ["x-request-id", "x", `000c${Buffer.from("x-request-id").toString("hex")}0178`],
  ["authorization", "x", "1f080178"],
  ["proxy-authorization", "x", "1f220178"],
  ["set-cookie", "x", "1f280178"],
  ["cookie", "x", "1f110178"],
])("%s goes as a literal each time, and stays out of the table", (name, value, block) => {
  const encoder = new HpackEncoder()
  for (let i = 0; i < 3; i++) expect(encodeHex(encoder, [name, value])).toBe(block.replaceAll(" ", ""))
})

test("a cookie too long to be guessed goes into the table", () => {
  const encoder = new HpackEncoder()
  encode(encoder, ["cookie", "session=0123456789abcdef"])
  expect(encodeHex(encoder, ["cookie", "session=0123456789abcdef"])).toBe("be")
})

test("a name whose values do not repeat stops taking room, until one comes twice in a row", () => {
  const encoder = new HpackEncoder()
  for (let i = 0; i < 20; i++) encode(encoder, ["x-trace", `trace ${i}`])
  encode(encoder, ["x-other", "other"])
  expect(encodeHex(encoder, ["x-trace", "trace 1"], ["x-trace", "trace 0"])).toBe("bfc0")
  const again = new HpackEncoder()
  for (let i = 0; i < 20; i++) encode(again, ["x-trace", `trace ${i}`])
  encode(again, ["x-trace", "steady"])
  encode(again, ["x-trace", "steady"])
  expect(encodeHex(again, ["x-trace", "steady"])).toBe("be")
})

test("a value that would fill the table stays out of it", () => {
  const encoder = new HpackEncoder()
  encode(encoder, ["server", "small"])
  encode(encoder, ["x-large", "x".repeat(3500)])
  expect(encodeHex(encoder, ["server", "small"])).toBe("be")
})

test("table sizes are signalled at the start of the next block: the smallest between, then the last", () => {
  const encoder = new HpackEncoder()
  encode(encoder, ["server", "small"])
  encoder.setPeerTableBytes(8192)
  expect(encodeHex(encoder, ["server", "small"])).toBe("be")
  encoder.setPeerTableBytes(0)
  encoder.setPeerTableBytes(8192)
  expect(encodeHex(encoder, [":status", "200"])).toBe("203fe11f88")
  expect(encodeHex(encoder, [":status", "200"])).toBe("88")
  encoder.setPeerTableBytes(100)
  expect(encodeHex(encoder, [":status", "200"])).toBe("3f4588")
  expect(encodeHex(new HpackEncoder(0), ["server", "small"])).toStartWith("200f27")
})

test("a block that does not fit is -1, and changes nothing", () => {
  const encoder = new HpackEncoder()
  const fields = [{ name: "server", value: "x".repeat(100) }]
  encoder.setPeerTableBytes(1000)
  expect(encoder.encode(fields, Buffer.alloc(100), 0)).toBe(-1)
  expect(encoder.encode(fields, Buffer.alloc(200), 101)).toBe(-1)
  const block = Buffer.alloc(200)
  const end = encoder.encode(fields, block, 7)
  expect(new HpackDecoder().decode(block.subarray(7, end), ample).fields).toEqual(fields)
  expect(block.toString("hex", 7, 11)).toBe("3fc90776")
})

/** A small generator with a seed (mulberry32), so that a failure can be run again. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const names = [
  ":status",
  ":path",
  ":method",
  "server",
  "cookie",
  "set-cookie",
  "vary",
  "date",
  "etag",
  "authorization",
  "x-request-id",
  "accept",
]

test("10,000 random blocks come back as they went in, with table sizes that change on the way", () => {
  const pick = random(7541)
  const bound = 16_384
  const encoder = new HpackEncoder(bound)
  const decoder = new HpackDecoder(bound)
  const bytes = (length: number) => String.fromCharCode(...Array.from({ length }, () => pick(256)))
  const value = () => {
    const kind = pick(10)
    if (kind < 5) return `value ${pick(12)}`
    if (kind < 7) return ["200", "/", "GET", "gzip, deflate", ""][pick(5)]!
    return bytes(pick(10) === 0 ? pick(5000) : pick(60))
  }
  const field = (): HeaderField => ({ name: pick(2) === 0 ? names[pick(names.length)]! : `x-name-${pick(200)}`, value: value() })
  for (let i = 0; i < 10_000; i++) {
    for (let changes = pick(20) === 0 ? 1 + pick(3) : 0; changes > 0; changes--)
      encoder.setPeerTableBytes(pick(4) === 0 ? 0 : pick(2 * bound))
    const fields = Array.from({ length: pick(16) }, field)
    const offset = pick(100)
    if (pick(10) === 0) expect(encoder.encode(fields, target, target.length - pick(12))).toBe(-1)
    const end = encoder.encode(fields, target, offset)
    if (end === -1) continue
    const decoded = decoder.decode(target.subarray(offset, end), ample).fields
    if (!Bun.deepEquals(decoded, fields)) throw new Error(`block ${i} came back otherwise`)
  }
})

/** Answers each HEADERS frame with `answer`'s block, and tells what it read: as little of HTTP/2 as node:http2 is content with. */
function serveHttp2(answer: (fields: HeaderField[]) => HeaderField[]) {
  return createServer((socket) => {
    const decoder = new HpackDecoder()
    const encoder = new HpackEncoder()
    let input = Buffer.alloc(0)
    let hasPreface = false
    const send = (type: number, flags: number, stream: number, payload: Buffer) => {
      const head = Buffer.alloc(9)
      head.writeUIntBE(payload.length, 0, 3)
      head[3] = type
      head[4] = flags
      head.writeUInt32BE(stream, 5)
      socket.write(Buffer.concat([head, payload]))
    }
    socket.on("error", () => {})
    socket.on("data", (chunk: Buffer) => {
      input = Buffer.concat([input, chunk])
      if (!hasPreface && input.length >= 24) {
        hasPreface = true
        input = input.subarray(24)
        send(4, 0, 0, Buffer.alloc(0))
      }
      if (!hasPreface) return
      while (input.length >= 9 && input.length >= 9 + input.readUIntBE(0, 3)) {
        const end = 9 + input.readUIntBE(0, 3)
        const [type, flags, stream] = [input[3]!, input[4]!, input.readUInt32BE(5)]
        const block = input.subarray(9 + ((flags & 0x20) === 0 ? 0 : 5), end)
        if (type === 4 && (flags & 1) === 0) send(4, 1, 0, Buffer.alloc(0))
        if (type === 1)
          send(1, 5, stream, Buffer.from(target.subarray(0, encoder.encode(answer(decoder.decode(block, ample).fields), target, 0))))
        input = input.subarray(end)
      }
    })
  })
}

const server = serveHttp2((fields) => [
  { name: ":status", value: "200" },
  { name: "server", value: "freehold" },
  { name: "date", value: "Mon, 21 Oct 2013 20:13:21 GMT" },
  { name: "set-cookie", value: "a=b" },
  ...fields
    .filter(({ name }) => name.startsWith("x-") || name === ":path")
    .map(({ name, value }) => ({ name: `x-got-${name.replace(":", "")}`, value })),
])
afterAll(() => void server.close())

test("node:http2 reads what we encode, and we read what it encodes", async () => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  try {
    for (let i = 0; i < 200; i++) {
      const sent = {
        "x-steady": "the same each time",
        "x-moving": `moves ~ ${i % 7} ${"|{}<>".repeat(i % 5)}.`,
        [`x-rare-${i % 40}`]: "r".repeat(i),
      }
      const got = await new Promise<Record<string, unknown>>((resolve, reject) => {
        const stream = session.request({ ":path": `/path/${i}`, ...sent })
        stream.on("response", resolve)
        stream.on("error", reject)
        stream.resume()
        stream.end()
      })
      expect(got).toMatchObject({ ":status": 200, server: "freehold", "set-cookie": ["a=b"], "x-got-path": `/path/${i}` })
      for (const [name, value] of Object.entries(sent)) expect(got[`x-got-${name}`]).toBe(value)
    }
  } finally {
    session.destroy()
  }
})
