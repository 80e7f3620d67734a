import { expect, test } from "bun:test"
import { randomBytes, randomInt } from "node:crypto"
import { checksumAlgorithms, checksumHeader, combinedChecksum, compositeChecksum, hasherOf, isChecksum, isCombinable } from "./checksums"
import type { ChecksumAlgorithm } from "./model"

const checksum = (algorithm: ChecksumAlgorithm, ...pieces: Uint8Array[]) => {
  const hasher = hasherOf(algorithm)
  for (const piece of pieces) hasher.update(piece)
  return hasher.digest()
}
const hex = (base64: string) => Buffer.from(base64, "base64").toString("hex")

test.each<[ChecksumAlgorithm, string, string]>([
  ["CRC32", "cbf43926", "00000000"],
  ["CRC32C", "e3069283", "00000000"],
  ["CRC64NVME", "ae8b14860a799888", "0000000000000000"],
  ["SHA1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441", "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
  [
    "SHA256",
    "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  ],
])("%s of 123456789 and of nothing is what its catalogue says", (algorithm, check, empty) => {
  expect(hex(checksum(algorithm, Buffer.from("123456789")))).toBe(check)
  expect(hex(checksum(algorithm))).toBe(empty)
})

// RFC 3720 appendix B.4, and the NVM Command Set specification, "64b CRC test cases".
test.each<[string, ChecksumAlgorithm, Uint8Array, string]>([
  ["32 zeros", "CRC32C", new Uint8Array(32), "8a9136aa"],
  ["32 ones", "CRC32C", new Uint8Array(32).fill(255), "62a8ab43"],
  ["32 numbers up", "CRC32C", Uint8Array.from({ length: 32 }, (_, i) => i), "46dd794e"],
  ["32 numbers down", "CRC32C", Uint8Array.from({ length: 32 }, (_, i) => 31 - i), "113fdb5c"],
  ["4 KiB of zeros", "CRC64NVME", new Uint8Array(4096), "6482d367eb22b64e"],
  ["4 KiB of ones", "CRC64NVME", new Uint8Array(4096).fill(255), "c0ddba7302eca3ac"],
])("%s have the %s that is published", (_, algorithm, bytes, expected) => {
  expect(hex(checksum(algorithm, bytes))).toBe(expected)
})

test.each(checksumAlgorithms)("%s does not depend on where bytes are cut, or where in memory they lie", (algorithm) => {
  const memory = new Uint8Array(randomBytes(5000))
  for (let i = 0; i < 200; i++) {
    const from = randomInt(20)
    const bytes = memory.subarray(from, from + randomInt(4000))
    const [a, b] = [randomInt(bytes.length + 1), randomInt(bytes.length + 1)].sort((x, y) => x - y) as [number, number]
    const cut = checksum(algorithm, bytes.subarray(0, a), bytes.subarray(a, b), bytes.subarray(b))
    expect(cut).toBe(checksum(algorithm, Uint8Array.from(bytes)))
  }
})

test.each(checksumAlgorithms.filter(isCombinable))("%s of a whole is made of those of its parts", (algorithm) => {
  const bytes = new Uint8Array(randomBytes(100_000))
  for (let i = 0; i < 60; i++) {
    const cuts = [0, ...Array.from({ length: i % 7 }, () => randomInt(bytes.length + 1)), bytes.length].sort((x, y) => x - y)
    const parts = cuts.slice(1).map((end, at) => bytes.subarray(cuts[at], end))
    const combined = combinedChecksum(
      algorithm,
      parts.map((part) => ({ value: checksum(algorithm, part), size: part.length })),
    )
    expect(combined).toBe(checksum(algorithm, bytes))
  }
})

const times = (count: number, value: string, size: number) => Array.from({ length: count }, () => ({ value, size }))

test("a part may be larger than 4 GiB", () => {
  // 8 GiB of zeros, of two parts and of eight.
  const mebibyte = checksum("CRC64NVME", new Uint8Array(1024 * 1024))
  const parts = (count: number, value: string, size: number) => combinedChecksum("CRC64NVME", times(count, value, size))
  const gibibyte = parts(1024, mebibyte, 1024 ** 2)
  expect(parts(2, parts(4, gibibyte, 1024 ** 3), 4 * 1024 ** 3)).toBe(parts(8, gibibyte, 1024 ** 3))
  expect(parts(1, gibibyte, 1024 ** 3)).toBe(gibibyte)
})

test("ten thousand parts are combined in no time worth a talk", () => {
  const began = performance.now()
  combinedChecksum("CRC64NVME", times(10_000, "rosUhgp5mIg=", 5 * 1024 ** 2))
  expect(performance.now() - began).toBeLessThan(2000)
})

test("a composite checksum is that of the parts' checksums and their number", () => {
  const parts = ["a", "b"].map((text) => checksum("SHA256", Buffer.from(text)))
  const raw = parts.map((part) => Buffer.from(part, "base64"))
  expect(compositeChecksum("SHA256", parts)).toBe(`${checksum("SHA256", Buffer.concat(raw))}-2`)
})

test.each<[ChecksumAlgorithm, string, boolean]>([
  ["CRC32", "y/Q5Jg==", true],
  ["CRC32", "y/Q5Jg", false],
  ["CRC32", "y/Q5Jh==", false],
  ["CRC32", "", false],
  ["CRC32", "rosUhgp5mIg=", false],
  ["CRC64NVME", "rosUhgp5mIg=", true],
  ["CRC32", "y/Q5Jg==-2", false],
  ["CRC32", "cbf43926", false],
])("as a %s, %p: %p", (algorithm, value, is) => {
  expect(isChecksum(algorithm, value)).toBe(is)
})

test("each algorithm has its header field", () => {
  expect(checksumAlgorithms.map(checksumHeader)).toEqual([
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
  ])
})
