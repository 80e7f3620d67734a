import { declaredFraming, type Framing } from "./body-framing"
import { connectionOptions, type Field, findHeadEnd, MessageError, parseFields } from "./field-lines"
import type { EdgeLimits } from "./limits"

/** A response head that has one meaning only (RFC 9112 sections 4 to 6). */
export type ResponseHead = {
  status: number
  reason: string
  version: number
  fields: Field[]
  connection: string[]
  framing: Framing
  text: string
  size: number
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?$/
const NONE: Framing = { kind: "none" }
const CLOSE: Framing = { kind: "close" }

/** Parses the head at the start of `input`, or answers undefined while it is incomplete; throws MessageError for what may not be relayed. */
export function parseResponseHead(input: Buffer, searched: number, method: string, limits: EdgeLimits): ResponseHead | undefined {
  // A server that speaks something else is found out by its first bytes rather than by a time-out.
  const probe = input.toString("latin1", 0, Math.min(7, input.length))
  if (!"HTTP/1.".startsWith(probe)) throw new MessageError(400, "this is not an HTTP/1 response")
  const end = findHeadEnd(input, searched, limits.headBytes)
  if (end < 0) return undefined
  const text = input.toString("latin1", 0, end)
  const eol = text.indexOf("\r\n")
  const line = STATUS_LINE.exec(text.slice(0, eol))
  if (!line) throw new MessageError(400, "the status line is malformed")
  const version = Number(line[1])
  const status = Number(line[2])
  const fields = parseFields(text, eol + 2, end - 2, limits.fieldCount)
  const declared = declaredFraming(fields, version)
  const bodiless = method === "HEAD" || status < 200 || status === 204 || status === 304
  const framing = bodiless ? NONE : (declared ?? CLOSE)
  return { status, reason: line[3] ?? "", version, fields, connection: connectionOptions(fields), framing, text, size: end }
}
