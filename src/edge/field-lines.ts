import type { FieldName } from "./field-name"

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

/** 1 for each byte that may stand in a token (RFC 9110 section 5.6.2). */
export const tokenBytes = new Uint8Array(256)
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") tokenBytes[char.charCodeAt(0)] = 1

/** 1 for each byte that may stand in a field value (RFC 9110 section 5.5): no control characters but the tab. */
export const valueBytes = new Uint8Array(256).fill(1, 32)
valueBytes[9] = 1
valueBytes[127] = 0

/** Whether a text is a token (RFC 9110 section 5.6.2). */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (tokenBytes[text.charCodeAt(i)] !== 1) return false
  return text.length > 0
}

const EMPTY_LINE = Buffer.from("\r\n\r\n")

/**
 * Where the head that begins at `start` ends (past its empty line), or -1 while it is incomplete; `searched` is the place up to which it was
 * looked at before. An incomplete head with a bare CR or LF is refused at once, since its empty line would never come.
 */
export function findHeadEnd(input: Buffer, start: number, searched: number, maxBytes: number): number {
  const found = input.indexOf(EMPTY_LINE, Math.max(start, searched - 3))
  if (found >= 0) {
    if (found + 4 - start > maxBytes) throw new MessageError(431, "the head is too large")
    return found + 4
  }
  for (let i = Math.max(start + 1, searched); i < input.length; i++) {
    if ((input[i] === 10) !== (input[i - 1] === 13)) throw new MessageError(400, "a line does not end in CRLF")
  }
  if (input[start] === 10) throw new MessageError(400, "a line does not end in CRLF")
  if (input.length - start > maxBytes) throw new MessageError(431, "the head is too large")
  return -1
}

/** The place of the one field of a name among `ids`, or -1; two of them throw MessageError. */
export function singleIndex(ids: Uint8Array, count: number, name: FieldName): number {
  let found = -1
  for (let i = 0; i < count; i++) {
    if (ids[i] !== name) continue
    if (found >= 0) throw new MessageError(400, "a field that may stand once stands twice")
    found = i
  }
  return found
}

/** The options of all Connection fields, in lower case (RFC 9110 section 7.6.1). */
export function connectionOptions(values: readonly string[]): readonly string[] {
  if (values.length === 0) return NO_OPTIONS
  const options: string[] = []
  for (const value of values) {
    for (const part of value.toLowerCase().split(",")) {
      const option = part.trim()
      if (option === "") continue
      if (!isToken(option)) throw new MessageError(400, "a Connection option is not a token")
      options.push(option)
    }
  }
  return options
}

const NO_OPTIONS: readonly string[] = Object.freeze([])
