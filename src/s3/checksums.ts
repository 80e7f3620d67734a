import { combineCrcs, Crc32c, Crc64Nvme, type CrcAlgorithm } from "./crc"
import type { ChecksumAlgorithm } from "./model"

/** Takes bytes as they come; a digest is base64 of the big-endian value, as S3 writes checksums. */
export type Hasher = { update: (bytes: Uint8Array) => void; digest: () => string }

const sizes: Record<ChecksumAlgorithm, number> = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 }

export const checksumAlgorithms = Object.keys(sizes) as ChecksumAlgorithm[]

/** Whether a word, in upper case, is the name of an algorithm. */
export const isChecksumAlgorithm = (name: string): name is ChecksumAlgorithm => Object.hasOwn(sizes, name)

/** The header field that carries a checksum: `x-amz-checksum-crc32c`. */
export const checksumHeader = (algorithm: ChecksumAlgorithm): string => fields[algorithm]

const fields = Object.fromEntries(
  checksumAlgorithms.map((algorithm) => [algorithm, `x-amz-checksum-${algorithm.toLowerCase()}`]),
) as Record<ChecksumAlgorithm, string>

/** Whether a text is base64 of as many bytes as a checksum of this kind has. */
export function isChecksum(algorithm: ChecksumAlgorithm, value: string): boolean {
  const bytes = Buffer.from(value, "base64")
  return bytes.length === sizes[algorithm] && bytes.toString("base64") === value
}

export function hasherOf(algorithm: ChecksumAlgorithm): Hasher {
  if (algorithm === "SHA1" || algorithm === "SHA256") {
    const hasher = new Bun.CryptoHasher(algorithm === "SHA1" ? "sha1" : "sha256")
    return { update: (bytes) => void hasher.update(bytes), digest: () => hasher.digest("base64") }
  }
  const crc = algorithm === "CRC32" ? new Crc32() : algorithm === "CRC32C" ? new Crc32c() : new Crc64Nvme()
  return { update: (bytes) => crc.update(bytes), digest: () => textOf(algorithm, crc.digest()) }
}

class Crc32 {
  private crc = 0

  update(bytes: Uint8Array): void {
    this.crc = Bun.hash.crc32(bytes, this.crc)
  }

  digest = (): bigint => BigInt(this.crc)
}

/** The checksum of an object of parts that is made of those of the parts: `…-N`. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, parts: string[]): string {
  const hasher = hasherOf(algorithm)
  for (const part of parts) hasher.update(Buffer.from(part, "base64"))
  return `${hasher.digest()}-${parts.length}`
}

/** Whether the checksum of a whole can be made of those of its parts, without the bytes. */
export const isCombinable = (algorithm: ChecksumAlgorithm): algorithm is CrcAlgorithm => algorithm !== "SHA1" && algorithm !== "SHA256"

/** The checksum of all bytes of an object of parts, from those of the parts and their sizes; a CRC can do that, as zlib's `crc32_combine`. */
export function combinedChecksum(algorithm: CrcAlgorithm, parts: { value: string; size: number }[]): string {
  const pieces = parts.map(({ value, size }) => ({ crc: BigInt(`0x${Buffer.from(value, "base64").toString("hex")}`), size }))
  return textOf(algorithm, combineCrcs(algorithm, pieces))
}

const textOf = (algorithm: CrcAlgorithm, crc: bigint) =>
  Buffer.from(crc.toString(16).padStart(sizes[algorithm] * 2, "0"), "hex").toString("base64")
