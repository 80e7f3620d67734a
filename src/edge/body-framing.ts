import { MessageError } from "./field-lines"
import { FieldName, trailerDropped, trailerNamesDropped } from "./field-name"
import { FieldLines, type Fields } from "./fields"
import type { Outbox } from "./outbox"

/** How a message says where its body ends (RFC 9112 section 6.3). `chunked` stands for every length that is not known before the end. */
export type Framing = { kind: "none" } | { kind: "length"; length: number } | { kind: "chunked" } | { kind: "close" }

const NONE: Framing = { kind: "none" }
const CHUNKED: Framing = { kind: "chunked" }

/** The one framing that an HTTP/1 head declares, or undefined where it declares none; throws MessageError for two framings or a doubtful one. */
export function declaredFraming(fields: Fields, version: number): Framing | undefined {
  const length = fields.single(FieldName.ContentLength)
  const coding = fields.single(FieldName.TransferEncoding)
  if (coding !== undefined) {
    if (length !== undefined) throw new MessageError(400, "there are both a Content-Length and a Transfer-Encoding")
    if (version === 0) throw new MessageError(400, "HTTP/1.0 has no Transfer-Encoding")
    if (coding.toLowerCase() !== "chunked") throw new MessageError(400, "the only transfer coding is chunked")
    return CHUNKED
  }
  return length === undefined ? undefined : measuredFraming(length)
}

/** The framing of a Content-Length; throws MessageError unless it is a number (RFC 9110 section 8.6). */
export function measuredFraming(length: string): Framing {
  if (!/^[0-9]{1,15}$/.test(length)) throw new MessageError(400, "the Content-Length is not a number")
  const bytes = Number(length)
  return bytes === 0 ? NONE : { kind: "length", length: bytes }
}

/** Bytes of a body without their framing: `count` numbers in `ranges`, from and to by turns, in `input`. `done` with the last of them. */
export interface BodyPart {
  readonly input: Buffer
  readonly ranges: readonly number[]
  readonly count: number
  readonly done: boolean
  readonly trailers: Fields | undefined
  /** The input stays as it is after the call, and may be kept. */
  readonly lasting: boolean
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
export class BodyDecoder implements BodyPart {
  input: Buffer = EMPTY
  ranges: number[] = []
  count = 0
  done: boolean
  readonly lasting = true
  /** Body bytes so far, without framing. */
  bytes = 0
  trailers: Fields | undefined
  private remaining = 0
  private digits = 0
  private extensionBytes = 0
  private trailerText = ""
  private at = At.Size

  constructor(readonly framing: Framing) {
    this.done = framing.kind === "none"
    if (framing.kind === "length") this.remaining = framing.length
  }

  /** Takes the part of the body that stands from `from` on, and answers where it ends; throws MessageError. The part before is forgotten. */
  decode(input: Buffer, from: number): number {
    this.input = input
    this.count = 0
    if (this.done) return from
    if (this.framing.kind === "chunked") return this.decodeChunks(input, from)
    let to = input.length
    if (this.framing.kind === "length") {
      to = Math.min(to, from + this.remaining)
      this.remaining -= to - from
      this.done = this.remaining === 0
    }
    if (to > from) this.add(from, to)
    return to
  }

  private add(from: number, to: number): void {
    this.ranges[this.count++] = from
    this.ranges[this.count++] = to
    this.bytes += to - from
  }

  private decodeChunks(input: Buffer, from: number): number {
    let i = from
    while (i < input.length && this.at !== At.Done) {
      if (this.at === At.Data) {
        const size = Math.min(this.remaining, input.length - i)
        this.add(i, i + size)
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
    this.at = At.Done
    if (this.trailerText.length === 2) return
    const lines = new FieldLines(TRAILER_COUNT)
    const bytes = Buffer.from(this.trailerText, "latin1")
    lines.parse(bytes, 0, bytes.length - 2)
    this.trailers = lines
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

const EMPTY = Buffer.alloc(0)

/** A part that is a whole buffer, or only the end of a body. */
export function bodyPart(input: Buffer | undefined, done: boolean, trailers?: Fields): BodyPart {
  return input === undefined || input.length === 0
    ? { input: EMPTY, ranges: [], count: 0, done, trailers, lasting: false }
    : { input, ranges: [0, input.length], count: 2, done, trailers, lasting: false }
}

/** Appends a part to a message of HTTP/1, in chunks where the message is `chunked`. */
export function writePart(out: Outbox, part: BodyPart, chunked: boolean): void {
  const { input, ranges, count, lasting } = part
  if (!chunked) {
    for (let i = 0; i < count; i += 2) out.copy(input, ranges[i]!, ranges[i + 1]!, lasting)
    return
  }
  let size = 0
  for (let i = 0; i < count; i += 2) size += ranges[i + 1]! - ranges[i]!
  if (size > 0) {
    out.text(`${size.toString(16)}\r\n`)
    for (let i = 0; i < count; i += 2) out.copy(input, ranges[i]!, ranges[i + 1]!, lasting)
    out.text("\r\n")
  }
  if (!part.done) return
  out.text("0\r\n")
  part.trailers?.writeTo(out, trailerDropped, trailerNamesDropped)
  out.text("\r\n")
}
