import { withoutBlanks } from "../blanks"
import { S3Error } from "./errors"
import { type ChunkKey, isSignature, sha256, sign } from "./signature"

/**
 * The framing `aws-chunked` ("Transferring payload in multiple chunks" and "Including trailing headers" of the S3 API reference):
 * `<hex size>[;chunk-signature=<hex>]\r\n<bytes>\r\n`, again and again, a chunk of no bytes, then the trailer's lines and an empty one.
 *
 * Bytes are handed on as they come, not when their chunk is whole, so memory is constant; a signature that turns out wrong ends the stream, and who
 * writes undoes the write.
 *
 * What is not done: sizes of chunks are not held to the 8 KiB that Amazon demands at least, and other extensions of a chunk are passed over.
 */

export type ChunkOptions = {
  /** What signatures of chunks are checked with; undefined where chunks have none. */
  key: ChunkKey | undefined
  hasTrailer: boolean
}

/** Of a line that begins a chunk, and of the whole trailer: real ones have 100 and 200 bytes. */
const mostLineBytes = 1024
const mostTrailerBytes = 8192

const [lineFeed, carriageReturn] = [10, 13]

/** The bytes inside of the framing. `trailer` gets each field of the trailer. Throws IncompleteBody, InvalidRequest, MalformedTrailerError, SignatureDoesNotMatch. */
export async function* unframed(
  source: AsyncIterable<Uint8Array>,
  { key, hasTrailer }: ChunkOptions,
  trailer: (name: string, value: string) => void,
): AsyncGenerator<Uint8Array> {
  const chain = key === undefined ? undefined : new SignatureChain(key)
  const line = new Line()
  let part: "size" | "bytes" | "end of bytes" | "end" = "size"
  let [rest, signature] = [0, ""]

  for await (const piece of source) {
    let at = 0
    while (at < piece.length) {
      if (part === "bytes") {
        const bytes = piece.subarray(at, at + rest)
        chain?.update(bytes)
        at += bytes.length
        rest -= bytes.length
        if (rest === 0) part = "end of bytes"
        yield bytes
        continue
      }
      at = line.take(piece, at, part === "end" ? mostTrailerBytes : mostLineBytes)
      if (part === "end" || !line.isWhole) continue
      const text = line.end()
      if (part === "end of bytes") {
        if (text !== "") throw incomplete("a chunk is not as long as it says")
        chain?.check(signature)
        part = "size"
        continue
      }
      ;({ size: rest, signature } = chunkHead(text, chain !== undefined))
      part = rest > 0 ? "bytes" : "end"
    }
  }
  if (part !== "end") throw incomplete("the body ended before its last chunk")
  chain?.check(signature)
  readTrailer(line.rest(), hasTrailer, chain, trailer)
}

/** Gathers bytes up to a line feed, wherever the pieces are cut. */
class Line {
  private bytes: Uint8Array[] = []
  private size = 0
  isWhole = false

  /** Takes what belongs to the line, and answers where the next begins. */
  take(piece: Uint8Array, from: number, most: number): number {
    const feed = piece.indexOf(lineFeed, from)
    this.isWhole = feed !== -1
    const to = feed === -1 ? piece.length : feed + 1
    this.size += to - from
    if (this.size > most) throw incomplete("a line of the framing is too long")
    // A copy, since whoever reads may use the memory again.
    this.bytes.push(piece.slice(from, to))
    return to
  }

  /** The line without its end, and room for the next. Throws where it does not end as a line does. */
  end(): string {
    const text = this.rest()
    if (text.charCodeAt(text.length - 2) !== carriageReturn) throw incomplete("a line of the framing does not end in CRLF")
    return text.slice(0, -2)
  }

  rest(): string {
    const text = Buffer.concat(this.bytes).toString("latin1")
    this.bytes = []
    this.size = 0
    return text
  }
}

function chunkHead(line: string, isSigned: boolean): { size: number; signature: string } {
  const [size = "", ...extensions] = line.split(";")
  if (!/^[\da-fA-F]{1,12}$/.test(size)) throw incomplete("a chunk does not begin with its size")
  const signature = extensions.map((text) => /^chunk-signature=([\da-f]{64})$/.exec(text)?.[1]).find((found) => found !== undefined)
  if (isSigned && signature === undefined) throw wrong("a chunk has no signature")
  return { size: Number.parseInt(size, 16), signature: signature ?? "" }
}

/** Each signature covers the one before, from that of the request on. */
class SignatureChain {
  private hasher = new Bun.CryptoHasher("sha256")
  private previous: string

  constructor(private key: ChunkKey) {
    this.previous = key.signature
  }

  update(bytes: Uint8Array): void {
    this.hasher.update(bytes)
  }

  /** Throws SignatureDoesNotMatch where it is not that of the bytes since the last one. */
  check(signature: string): void {
    this.checkText("AWS4-HMAC-SHA256-PAYLOAD", `${emptyHash}\n${this.hasher.digest("hex")}`, signature)
    this.hasher = new Bun.CryptoHasher("sha256")
  }

  checkTrailer(fields: string, signature: string): void {
    this.checkText("AWS4-HMAC-SHA256-TRAILER", sha256(fields), signature)
  }

  private checkText(kind: string, hashes: string, signature: string): void {
    const { key, timestamp, scope } = this.key
    const expected = sign(key, [kind, timestamp, scope, this.previous, hashes].join("\n"))
    if (!isSignature(signature, expected)) throw wrong("the signature of a chunk or of the trailer is not that of its bytes")
    this.previous = expected
  }
}

const emptyHash = sha256("")

/** Fields stand one a line. Some clients have an empty line before them, or end a line twice, as examples of Amazon's did. */
function readTrailer(
  text: string,
  hasTrailer: boolean,
  chain: SignatureChain | undefined,
  trailer: (name: string, value: string) => void,
): void {
  if (!text.endsWith("\r\n")) throw incomplete("the body ended before its end")
  const lines = text.split(/\r?\n/).filter((line) => line !== "")
  if (!hasTrailer) {
    if (text !== "\r\n") throw incomplete("something follows the last chunk")
    return
  }
  if (!text.endsWith("\n\r\n") && text !== "\r\n") throw incomplete("the body ended within its trailer")
  let [fields, signature] = ["", ""]
  for (const line of lines) {
    const colon = line.indexOf(":")
    const name = line.slice(0, colon).toLowerCase()
    const value = withoutBlanks(line.slice(colon + 1))
    if (colon < 1) throw malformed("a line of the trailer is no field")
    if (name === "x-amz-trailer-signature") {
      signature = value
      continue
    }
    fields += `${name}:${value}\n`
    trailer(name, value)
  }
  chain?.checkTrailer(fields, signature)
}

const incomplete = (what: string) => new S3Error("IncompleteBody", `The request body is not what its header fields announce: ${what}`)

const malformed = (what: string) =>
  new S3Error("MalformedTrailerError", `The request contained trailing data that was not well-formed: ${what}`)

const wrong = (what: string) => new S3Error("SignatureDoesNotMatch", `The signatures of the body do not match: ${what}`)
