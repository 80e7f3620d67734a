import type { UploadPartRow } from "../db/storage-schema"
import type { Checksum } from "../storage/model"
import { combinedChecksum, compositeChecksum, hasherOf, isCombinable } from "./checksums"
import { S3Error } from "./errors"
import { algorithmOf } from "./facts"
import type { ChecksumAlgorithm } from "./model"

/** How an object that is sent in parts will be checked; kept with its upload. */
export type Plan = { algorithm: ChecksumAlgorithm; type: Checksum["type"] }

/** What the beginning of an upload asks for. Throws InvalidRequest. */
export function planOf(headers: Headers): Plan | undefined {
  const algorithm = algorithmOf(headers.get("x-amz-checksum-algorithm"))
  const type = headers.get("x-amz-checksum-type")?.toUpperCase()
  if (algorithm === undefined) {
    if (type !== undefined)
      throw new S3Error("InvalidRequest", "The x-amz-checksum-type header can only be used with x-amz-checksum-algorithm")
    return undefined
  }
  const usual = algorithm === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE"
  const wanted = type ?? usual
  if (wanted !== "COMPOSITE" && wanted !== "FULL_OBJECT")
    throw new S3Error("InvalidRequest", "Value for x-amz-checksum-type header is invalid.")
  if (wanted === "FULL_OBJECT" ? !isCombinable(algorithm) : algorithm === "CRC64NVME")
    throw new S3Error(
      "InvalidRequest",
      `The ${wanted} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    )
  return { algorithm, type: wanted }
}

/** A part's checksum as it is kept: with its algorithm, since a copy of the whole may have another. */
export const partMark = ({ algorithm, value }: { algorithm: ChecksumAlgorithm; value: string }): string => `${algorithm}:${value}`

/** What `partMark` made, taken apart. */
export function markOf(mark: string | null): { algorithm: ChecksumAlgorithm; value: string } | undefined {
  const [algorithm, value] = mark?.split(":") ?? []
  return algorithm === undefined || value === undefined ? undefined : { algorithm: algorithm as ChecksumAlgorithm, value }
}

/** As an element of a document. */
export function markElement(mark: string | null): Record<string, string> {
  const checksum = markOf(mark)
  return checksum === undefined ? {} : { [`Checksum${checksum.algorithm}`]: checksum.value }
}

/** The checksum of the whole, made of those of its parts. */
export function wholeChecksum(plan: Plan | undefined, parts: Pick<UploadPartRow, "checksum" | "size">[]): Checksum | undefined {
  if (plan === undefined) return undefined
  const values = parts.map(({ checksum, size }) => ({ value: markOf(checksum)?.value ?? "", size }))
  const { algorithm, type } = plan
  if (type === "FULL_OBJECT" && isCombinable(algorithm)) return { algorithm, type, value: combinedChecksum(algorithm, values) }
  return {
    algorithm,
    type,
    value: compositeChecksum(
      algorithm,
      values.map(({ value }) => value),
    ),
  }
}

/** The same bytes, and their checksum once they have been read. */
export function digesting(
  bytes: AsyncIterable<Uint8Array>,
  algorithm: ChecksumAlgorithm,
): { bytes: AsyncIterable<Uint8Array>; digest: () => string } {
  const hasher = hasherOf(algorithm)
  const passing = async function* () {
    for await (const chunk of bytes) {
      hasher.update(chunk)
      yield chunk
    }
  }
  return { bytes: passing(), digest: hasher.digest }
}

/** The checksum of bytes that are read for it. */
export async function digestOf(bytes: AsyncIterable<Uint8Array>, algorithm: ChecksumAlgorithm): Promise<string> {
  const hasher = hasherOf(algorithm)
  for await (const chunk of bytes) hasher.update(chunk)
  return hasher.digest()
}
