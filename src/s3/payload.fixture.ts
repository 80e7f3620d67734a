import { hasherOf } from "./checksums"
import { readPayload } from "./payload"

/** A byte for each character. */
export const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, "latin1"))

/** A body that comes in these pieces. */
export async function* pieces(...all: Uint8Array[]) {
  for (const piece of all) yield piece
}

const fields = (headers: Record<string, string> = {}) => ({ method: "PUT", query: new URLSearchParams(), headers: new Headers(headers) })

export type Signing = Parameters<typeof readPayload>[1]
export const unsigned: Signing = { contentHash: "UNSIGNED-PAYLOAD", chunkKey: undefined }
export const unsignedTrailer: Signing = { contentHash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER", chunkKey: undefined }

/** A payload of a body with these header fields. */
export const plain = (body: string | AsyncIterable<Uint8Array> | null, headers: Record<string, string> = {}, signing = unsigned) =>
  readPayload({ ...fields(headers), body: typeof body === "string" ? pieces(bytesOf(body)) : body }, signing)

/** All of its bytes. */
export async function all(payload: ReturnType<typeof readPayload>): Promise<Buffer> {
  const read: Uint8Array[] = []
  for await (const bytes of payload.bytes) read.push(bytes)
  return Buffer.concat(read)
}

/** A checksum of a text, in base64. */
export const checksum = (algorithm: Parameters<typeof hasherOf>[0], text: string) => {
  const hasher = hasherOf(algorithm)
  hasher.update(bytesOf(text))
  return hasher.digest()
}
