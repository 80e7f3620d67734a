import { declaredFraming, type Framing } from "./body-framing"
import { connectionOptions, findHeadEnd, MessageError, tokenBytes } from "./field-lines"
import { FieldName } from "./field-name"
import { FieldLines, type Fields } from "./fields"
import type { EdgeLimits } from "./limits"
import { parseAuthority } from "./server-name"

/** A request head that has one meaning only (RFC 9112 sections 3 to 6, RFC 9113 section 8.3). */
export type RequestHead = {
  method: string
  /** Origin-form, or `*`. */
  target: string
  /** 2 for HTTP/2, 1 for HTTP/1.1, 0 for HTTP/1.0. */
  version: number
  /** Canonical, port taken off. */
  host: string
  /** The Host field as it was sent. */
  authority: string
  fields: Fields
  connection: readonly string[]
  framing: Framing
  /** Where the head ends in its input. */
  end: number
}

const NONE: Framing = { kind: "none" }
const METHOD_BYTES = 32

/** 1 for each byte that may stand in a request target. */
const targetBytes = new Uint8Array(256).fill(1, 33, 127)
targetBytes[35] = 0

/**
 * Parses the head that begins at `start`, or answers undefined while it is incomplete; the input up to `searched` was seen before, and
 * `likely` is what was asked for last. The head points into the input and into `fields`. Throws MessageError.
 */
export function parseRequestHead(
  input: Buffer,
  start: number,
  searched: number,
  limits: EdgeLimits,
  likely?: { authority: string; host: string },
  fields: FieldLines = new FieldLines(limits.fieldCount),
): RequestHead | undefined {
  if (input.length === start) return undefined
  let begin = start
  if (input[begin] === 13) {
    if (input.length > begin + 1 && input[begin + 1] !== 10) throw new MessageError(400, "a line does not end in CRLF")
    if (input.length < begin + 3) return undefined
    begin += 2
  }
  if (tokenBytes[input[begin]!] !== 1) throw new MessageError(400, "this is not an HTTP/1 request")
  const end = findRequestEnd(input, begin, Math.max(begin, searched), limits)
  if (end < 0) return undefined
  let at = begin
  while (tokenBytes[input[at]!] === 1) at++
  if (input[at] !== 32) throw new MessageError(400, at - begin > METHOD_BYTES ? "the method is malformed" : "the request line is malformed")
  if (at - begin > METHOD_BYTES) throw new MessageError(400, "the method is malformed")
  const method = input.toString("latin1", begin, at)
  const targetAt = ++at
  while (targetBytes[input[at]!] === 1) at++
  if (input[at] !== 32 || at === targetAt) throw targetError(input, at, end)
  if (at - targetAt > limits.targetBytes) throw new MessageError(414, "the request target is too long")
  const target = input.toString("latin1", targetAt, at)
  const eol = at + 9
  const version = parseVersion(input, at + 1, eol, end)
  fields.parse(input, eol + 2, end - 2)
  const hostAt = fields.find(FieldName.Host)
  if (hostAt < 0) throw new MessageError(400, "there is no Host field")
  const known = likely !== undefined && likely.authority !== "" && fields.valueIs(hostAt, likely.authority)
  const authority = known ? likely.authority : fields.value(hostAt)
  const host = known ? likely.host : parseAuthority(authority)
  if (host === undefined) throw new MessageError(400, "the Host field is malformed")
  const framing = declaredFraming(fields, version) ?? NONE
  if (method === "CONNECT" || method === "TRACE") throw new MessageError(405, `${method} is not allowed here`)
  const connection = connectionOptions(fields.all(FieldName.Connection))
  return { method, target: originForm(method, target, authority), version, host, authority, fields, connection, framing, end }
}

function findRequestEnd(input: Buffer, begin: number, searched: number, limits: EdgeLimits): number {
  try {
    return findHeadEnd(input, begin, searched, limits.headBytes)
  } catch (error) {
    // A head that is too large because of its first line alone is told so (RFC 9110 section 15.5.15).
    if (error instanceof MessageError && error.status === 431) {
      const eol = input.indexOf("\r\n", begin)
      if (eol < 0 || eol - begin > limits.targetBytes) throw new MessageError(414, "the request target is too long")
    }
    throw error
  }
}

const HTTP_1 = Buffer.from("HTTP/1.")

function parseVersion(input: Buffer, from: number, eol: number, end: number): number {
  let i = 0
  while (i < 7 && input[from + i] === HTTP_1[i]) i++
  const minor = i === 7 && eol < end && input[eol] === 13 && input[eol + 1] === 10 ? input[eol - 1]! - 48 : -1
  if (minor === 1 || minor === 0) return minor
  const line = input.toString("latin1", from, Math.max(from, input.indexOf("\r\n", from)))
  if (/^HTTP\/[0-9](?:\.[0-9])?$/.test(line)) throw new MessageError(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
  throw new MessageError(400, "the request line is malformed")
}

function targetError(input: Buffer, at: number, end: number): MessageError {
  const eol = input.indexOf("\r\n", at)
  const spaceFollows = eol >= 0 && eol < end && input.subarray(at, eol).includes(32)
  const text = spaceFollows ? "the request target has a byte that may not stand there" : "the request line is malformed"
  return new MessageError(400, text)
}

function originForm(method: string, target: string, authority: string): string {
  if (target.charCodeAt(0) === 47) return target
  if (target === "*") {
    if (method === "OPTIONS") return target
    throw new MessageError(400, "only OPTIONS may ask for *")
  }
  const parts = /^https?:\/\/([^/?]*)(.*)$/is.exec(target)
  if (!parts) throw new MessageError(400, "the request target is malformed")
  if (parts[1]!.toLowerCase() !== authority.toLowerCase()) throw new MessageError(400, "the request target and the Host field differ")
  const path = parts[2]!
  if (path === "") return method === "OPTIONS" ? "*" : "/"
  return path.charCodeAt(0) === 47 ? path : `/${path}`
}
