import { type Field, MessageError, parseFields, singleField } from "./field-lines"

/** How a message says where its body ends (RFC 9112 section 6.3). */
export type Framing = { kind: "none" } | { kind: "length"; length: number } | { kind: "chunked" } | { kind: "close" }

const NONE: Framing = { kind: "none" }
const CHUNKED: Framing = { kind: "chunked" }

/** The one framing that a head declares, or undefined where it declares none; throws MessageError for two framings or a doubtful one. */
export function declaredFraming(fields: Field[], version: number): Framing | undefined {
  const length = singleField(fields, "content-length")
  const coding = singleField(fields, "transfer-encoding")
  if (coding) {
    if (length) throw new MessageError(400, "there are both a Content-Length and a Transfer-Encoding")
    if (version === 0) throw new MessageError(400, "HTTP/1.0 has no Transfer-Encoding")
    if (coding.value.toLowerCase() !== "chunked") throw new MessageError(400, "the only transfer coding is chunked")
    return CHUNKED
  }
  if (!length) return undefined
  if (!/^[0-9]{1,15}$/.test(length.value)) throw new MessageError(400, "the Content-Length is not a number")
  return length.value === "0" ? NONE : { kind: "length", length: Number(length.value) }
}

const SIZE_DIGITS = 8
const EXTENSION_BYTES = 8 * 1024
const TRAILER_BYTES = 8 * 1024
const TRAILER_COUNT = 64

const enum At {
  Size,
  Extension,
  SizeLf,
  Data,
  DataCr,
  DataLf,
  Trailer,
  Done,
}

/** Takes a body out of its framing as it arrives. Chunk extensions are bounded, checked and dropped (RFC 9112 section 7.1.1). */
export class BodyDecoder {
  done: boolean
  /** Body bytes so far, without framing. */
  bytes = 0
  trailerText = ""
  trailers: Field[] = []
  private remaining = 0
  private digits = 0
  private extensionBytes = 0
  private at = At.Size

  constructor(readonly framing: Framing) {
    this.done = framing.kind === "none" || (framing.kind === "length" && framing.length === 0)
    if (framing.kind === "length") this.remaining = framing.length
  }

  /** Appends the body bytes in `input` to `pieces` and answers how much of `input` belongs to this message; throws MessageError. */
  decode(input: Buffer, pieces: Buffer[]): number {
    if (this.done) return 0
    if (this.framing.kind === "chunked") return this.decodeChunks(input, pieces)
    const size = this.framing.kind === "length" ? Math.min(this.remaining, input.length) : input.length
    if (size > 0) pieces.push(size === input.length ? input : input.subarray(0, size))
    this.bytes += size
    if (this.framing.kind === "length") {
      this.remaining -= size
      this.done = this.remaining === 0
    }
    return size
  }

  private decodeChunks(input: Buffer, pieces: Buffer[]): number {
    let i = 0
    while (i < input.length && this.at !== At.Done) {
      if (this.at === At.Data) {
        const size = Math.min(this.remaining, input.length - i)
        pieces.push(input.subarray(i, i + size))
        this.bytes += size
        this.remaining -= size
        i += size
        if (this.remaining === 0) this.at = At.DataCr
      } else {
        this.step(input[i++]!)
      }
    }
    this.done = this.at === At.Done
    return i
  }

  private step(byte: number): void {
    switch (this.at) {
      case At.Size: {
        const digit = hexDigit(byte)
        if (digit >= 0) {
          if (++this.digits > SIZE_DIGITS) throw new MessageError(400, "a chunk size is too long")
          this.remaining = this.remaining * 16 + digit
          return
        }
        if (this.digits === 0 || (byte !== 13 && byte !== 59)) throw new MessageError(400, "a chunk size is malformed")
        this.at = byte === 13 ? At.SizeLf : At.Extension
        return
      }
      case At.Extension:
        if (byte === 13) this.at = At.SizeLf
        else if ((byte < 32 && byte !== 9) || byte > 126) throw new MessageError(400, "a chunk extension is malformed")
        else if (++this.extensionBytes > EXTENSION_BYTES) throw new MessageError(400, "the chunk extensions are too long")
        return
      case At.SizeLf:
        if (byte !== 10) throw new MessageError(400, "a chunk size does not end in CRLF")
        this.at = this.remaining === 0 ? At.Trailer : At.Data
        this.digits = 0
        return
      case At.DataCr:
        if (byte !== 13) throw new MessageError(400, "a chunk does not end in CRLF")
        this.at = At.DataLf
        return
      case At.DataLf:
        if (byte !== 10) throw new MessageError(400, "a chunk does not end in CRLF")
        this.at = At.Size
        return
      default:
        this.stepTrailer(byte)
    }
  }

  private stepTrailer(byte: number): void {
    const text = this.trailerText
    const previous = text.length === 0 ? 0 : text.charCodeAt(text.length - 1)
    if ((byte === 10) !== (previous === 13)) throw new MessageError(400, "a trailer line does not end in CRLF")
    if (text.length === TRAILER_BYTES) throw new MessageError(400, "the trailers are too large")
    this.trailerText += String.fromCharCode(byte)
    if (byte !== 10 || (this.trailerText !== "\r\n" && !this.trailerText.endsWith("\r\n\r\n"))) return
    this.trailers = parseFields(this.trailerText, 0, this.trailerText.length - 2, TRAILER_COUNT)
    this.at = At.Done
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** Pieces at least this large are written by themselves rather than copied beside a head. */
const COPY_BYTES = 16 * 1024

/**
 * The buffers to write for a head (may be empty), body pieces and, in a chunked body, its end: one buffer wherever copying is cheaper than
 * another write. `end` is the text after the last chunk (trailers and empty line), or undefined while the body goes on.
 */
export function frameMessage(head: string, pieces: Buffer[], chunked: boolean, end: string | undefined): Buffer[] {
  if (!chunked) {
    let size = 0
    for (const piece of pieces) size += piece.length
    if (head === "" && pieces.length === 1) return pieces
    if (size >= COPY_BYTES) return head === "" ? pieces : [Buffer.from(head, "latin1"), ...pieces]
    return head.length + size === 0 ? [] : [fill(head, pieces, size, "")]
  }
  let size = 0
  for (const piece of pieces) size += piece.length
  const prefix = size === 0 ? head : `${head}${size.toString(16)}\r\n`
  const suffix = (size === 0 ? "" : "\r\n") + (end === undefined ? "" : `0\r\n${end}`)
  return prefix.length + suffix.length === 0 ? [] : [fill(prefix, pieces, size, suffix)]
}

function fill(prefix: string, pieces: Buffer[], size: number, suffix: string): Buffer {
  const out = Buffer.allocUnsafe(prefix.length + size + suffix.length)
  out.write(prefix, 0, "latin1")
  let at = prefix.length
  for (const piece of pieces) {
    out.set(piece, at)
    at += piece.length
  }
  if (suffix !== "") out.write(suffix, at, "latin1")
  return out
}
