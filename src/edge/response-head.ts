import { declaredFraming, type Framing } from "./body-framing"
import { connectionOptions, findHeadEnd, MessageError } from "./field-lines"
import { FieldName } from "./field-name"
import { FieldLines, type Fields } from "./fields"
import type { EdgeLimits } from "./limits"

/** A response head that has one meaning only (RFC 9112 sections 4 to 6, RFC 9113 section 8.3.2). */
export type ResponseHead = {
  status: number
  reason: string
  /** 2 for HTTP/2, 1 for HTTP/1.1, 0 for HTTP/1.0. */
  version: number
  fields: Fields
  connection: readonly string[]
  framing: Framing
  /** The length of a body that our own API sends in chunks although it knows it; the client is told. */
  announced?: number
  /** Where the head ends in its input. */
  end: number
}

const NONE: Framing = { kind: "none" }
const CLOSE: Framing = { kind: "close" }
const HTTP_1 = Buffer.from("HTTP/1.")

/**
 * Parses the head that begins at `start`, or answers undefined while it is incomplete; the input up to `searched` was seen before. The head
 * points into the input and into `lines`. Throws MessageError for what may not be relayed.
 */
export function parseResponseHead(
  input: Buffer,
  start: number,
  searched: number,
  method: string,
  limits: EdgeLimits,
  lines: FieldLines = new FieldLines(limits.fieldCount),
): ResponseHead | undefined {
  // A server that speaks something else is found out by its first bytes rather than by a time-out.
  const probe = Math.min(7, input.length - start)
  for (let i = 0; i < probe; i++) if (input[start + i] !== HTTP_1[i]) throw new MessageError(400, "this is not an HTTP/1 response")
  const end = findHeadEnd(input, start, searched, limits.headBytes)
  if (end < 0) return undefined
  const version = input[start + 7]! - 48
  const hundreds = input[start + 9]! - 48
  const tens = input[start + 10]! - 48
  const ones = input[start + 11]! - 48
  const digits = hundreds >= 1 && hundreds <= 9 && tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9
  if ((version !== 0 && version !== 1) || input[start + 8] !== 32 || !digits) throw new MessageError(400, "the status line is malformed")
  const status = hundreds * 100 + tens * 10 + ones
  let eol = start + 12
  if (input[eol] === 32) while (isReasonByte(input[eol]!)) eol++
  if (input[eol] !== 13 || input[eol + 1] !== 10) throw new MessageError(400, "the status line is malformed")
  const reason =
    status === 200 && eol === start + 15 && input[start + 13] === 79 && input[start + 14] === 75
      ? "OK"
      : input.toString("latin1", start + 13, eol)
  lines.parse(input, eol + 2, end - 2)
  const declared = declaredFraming(lines, version)
  const bodiless = method === "HEAD" || status < 200 || status === 204 || status === 304
  const framing = bodiless ? NONE : (declared ?? CLOSE)
  return { status, reason, version, fields: lines, connection: connectionOptions(lines.all(FieldName.Connection)), framing, end }
}

/** The length that our own API gives beside a body in chunks; undefined where it gives none. */
export function announcedLength({ fields }: ResponseHead): number | undefined {
  const text = fields.single(FieldName.OwnLength)
  return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined
}

const isReasonByte = (byte: number) => (byte >= 32 && byte !== 127) || byte === 9
