import { declaredFraming, type Framing } from "./body-framing"
import { connectionOptions, type Field, findHeadEnd, isToken, isTokenByte, MessageError, parseFields, singleField } from "./field-lines"
import type { EdgeLimits } from "./limits"
import { parseAuthority } from "./server-name"

/** A request head that has one meaning only (RFC 9112 sections 3 to 6). */
export type RequestHead = {
  method: string
  /** Origin-form, or `*`. */
  target: string
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  version: number
  /** Canonical, port taken off. */
  host: string
  /** The Host field as it was sent. */
  authority: string
  fields: Field[]
  connection: string[]
  framing: Framing
  text: string
  /** Bytes of the input that the head took, with a CRLF before it. */
  size: number
}

const NONE: Framing = { kind: "none" }
const METHOD_BYTES = 32

/** Parses the head at the start of `input`, or answers undefined while it is incomplete; `searched` bytes were seen before. Throws MessageError. */
export function parseRequestHead(input: Buffer, searched: number, limits: EdgeLimits): RequestHead | undefined {
  if (input.length === 0) return undefined
  let begin = 0
  if (input[0] === 13) {
    if (input.length < 3) {
      if (input.length === 2 && input[1] !== 10) throw new MessageError(400, "a line does not end in CRLF")
      return undefined
    }
    if (input[1] !== 10) throw new MessageError(400, "a line does not end in CRLF")
    begin = 2
  }
  if (!isTokenByte(input[begin]!)) throw new MessageError(400, "this is not an HTTP/1 request")
  const rest = begin === 0 ? input : input.subarray(begin)
  const end = findRequestEnd(rest, Math.max(0, searched - begin), limits)
  if (end < 0) return undefined
  const text = rest.toString("latin1", 0, end)
  const eol = text.indexOf("\r\n")
  const firstSpace = text.indexOf(" ")
  const lastSpace = text.lastIndexOf(" ", eol)
  if (firstSpace < 0 || lastSpace <= firstSpace || lastSpace > eol) throw new MessageError(400, "the request line is malformed")
  const method = text.slice(0, firstSpace)
  if (method.length > METHOD_BYTES || !isToken(method)) throw new MessageError(400, "the method is malformed")
  const target = text.slice(firstSpace + 1, lastSpace)
  if (target.length > limits.targetBytes) throw new MessageError(414, "the request target is too long")
  const version = parseVersion(text.slice(lastSpace + 1, eol))
  checkTarget(target)
  const fields = parseFields(text, eol + 2, end - 2, limits.fieldCount)
  const authority = singleField(fields, "host")?.value
  if (authority === undefined) throw new MessageError(400, "there is no Host field")
  const host = parseAuthority(authority)
  if (host === undefined) throw new MessageError(400, "the Host field is malformed")
  const framing = declaredFraming(fields, version) ?? NONE
  if (method === "CONNECT" || method === "TRACE") throw new MessageError(405, `${method} is not allowed here`)
  return {
    method,
    target: originForm(method, target, authority),
    version,
    host,
    authority,
    fields,
    connection: connectionOptions(fields),
    framing,
    text,
    size: begin + end,
  }
}

function findRequestEnd(input: Buffer, searched: number, limits: EdgeLimits): number {
  try {
    return findHeadEnd(input, searched, limits.headBytes)
  } catch (error) {
    // A head that is too large because of its first line alone is told so (RFC 9110 section 15.5.15).
    if (error instanceof MessageError && error.status === 431) {
      const eol = input.indexOf("\r\n")
      if (eol < 0 || eol > limits.targetBytes) throw new MessageError(414, "the request target is too long")
    }
    throw error
  }
}

function parseVersion(text: string): number {
  if (text === "HTTP/1.1") return 1
  if (text === "HTTP/1.0") return 0
  if (/^HTTP\/[0-9](?:\.[0-9])?$/.test(text)) throw new MessageError(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
  throw new MessageError(400, "the request line is malformed")
}

function checkTarget(target: string): void {
  for (let i = 0; i < target.length; i++) {
    const byte = target.charCodeAt(i)
    if (byte <= 32 || byte >= 127 || byte === 35) throw new MessageError(400, "the request target has a byte that may not stand there")
  }
}

function originForm(method: string, target: string, authority: string): string {
  if (target.charCodeAt(0) === 47) return target
  if (target === "*") {
    if (method === "OPTIONS") return target
    throw new MessageError(400, "only OPTIONS may ask for *")
  }
  const parts = /^https?:\/\/([^/?]*)(.*)$/i.exec(target)
  if (!parts) throw new MessageError(400, "the request target is malformed")
  if (parts[1]!.toLowerCase() !== authority.toLowerCase()) throw new MessageError(400, "the request target and the Host field differ")
  const path = parts[2]!
  if (path === "") return method === "OPTIONS" ? "*" : "/"
  return path.charCodeAt(0) === 47 ? path : `/${path}`
}
