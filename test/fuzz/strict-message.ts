import { createHash } from "node:crypto"

/** A header field as it stands on the wire, blanks around the value taken off. */
export type WireField = { name: string; value: string }

/** A whole message: its start line, fields and trailers, and the body without its framing. */
export type Message = { startLine: string; fields: WireField[]; body: Buffer; trailers: WireField[]; size: number }

/** What the start of some bytes is. `malformed` says why; an `incomplete` message tells what it has so far. */
export type Reading = { kind: "whole"; message: Message } | { kind: "incomplete"; message?: Message } | { kind: "malformed"; why: string }

/** How a body is delimited. */
export type Framing = { kind: "length"; bytes: number } | { kind: "chunked" } | { kind: "close" }

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const LINE = /^([^:]*):[\t ]*(.*?)[\t ]*$/s
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const CHUNK = /^[0-9a-fA-F]{1,15}$/

class Malformed extends Error {}

/**
 * Reads one message at the start of `bytes`, the simple and strict way: whole lines, one framing, no extension, nothing guessed.
 * `framingOf` says how the body of a head is delimited, or throws what `malformed` makes. The edge's own parser shares nothing with it.
 */
export function readMessage(
  bytes: Buffer,
  framingOf: (startLine: string, fields: WireField[]) => Framing,
  options: { ended?: boolean; anyValue?: boolean } = {},
): Reading {
  try {
    const headEnd = bytes.indexOf("\r\n\r\n")
    if (headEnd < 0) return { kind: "incomplete" }
    const [startLine = "", ...lines] = bytes.toString("latin1", 0, headEnd).split("\r\n")
    const fields = lines.map((line) => readField(line, options.anyValue === true))
    const message: Message = { startLine, fields, body: Buffer.alloc(0), trailers: [], size: headEnd + 4 }
    const framing = framingOf(startLine, fields)
    if (framing.kind === "chunked") return readChunks(bytes, message)
    const rest = bytes.subarray(message.size)
    const want = framing.kind === "close" ? rest.length : framing.bytes
    message.body = rest.subarray(0, want)
    message.size += message.body.length
    const whole = framing.kind === "close" ? options.ended === true : rest.length >= want
    return { kind: whole ? "whole" : "incomplete", message }
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    return { kind: "malformed", why: error.message }
  }
}

/** Ends a reading: what was read cannot be a message. */
export function malformed(why: string): never {
  throw new Malformed(why)
}

function readField(line: string, anyValue: boolean): WireField {
  const parts = LINE.exec(line)
  if (!parts) return malformed(`a line without a colon: ${JSON.stringify(line)}`)
  const name = parts[1]!
  const value = parts[2]!
  if (!TOKEN.test(name)) malformed(`a field name that is no token: ${JSON.stringify(name)}`)
  if (anyValue ? /[\r\n\0]/.test(value) : !VALUE.test(value)) malformed(`a field value with a control byte: ${JSON.stringify(value)}`)
  return { name, value }
}

function readChunks(bytes: Buffer, message: Message): Reading {
  const pieces: Buffer[] = []
  const soFar = (): Reading => ({ kind: "incomplete", message: { ...message, body: Buffer.concat(pieces) } })
  for (let at = message.size; ;) {
    const eol = bytes.indexOf("\r\n", at)
    if (eol < 0) return soFar()
    const line = bytes.toString("latin1", at, eol)
    if (!CHUNK.test(line)) malformed(`a chunk size line of ${JSON.stringify(line)}`)
    const size = parseInt(line, 16)
    at = eol + 2
    if (size === 0) return readTrailers(bytes, at, { ...message, body: Buffer.concat(pieces) })
    pieces.push(bytes.subarray(at, at + size))
    if (bytes.length < at + size + 2) return soFar()
    if (bytes.toString("latin1", at + size, at + size + 2) !== "\r\n") malformed("a chunk that does not end in CRLF")
    at += size + 2
  }
}

function readTrailers(bytes: Buffer, from: number, message: Message): Reading {
  for (let at = from; ;) {
    const eol = bytes.indexOf("\r\n", at)
    if (eol < 0) return { kind: "incomplete", message }
    if (eol === at) return { kind: "whole", message: { ...message, size: eol + 2 } }
    message.trailers.push(readField(bytes.toString("latin1", at, eol), false))
    at = eol + 2
  }
}

/** The values of all fields of a name, which is given in lower case. */
export const valuesOf = (fields: WireField[], name: string) =>
  fields.filter((field) => field.name.toLowerCase() === name).map((field) => field.value)

/** The framing that a head declares, or undefined for none; ends the reading for two of them. */
export function declaredFraming(fields: WireField[]): Framing | undefined {
  const lengths = valuesOf(fields, "content-length")
  const codings = valuesOf(fields, "transfer-encoding")
  if (lengths.length + codings.length > 1) malformed(`several framings: ${JSON.stringify([...lengths, ...codings])}`)
  if (codings.length === 1) return codings[0]!.toLowerCase() === "chunked" ? { kind: "chunked" } : malformed(`the coding ${codings[0]}`)
  if (lengths.length === 0) return undefined
  return /^[0-9]{1,15}$/.test(lengths[0]!) ? { kind: "length", bytes: Number(lengths[0]) } : malformed(`the length ${lengths[0]}`)
}

/** Bodies are compared by length and digest. */
export const digest = (body: Buffer) => `${body.length}:${createHash("sha256").update(body).digest("hex").slice(0, 16)}`
