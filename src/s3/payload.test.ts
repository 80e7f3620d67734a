import { expect, test } from "bun:test"
import { AppError } from "../errors"
import { contentEncoding, readPayload } from "./payload"
import { all, bytesOf, checksum, pieces, plain, type Signing, unsigned, unsignedTrailer } from "./payload.fixture"
import { sha256 } from "./signature"
import { codeOf } from "./signature.fixture"

const base64 = (kind: "md5", text: string) => new Bun.CryptoHasher(kind).update(text).digest("base64")

test("a body without promises is handed on as it is, and so is none", async () => {
  expect((await all(plain("hello", { "content-length": "5" }))).toString()).toBe("hello")
  expect((await all(plain(null))).length).toBe(0)
  const payload = plain("hello")
  expect([payload.size, payload.algorithm]).toEqual([undefined, undefined])
  await all(payload)
  expect(payload.checksum()).toBeUndefined()
})

test("pieces are handed on without being copied", async () => {
  const piece = bytesOf("hello")
  for await (const bytes of plain(pieces(piece), { "content-md5": base64("md5", "hello") }).bytes) expect(bytes).toBe(piece)
})

const promises: [string, Record<string, string>, Signing][] = [
  ["SHA-256 of the signature", {}, { contentHash: sha256("hello"), chunkKey: undefined }],
  ["Content-MD5", { "content-md5": base64("md5", "hello") }, unsigned],
  ["Content-Length", { "content-length": "5" }, unsigned],
  ["CRC32", { "x-amz-checksum-crc32": checksum("CRC32", "hello") }, unsigned],
  ["CRC32C", { "x-amz-checksum-crc32c": checksum("CRC32C", "hello") }, unsigned],
  ["CRC64NVME", { "x-amz-checksum-crc64nvme": checksum("CRC64NVME", "hello") }, unsigned],
  ["SHA1", { "x-amz-checksum-sha1": checksum("SHA1", "hello") }, unsigned],
  ["SHA256", { "x-amz-checksum-sha256": checksum("SHA256", "hello"), "x-amz-sdk-checksum-algorithm": "sha256" }, unsigned],
]
const faults: Record<string, string> = { "SHA-256 of the signature": "XAmzContentSHA256Mismatch", "Content-Length": "IncompleteBody" }

test.each(promises)("%s is kept, or the body is refused at its end", async (name, headers, signing) => {
  const payload = plain("hello", headers, signing)
  expect((await all(payload)).toString()).toBe("hello")
  const field = Object.keys(headers).find((header) => header.startsWith("x-amz-checksum-"))
  expect(payload.checksum()?.value).toBe(field === undefined ? undefined : headers[field])
  for (const body of name === "Content-Length" ? ["hell", "hello!", ""] : ["hellp", "hell", "hello!", ""])
    expect(await codeOf(() => all(plain(body, headers, signing)))).toBe(faults[name] ?? "BadDigest")
})

test("a checksum that is only announced is computed", async () => {
  const payload = plain("123456789", { "x-amz-sdk-checksum-algorithm": "CRC64NVME" })
  expect([payload.algorithm, payload.checksum()]).toEqual(["CRC64NVME", undefined])
  await all(payload)
  expect(payload.checksum()).toEqual({ algorithm: "CRC64NVME", value: "rosUhgp5mIg=" })
})

test.each<[string, Record<string, string>, Signing, string]>([
  ["a hash that is none", {}, { contentHash: "abc", chunkKey: undefined }, "InvalidArgument"],
  ["an unknown framing", {}, { contentHash: "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", chunkKey: undefined }, "InvalidArgument"],
  ["unsigned chunks without a trailer", {}, { contentHash: "STREAMING-UNSIGNED-PAYLOAD", chunkKey: undefined }, "InvalidArgument"],
  ["signed chunks of nobody", {}, { contentHash: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", chunkKey: undefined }, "AccessDenied"],
  ["a framed body of unknown size", {}, unsignedTrailer, "MissingContentLength"],
  ["a size that is no number", { "x-amz-decoded-content-length": "-1" }, unsignedTrailer, "InvalidArgument"],
  ["a Content-MD5 in hexadecimal", { "content-md5": "5d41402abc4b2a76b9719d911017c592" }, unsigned, "InvalidDigest"],
  ["an empty Content-MD5", { "content-md5": "" }, unsigned, "InvalidDigest"],
  ["a checksum of another length", { "x-amz-checksum-crc32": "rosUhgp5mIg=" }, unsigned, "InvalidRequest"],
  ["two checksums", { "x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-crc32c": "AAAAAA==" }, unsigned, "InvalidRequest"],
  [
    "another algorithm than announced",
    { "x-amz-checksum-crc32": "AAAAAA==", "x-amz-sdk-checksum-algorithm": "SHA1" },
    unsigned,
    "InvalidRequest",
  ],
  ["an unknown algorithm", { "x-amz-sdk-checksum-algorithm": "MD4" }, unsigned, "InvalidRequest"],
  ["a trailer without a framing that has one", { "x-amz-trailer": "x-amz-checksum-crc32" }, unsigned, "InvalidRequest"],
  ["an unknown trailer", { "x-amz-trailer": "x-foo", "x-amz-decoded-content-length": "1" }, unsignedTrailer, "InvalidRequest"],
])("%s is refused before a byte is read", async (_, headers, signing, code) => {
  expect(await codeOf(() => plain("hello", headers, signing))).toBe(code)
})

test("the checksum that CompleteMultipartUpload sends is not one of its body", async () => {
  const headers = new Headers({ "x-amz-checksum-crc32": "AAAAAA==-2", "x-amz-checksum-sha1": "x" })
  const payload = readPayload(
    { method: "POST", query: new URLSearchParams("uploadId=1"), headers, body: pieces(bytesOf("<xml/>")) },
    unsigned,
  )
  expect([(await all(payload)).toString(), payload.algorithm]).toEqual(["<xml/>", undefined])
})

test("a connection that breaks is the client's fault, and what the house throws stays as it is", async () => {
  const broken = async function* (error: Error) {
    yield bytesOf("hel")
    throw error
  }
  expect(await codeOf(() => all(plain(broken(new Error("ECONNRESET")))))).toBe("IncompleteBody")
  expect(await codeOf(() => all(plain(broken(new AppError("too_large", "too much")))))).toBe("AppError: too much")
})

test.each([
  [undefined, undefined],
  ["aws-chunked", undefined],
  ["gzip", "gzip"],
  ["aws-chunked,gzip", "gzip"],
  ["gzip, AWS-Chunked", "gzip"],
  ["gzip, br", "gzip, br"],
])("of the content coding %p, %p belongs to the object", (coding, expected) => {
  expect(contentEncoding(new Headers(coding === undefined ? {} : { "content-encoding": coding }))).toBe(expected)
})
