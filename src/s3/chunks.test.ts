import { expect, test } from "bun:test"
import { readPayload } from "./payload"
import { all, bytesOf, checksum, pieces, plain, type Signing, unsigned, unsignedTrailer } from "./payload.fixture"
import { type ChunkKey, sha256, sign } from "./signature"
import { chunkedExample, codeOf, exampleSignatures, signedRequest, trailerExample } from "./signature.fixture"

/** The body in two pieces, cut at `at`. */
const cut = (body: Uint8Array, at: number) => pieces(body.slice(0, at), body.slice(at))

const a = Buffer.alloc(66_560, "a").toString("latin1")
const signedExample =
  `10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n${a.slice(0, 65_536)}\r\n` +
  `400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n${a.slice(65_536)}\r\n` +
  "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
const signedTrailerExample =
  `10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n${a.slice(0, 65_536)}\r\n` +
  `400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n${a.slice(65_536)}\r\n` +
  "0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n" +
  "x-amz-checksum-crc32c:sOO8/Q==\r\n" +
  "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"

test.each([
  ["chunks", chunkedExample, signedExample],
  ["chunks with a trailer", trailerExample, signedTrailerExample],
])("Amazon's published example of %s is read, and no other signature", async (_, example, body) => {
  expect(body.length).toBe(Number(example.headers["content-length"]))
  const request = signedRequest("PUT", example.url, example.headers)
  const signing = await exampleSignatures().authenticate(request)
  const read = (text: string) => all(readPayload({ ...request, query: new URLSearchParams(), body: cut(bytesOf(text), 65_000) }, signing))
  expect((await read(body)).toString("latin1")).toBe(a)
  for (const [from, to] of [
    ["signature=ad80", "signature=ad81"],
    ["signature=b474", "signature=b475"],
    ["signature=0055", "signature=0056"],
    ["signature=1c13", "signature=1c14"],
    ["signature=b6c6", "signature=b6c7"],
    ["signature=2ca2", "signature=2ca3"],
    ["signature:d81f", "signature:d81e"],
    ["aaaaaaaa", "aaaaabaa"],
    [";chunk-signature", ";chunk-nonsense"],
    [/x-amz-trailer-signature.*\r\n/, ""],
    [/x-amz-checksum-crc32c:.*\r\n/, ""],
  ] as const)
    if (body.replace(from, to) !== body)
      expect([from, await codeOf(() => read(body.replace(from, to)))]).toEqual([from, "SignatureDoesNotMatch"])
})

// Small ones, to be cut at every byte.
const key: ChunkKey = {
  key: Buffer.from("k"),
  timestamp: "20130524T000000Z",
  scope: "20130524/r/s3/aws4_request",
  signature: "0".repeat(64),
}
const crc = checksum("CRC32", "Hello, world")

function signedChunks(chunks: string[], trailer?: string): string {
  let previous = key.signature
  const next = (kind: string, hashes: string) => (previous = sign(key.key, [kind, key.timestamp, key.scope, previous, hashes].join("\n")))
  const framed = [...chunks, ""].map((text) => {
    const signature = next("AWS4-HMAC-SHA256-PAYLOAD", `${sha256("")}\n${sha256(text)}`)
    return `${text.length.toString(16)};chunk-signature=${signature}\r\n${text === "" ? "" : `${text}\r\n`}`
  })
  if (trailer === undefined) return `${framed.join("")}\r\n`
  return `${framed.join("")}${trailer}\r\nx-amz-trailer-signature:${next("AWS4-HMAC-SHA256-TRAILER", sha256(`${trailer}\n`))}\r\n\r\n`
}

const length = { "x-amz-decoded-content-length": "12" }
const withTrailer = { ...length, "x-amz-trailer": "x-amz-checksum-crc32", "x-amz-sdk-checksum-algorithm": "CRC32" }
const framings: [string, string, Record<string, string>, Signing][] = [
  ["signed chunks", signedChunks(["Hello", ", wor", "ld"]), length, { contentHash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", chunkKey: key }],
  [
    "signed chunks with a trailer",
    signedChunks(["Hello", ", wor", "ld"], `x-amz-checksum-crc32:${crc}`),
    withTrailer,
    { contentHash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", chunkKey: key },
  ],
  [
    "unsigned chunks with a trailer",
    `5\r\nHello\r\n7\r\n, world\r\n0\r\nx-amz-checksum-crc32:${crc}\r\n\r\n`,
    withTrailer,
    unsignedTrailer,
  ],
]

test.each(framings)("%s are read wherever the stream is cut", async (_, text, headers, signing) => {
  const body = bytesOf(text)
  for (let at = 0; at <= body.length; at++) {
    const payload = plain(cut(body, at), headers, signing)
    expect((await all(payload)).toString()).toBe("Hello, world")
    expect(payload.checksum()?.value).toBe("x-amz-trailer" in headers ? crc : undefined)
  }
  const single = plain(pieces(...Array.from(body, (byte) => Uint8Array.of(byte))), headers, signing)
  expect((await all(single)).toString()).toBe("Hello, world")
})

test.each(framings)("%s that end early, anywhere, are incomplete", async (_, text, headers, signing) => {
  const body = bytesOf(text)
  for (let end = 0; end < body.length; end++)
    expect([end, await codeOf(() => all(plain(pieces(body.slice(0, end)), headers, signing)))]).toEqual([end, "IncompleteBody"])
})

const refusals = ["IncompleteBody", "SignatureDoesNotMatch", "BadDigest", "MalformedTrailerError", "InvalidRequest"]

test.each(framings)("%s with any one byte changed are refused", async (_, text, headers, signing) => {
  const body = bytesOf(text)
  for (let at = 0; at < body.length; at++) {
    const tampered = Uint8Array.from(body)
    tampered[at] = (tampered[at] ?? 0) ^ 1
    const code = await codeOf(() => all(plain(pieces(tampered), headers, signing)))
    expect([at, refusals.find((refusal) => refusal === code)]).toEqual([at, code ?? "a refusal"])
  }
})

const unsignedBody = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n0\r\n`

test.each<[string, string, string | undefined]>([
  ["an empty line before the trailer", `${unsignedBody("Hello, world")}\r\nx-amz-checksum-crc32:${crc}\r\n\r\n`, undefined],
  ["a line of the trailer that ends twice", `${unsignedBody("Hello, world")}x-amz-checksum-crc32:${crc}\n\r\n\r\n`, undefined],
  ["blanks and capitals", `${unsignedBody("Hello, world")}X-Amz-Checksum-CRC32: ${crc} \r\n\r\n`, undefined],
  ["extensions of a chunk", `c;a=b\r\nHello, world\r\n0;c=d\r\nx-amz-checksum-crc32:${crc}\r\n\r\n`, undefined],
  ["another checksum", `${unsignedBody("Hello, world")}x-amz-checksum-crc32:AAAAAA==\r\n\r\n`, "BadDigest"],
  ["a checksum that is none", `${unsignedBody("Hello, world")}x-amz-checksum-crc32:x\r\n\r\n`, "InvalidRequest"],
  ["no checksum", `${unsignedBody("Hello, world")}\r\n`, "MalformedTrailerError"],
  ["a checksum of another kind", `${unsignedBody("Hello, world")}x-amz-checksum-sha1:${crc}\r\n\r\n`, "MalformedTrailerError"],
  ["a field that was not announced", `${unsignedBody("Hello, world")}x-amz-meta-a:1\r\n\r\n`, "MalformedTrailerError"],
  ["the checksum twice", `${unsignedBody("Hello, world")}${`x-amz-checksum-crc32:${crc}\r\n`.repeat(2)}\r\n`, "MalformedTrailerError"],
  ["a line without a colon", `${unsignedBody("Hello, world")}hello\r\n\r\n`, "MalformedTrailerError"],
  ["fewer bytes", unsignedBody("Hello") + "\r\n", "IncompleteBody"],
  ["more bytes", unsignedBody("Hello, world!") + "\r\n", "IncompleteBody"],
  ["a chunk longer than its size", `b\r\nHello, world\r\n0\r\n\r\n`, "IncompleteBody"],
  ["a size that is no number", `zz\r\nHello, world\r\n0\r\n\r\n`, "IncompleteBody"],
  ["a size beyond all bounds", `fffffffffffff\r\nHello, world\r\n0\r\n\r\n`, "IncompleteBody"],
  ["a negative size", `-1\r\nHello, world\r\n0\r\n\r\n`, "IncompleteBody"],
  ["line feeds alone", `c\nHello, world\n0\n\n`, "IncompleteBody"],
])("a trailer and its framing with %s", async (_, text, code) => {
  expect(await codeOf(() => all(plain(text, withTrailer, unsignedTrailer)))).toBe(code)
})

test.each([
  ["a line", "a"],
  ["a trailer", `${unsignedBody("Hello, world")}x-amz-checksum-crc32:`],
])("%s without an end is not gathered", async (_, start) => {
  let read = 0
  const body = async function* () {
    yield bytesOf(start)
    for (; read < 1000; read++) yield bytesOf("a".repeat(1024))
  }
  expect(await codeOf(() => all(plain(body(), withTrailer, unsignedTrailer)))).toBe("IncompleteBody")
  expect(read).toBeLessThan(10)
})

test("what follows the last chunk is refused where no trailer was announced", async () => {
  const [, text = "", headers = {}, signing = unsigned] = framings[0] ?? []
  for (const more of ["x", "\r\n", "0\r\n\r\n", "x-amz-checksum-crc32:AAAAAA==\r\n\r\n"])
    expect(await codeOf(() => all(plain(text + more, headers, signing)))).toBe("IncompleteBody")
})

test("chunks cannot be left out, swapped or repeated", async () => {
  const [, text = "", headers = {}, signing = unsigned] = framings[0] ?? []
  const [first = "", second = "", ...rest] = text.split(/(?=\b\d;chunk-signature)/)
  for (const body of [
    [second, first, ...rest],
    [first, first, second, ...rest],
    [second, ...rest],
  ])
    expect(await codeOf(() => all(plain(body.join(""), headers, signing)))).toBe("SignatureDoesNotMatch")
})

test("bytes of a chunk are handed on as they come", async () => {
  const waiting = Promise.withResolvers<void>()
  const body = async function* () {
    yield bytesOf("c\r\nHello")
    await waiting.promise
    yield bytesOf(`, world\r\n0\r\nx-amz-checksum-crc32:${crc}\r\n\r\n`)
  }
  const iterator = plain(body(), withTrailer, unsignedTrailer).bytes[Symbol.asyncIterator]()
  expect(Buffer.from((await iterator.next()).value as Uint8Array).toString()).toBe("Hello")
  waiting.resolve()
  expect(Buffer.from((await iterator.next()).value as Uint8Array).toString()).toBe(", world")
  expect((await iterator.next()).done).toBe(true)
})
