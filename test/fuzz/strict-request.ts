import { declaredFraming, digest, malformed, type Message, readMessage, valuesOf, type WireField } from "./strict-message"

/** A request as one server understood it. `body` is a length and a digest. */
export type Seen = { method: string; target: string; host: string; body: string; fields: WireField[]; trailers: WireField[] }

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Reads one request the strict way; `lenient` lets any byte but blanks stand in the target and any but CR, LF and NUL in values, as nginx does. */
export function readRequest(
  bytes: Buffer,
  lenient: boolean,
): { kind: "whole"; seen: Seen; size: number } | { kind: "incomplete"; head?: Message } | { kind: "malformed"; why: string } {
  // What cannot become a request is told at once rather than waited for.
  if (bytes.length > 0 && !/^[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(bytes.toString("latin1", 0, 1)))
    return { kind: "malformed", why: `a request that begins with ${JSON.stringify(bytes.toString("latin1", 0, 20))}` }
  const reading = readMessage(
    bytes,
    (line, fields) => {
      readLine(line, lenient)
      if (valuesOf(fields, "host").length !== 1) malformed("not exactly one Host field")
      return declaredFraming(fields) ?? { kind: "length", bytes: 0 }
    },
    { anyValue: lenient },
  )
  if (reading.kind === "malformed") return reading
  if (reading.kind === "incomplete") return { kind: "incomplete", head: reading.message }
  const { startLine, fields, body, trailers, size } = reading.message
  const { method, target } = readLine(startLine, lenient)
  return { kind: "whole", seen: { method, target, host: valuesOf(fields, "host")[0]!, body: digest(body), fields, trailers }, size }
}

function readLine(line: string, lenient: boolean): { method: string; target: string } {
  const parts = line.split(" ")
  const [method = "", target = "", version] = parts
  if (parts.length !== 3 || version !== "HTTP/1.1" || !TOKEN.test(method)) malformed(`a request line of ${JSON.stringify(line)}`)
  if (!(lenient ? /^[^\x00-\x20]+$/ : /^(?:\/[\x21-\x22\x24-\x7e]*|\*)$/).test(target)) malformed(`a target of ${JSON.stringify(target)}`)
  return { method, target }
}
