/** One header field: `name` in lower case, `value` without surrounding blanks, and where its line stands in the text (CRLF included). */
export type Field = { name: string; value: string; start: number; end: number }

/** A message that must not be relayed; `status` is what a client is told when it was the client's message. */
export class MessageError extends Error {
  constructor(
    readonly status: 400 | 405 | 414 | 431 | 505,
    message: string,
  ) {
    super(message)
    this.name = "MessageError"
  }
}

const tokenBytes = new Uint8Array(256)
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") tokenBytes[char.charCodeAt(0)] = 1

/** Whether a byte may stand in a token (RFC 9110 section 5.6.2). */
export const isTokenByte = (byte: number) => tokenBytes[byte] === 1

/** Whether a text is a token (RFC 9110 section 5.6.2). */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (tokenBytes[text.charCodeAt(i)] !== 1) return false
  return text.length > 0
}

/** Parses lines from `start` to `end`, each ending in CRLF (RFC 9112 section 5); throws MessageError for anything that two parsers could read in two ways. */
export function parseFields(text: string, start: number, end: number, maxCount: number): Field[] {
  const fields: Field[] = []
  let at = start
  while (at < end) {
    if (fields.length === maxCount) throw new MessageError(431, "too many header fields")
    const eol = text.indexOf("\r\n", at)
    let colon = at
    while (tokenBytes[text.charCodeAt(colon)] === 1) colon++
    if (colon === at) throw new MessageError(400, "a header field has no name, or a line is folded")
    if (text.charCodeAt(colon) !== 58) throw new MessageError(400, "a header field's name is not followed by a colon")
    let from = colon + 1
    let to = eol
    while (from < to && isBlank(text.charCodeAt(from))) from++
    while (to > from && isBlank(text.charCodeAt(to - 1))) to--
    for (let i = from; i < to; i++) {
      const byte = text.charCodeAt(i)
      if ((byte < 32 && byte !== 9) || byte === 127) throw new MessageError(400, "a header field's value has a control character")
    }
    fields.push({ name: text.slice(at, colon).toLowerCase(), value: text.slice(from, to), start: at, end: eol + 2 })
    at = eol + 2
  }
  return fields
}

const isBlank = (byte: number) => byte === 32 || byte === 9

const EMPTY_LINE = Buffer.from("\r\n\r\n")

/**
 * Where the head in `input` ends (past its empty line), or -1 while it is incomplete; `from` says how much was searched before. An
 * incomplete head with a bare CR or LF is refused at once, since its empty line would never come.
 */
export function findHeadEnd(input: Buffer, from: number, maxBytes: number): number {
  const found = input.indexOf(EMPTY_LINE, Math.max(0, from - 3))
  if (found >= 0) {
    if (found + 4 > maxBytes) throw new MessageError(431, "the head is too large")
    return found + 4
  }
  for (let i = Math.max(1, from); i < input.length; i++) {
    if ((input[i] === 10) !== (input[i - 1] === 13)) throw new MessageError(400, "a line does not end in CRLF")
  }
  if (input[0] === 10) throw new MessageError(400, "a line does not end in CRLF")
  if (input.length > maxBytes) throw new MessageError(431, "the head is too large")
  return -1
}

/** Exactly one field of a name, or undefined; two of them throw, since which one counts is what smugglers play with. */
export function singleField(fields: Field[], name: string): Field | undefined {
  let found: Field | undefined
  for (const field of fields) {
    if (field.name !== name) continue
    if (found) throw new MessageError(400, `there are two ${name} fields`)
    found = field
  }
  return found
}

/** The options of all Connection fields, in lower case (RFC 9110 section 7.6.1). */
export function connectionOptions(fields: Field[]): string[] {
  const options: string[] = []
  for (const field of fields) {
    if (field.name !== "connection") continue
    for (const part of field.value.toLowerCase().split(",")) {
      const option = part.trim()
      if (option === "") continue
      if (!isToken(option)) throw new MessageError(400, "a Connection option is not a token")
      options.push(option)
    }
  }
  return options
}
