import { AppError } from "../errors"
import { checksumAlgorithms, checksumHeader, hasherOf, isChecksum, isChecksumAlgorithm } from "./checksums"
import { type ChunkOptions, unframed } from "./chunks"
import { S3Error } from "./errors"
import type { ChecksumAlgorithm, Payload } from "./model"
import type { Authentication } from "./signature"
import { unsignedPayload } from "./signature-claim"

/**
 * The bytes of a request, in this order: framing off (`chunks.ts`), length, SHA-256 of the signature, Content-MD5, the checksum of a field or of the
 * trailer. All but the length is known when the last byte has come, so nothing may be kept of a body before it was read to its end.
 *
 * What is not done, and why:
 * - Trailers of HTTP itself (RFC 9112 section 7.1.2): Bun does not hand them on, and no client of S3 sends them.
 * - More than one checksum in a request, which Amazon refuses too.
 * - A checksum that CompleteMultipartUpload sends in its fields is of the object, not of the body, and is not looked at here.
 */

export type PayloadRequest = {
  method: string
  query: URLSearchParams
  headers: Headers
  body: AsyncIterable<Uint8Array> | null
}

/** Something to check of the bytes; `end` throws where it is not so. */
type Check = { update: (bytes: Uint8Array) => void; end: () => void }

/** Reads what is announced of a body, and throws for what cannot be; the bytes themselves are read when somebody iterates them, once. */
export function readPayload(request: PayloadRequest, { contentHash, chunkKey }: Pick<Authentication, "contentHash" | "chunkKey">): Payload {
  const { headers, body } = request
  const framing = framingOf(contentHash, chunkKey)
  const size = sizeOf(headers, framing !== undefined)
  const announced = announcedChecksum(request, framing?.hasTrailer === true)
  const { algorithm } = announced
  let inTrailer: string | undefined
  let computed: string | undefined

  const checks: Check[] = []
  if (framing === undefined && contentHash !== unsignedPayload) checks.push(hashCheck(contentHash))
  const md5 = headers.get("content-md5")
  if (md5 !== null) checks.push(md5Check(md5))
  if (algorithm !== undefined) {
    const hasher = hasherOf(algorithm)
    const end = () => {
      computed = hasher.digest()
      if (announced.inTrailer && inTrailer === undefined) throw malformedTrailer(`${checksumHeader(algorithm)} is missing`)
      const promised = inTrailer ?? announced.value
      if (promised !== undefined && promised !== computed)
        throw new S3Error("BadDigest", `The ${algorithm} you specified did not match the calculated checksum.`)
    }
    checks.push({ update: hasher.update, end })
  }
  const readTrailer = (name: string, value: string) => {
    if (!announced.inTrailer || algorithm === undefined || name !== checksumHeader(algorithm) || inTrailer !== undefined)
      throw malformedTrailer(`${name} was not announced in x-amz-trailer`)
    if (!isChecksum(algorithm, value)) throw badValue(name)
    inTrailer = value
  }

  const source = received(body)
  const bytes = checked(framing === undefined ? source : unframed(source, framing, readTrailer), checks, size)
  return {
    bytes,
    size,
    algorithm,
    checksum: () => (algorithm === undefined || computed === undefined ? undefined : { algorithm, value: computed }),
  }
}

/** What a client encoded its content with, beside the framing of this one transfer; undefined for nothing. */
export function contentEncoding(headers: Headers): string | undefined {
  const codings = (headers.get("content-encoding") ?? "").split(",").map((coding) => coding.trim())
  return codings.filter((coding) => coding !== "" && coding.toLowerCase() !== "aws-chunked").join(", ") || undefined
}

/** A body that breaks off is the client's fault, not ours. */
async function* received(body: PayloadRequest["body"]): AsyncGenerator<Uint8Array> {
  try {
    if (body !== null) yield* body
  } catch (error) {
    throw error instanceof AppError ? error : incomplete("the connection broke off")
  }
}

async function* checked(source: AsyncIterable<Uint8Array>, checks: Check[], size: number | undefined): AsyncGenerator<Uint8Array> {
  let read = 0
  for await (const bytes of source) {
    read += bytes.byteLength
    if (size !== undefined && read > size) throw incomplete(`more than the ${size} bytes that were announced`)
    for (const check of checks) check.update(bytes)
    yield bytes
  }
  if (size !== undefined && read < size) throw incomplete(`${read} bytes instead of the ${size} that were announced`)
  for (const check of checks) check.end()
}

/** Undefined for a body that is not framed. */
function framingOf(contentHash: string, chunkKey: Authentication["chunkKey"]): ChunkOptions | undefined {
  const [, isSigned, hasTrailer] = /^STREAMING-(?:(AWS4-HMAC-SHA256)|UNSIGNED)-PAYLOAD(-TRAILER)?$/.exec(contentHash) ?? []
  if (!contentHash.startsWith("STREAMING-")) return undefined
  if (isSigned === undefined && hasTrailer === undefined) throw badContentHash()
  if (isSigned !== undefined && chunkKey === undefined) throw new S3Error("AccessDenied", "Chunks can only be signed in a signed request.")
  return { key: isSigned === undefined ? undefined : chunkKey, hasTrailer: hasTrailer !== undefined }
}

/** Of the bytes without their framing. */
function sizeOf(headers: Headers, isFramed: boolean): number | undefined {
  const name = isFramed ? "x-amz-decoded-content-length" : "content-length"
  const length = headers.get(name)
  if (length === null) {
    if (!isFramed) return undefined
    throw new S3Error("MissingContentLength", `You must provide the ${name} HTTP header.`)
  }
  if (!/^\d{1,15}$/.test(length))
    throw new S3Error("InvalidArgument", `${name} must be a number`, { ArgumentName: name, ArgumentValue: length })
  return Number(length)
}

type Announced = { algorithm: ChecksumAlgorithm | undefined; value: string | undefined; inTrailer: boolean }

function announcedChecksum({ method, query, headers }: PayloadRequest, hasTrailer: boolean): Announced {
  const isOfObject = method === "POST" && query.has("uploadId")
  const inFields = isOfObject ? [] : checksumAlgorithms.filter((algorithm) => headers.has(checksumHeader(algorithm)))
  const inTrailer = trailerNames(headers, hasTrailer)
  const named = [...inFields, ...inTrailer]
  if (named.length > 1)
    throw new S3Error("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
  const said = headers.get("x-amz-sdk-checksum-algorithm")?.toUpperCase()
  if (said !== undefined && (!isChecksumAlgorithm(said) || (named[0] ?? said) !== said)) throw badValue("x-amz-sdk-checksum-algorithm")
  const [field] = inFields
  const value = field === undefined ? undefined : (headers.get(checksumHeader(field)) ?? undefined)
  if (field !== undefined && !isChecksum(field, value ?? "")) throw badValue(checksumHeader(field))
  return { algorithm: named[0] ?? (isOfObject ? undefined : said), value, inTrailer: inTrailer.length > 0 }
}

function trailerNames(headers: Headers, hasTrailer: boolean): ChecksumAlgorithm[] {
  const names = (headers.get("x-amz-trailer") ?? "").split(",").map((name) => name.trim().toLowerCase())
  return names
    .filter((name) => name !== "")
    .map((name) => {
      const algorithm = checksumAlgorithms.find((algorithm) => checksumHeader(algorithm) === name)
      if (algorithm === undefined || !hasTrailer)
        throw new S3Error("InvalidRequest", "The value specified in the x-amz-trailer header is not supported")
      return algorithm
    })
}

function hashCheck(contentHash: string): Check {
  if (!/^[\da-f]{64}$/i.test(contentHash)) throw badContentHash()
  const hasher = new Bun.CryptoHasher("sha256")
  const end = () => {
    const computed = hasher.digest("hex")
    if (computed !== contentHash.toLowerCase())
      throw new S3Error("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.", {
        ClientComputedContentSHA256: contentHash,
        S3ComputedContentSHA256: computed,
      })
  }
  return { update: (bytes) => void hasher.update(bytes), end }
}

/** RFC 1864. */
function md5Check(promised: string): Check {
  const raw = Buffer.from(promised, "base64")
  if (raw.length !== 16 || raw.toString("base64") !== promised)
    throw new S3Error("InvalidDigest", "The Content-MD5 you specified was invalid.", { "Content-MD5": promised })
  const hasher = new Bun.CryptoHasher("md5")
  const end = () => {
    const computed = hasher.digest("base64")
    if (computed !== promised)
      throw new S3Error("BadDigest", "The Content-MD5 you specified did not match what we received.", {
        ExpectedDigest: promised,
        CalculatedDigest: computed,
      })
  }
  return { update: (bytes) => void hasher.update(bytes), end }
}

const incomplete = (what: string) => new S3Error("IncompleteBody", `The request body is not what its header fields announce: ${what}`)

const malformedTrailer = (what: string) =>
  new S3Error("MalformedTrailerError", `The request contained trailing data that was not well-formed: ${what}`)

const badValue = (name: string) => new S3Error("InvalidRequest", `Value for ${name} header is invalid.`)

const badContentHash = () =>
  new S3Error(
    "InvalidArgument",
    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, " +
      "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a SHA-256 in hexadecimal.",
    { ArgumentName: "x-amz-content-sha256" },
  )
