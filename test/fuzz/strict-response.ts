import { declaredFraming, digest, malformed, readMessage, valuesOf, type WireField } from "./strict-message"

/** A response as a client understood it. `body` is a length and a digest. */
export type Answer = { status: number; reason: string; fields: WireField[]; trailers: WireField[]; body: string; text: string }

/** The responses at the start of some bytes: whole ones, and what came after them. */
export type Answers = {
  whole: Answer[]
  rest: "nothing" | "broken off" | "malformed"
  why: string
  restText: string
  bodyEndsWithConnection: boolean
}

const STATUS_LINE = /^HTTP\/1\.[01] ([1-9][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)$/

/** Reads responses the strict way up to and with the `finals`-th final one; `bodiless` says which have a head alone, `ended` that no byte will follow. */
export function readResponses(
  bytes: Buffer,
  options: { ended: boolean; finals: number; bodiless: (status: number, after: string) => boolean },
): Answers {
  const whole: Answer[] = []
  const outcome = { whole, why: "", restText: "", bodyEndsWithConnection: false }
  let at = 0
  for (let finals = 0; at < bytes.length && finals < options.finals;) {
    const left = bytes.subarray(at)
    const after = left.toString("latin1", left.indexOf("\r\n\r\n") + 4, left.indexOf("\r\n\r\n") + 5)
    const reading = readMessage(
      left,
      (line, fields) => {
        const status = statusOf(line)
        const declared = declaredFraming(fields)
        if (status < 200 || status === 204 || status === 304 || options.bodiless(status, after)) return { kind: "length", bytes: 0 }
        if (declared) return declared
        outcome.bodyEndsWithConnection = true
        return { kind: "close" }
      },
      { ended: options.ended },
    )
    if (reading.kind !== "whole") {
      const rest = reading.kind === "malformed" ? "malformed" : "broken off"
      return { ...outcome, rest, why: reading.kind === "malformed" ? reading.why : "", restText: left.toString("latin1") }
    }
    const { startLine, fields, trailers, body, size } = reading.message
    const status = statusOf(startLine)
    whole.push({ status, reason: startLine.slice(13), fields, trailers, body: digest(body), text: body.toString("latin1") })
    if (status >= 200 || status === 101) finals++
    at += size
  }
  const restText = bytes.toString("latin1", at)
  return restText === ""
    ? { ...outcome, rest: "nothing" }
    : { ...outcome, rest: "malformed", why: "bytes after the last response", restText }
}

function statusOf(line: string): number {
  const parts = STATUS_LINE.exec(line)
  return parts ? Number(parts[1]) : malformed(`a status line of ${JSON.stringify(line)}`)
}

/** Whether a response says that its connection ends with it. */
export const announcesClose = (answer: Answer) =>
  valuesOf(answer.fields, "connection").some((value) => /(?:^|,)\s*close\s*(?:,|$)/i.test(value))
