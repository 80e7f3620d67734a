import { AppError } from "../errors"

/*
 * Conditional and range requests (RFC 9110 sections 13 and 14), in the order of section 13.2.2: If-Match or else If-Unmodified-Since, If-None-Match or
 * else If-Modified-Since, then Range under If-Range.
 *
 * What we do not do: several ranges in one answer (the whole is sent, as section 14.2 allows), units other than bytes, weak validators of our own.
 */

/** What is compared; the tag is without quotes, the time in Unix milliseconds. */
export type Validators = { etag: string; createdAt: number; size: number }

/** How a reader is to be answered: with all bytes, with some of them, with nothing that it has not got, or that there are no such bytes. */
export type ReadOutcome = { status: 200 } | { status: 206; first: number; last: number } | { status: 304 } | { status: 416 }

/** Judges a GET or HEAD. Throws `precondition_failed`. */
export function judgeRead(method: string, headers: Headers, object: Validators): ReadOutcome {
  checkMatch(headers, object)
  const noneMatch = headers.get("if-none-match")
  if (noneMatch !== null) {
    if (isListed(noneMatch, object.etag, true)) return { status: 304 }
  } else {
    const since = parseDate(headers.get("if-modified-since"))
    if (since !== undefined && seconds(object.createdAt) <= seconds(since)) return { status: 304 }
  }
  const range = headers.get("range")
  // Of all methods GET alone has ranges (section 14.2).
  if (method !== "GET" || range === null || !isStill(headers.get("if-range"), object)) return { status: 200 }
  return judgeRange(range, object.size)
}

/** What a writer's or remover's headers ask of what stands there now; undefined where they ask nothing. It throws `precondition_failed`. */
export function writeCondition(headers: Headers): ((current: Validators | undefined) => void) | undefined {
  if (!["if-match", "if-none-match", "if-unmodified-since"].some((name) => headers.has(name))) return undefined
  const [match, noneMatch] = [headers.get("if-match"), headers.get("if-none-match")]
  return (current) => {
    if (current === undefined) {
      if (match !== null) throw failed("If-Match: there is no such file")
      return
    }
    checkMatch(headers, current)
    if (noneMatch !== null && isListed(noneMatch, current.etag, true)) throw failed("If-None-Match: the file is there")
  }
}

function checkMatch(headers: Headers, { etag, createdAt }: Validators): void {
  const match = headers.get("if-match")
  if (match !== null) {
    if (!isListed(match, etag, false)) throw failed("If-Match: the file has another ETag now")
    return
  }
  const since = parseDate(headers.get("if-unmodified-since"))
  if (since !== undefined && seconds(createdAt) > seconds(since)) throw failed("If-Unmodified-Since: the file was written since")
}

/** `*`, or a list in which the tag is; a weak one only where weak comparison will do (section 8.8.3.2). Tags without quotes are taken too. */
function isListed(list: string, etag: string, isWeak: boolean): boolean {
  if (list.trim() === "*") return true
  return Array.from(list.matchAll(/(W\/)?"([^"]*)"|([^\s,"]+)/g)).some(
    ([, weak, quoted, bare]) => (quoted ?? bare) === etag && (weak === undefined || isWeak),
  )
}

/** Whether a range may be taken of what is there: the same tag, or the very time that was said of it. */
function isStill(ifRange: string | null, { etag, createdAt }: Validators): boolean {
  if (ifRange === null) return true
  if (ifRange.trim().startsWith("W/")) return false
  if (ifRange.includes('"')) return isListed(ifRange, etag, false)
  const date = parseDate(ifRange)
  return date === undefined ? ifRange.trim() === etag : seconds(date) === seconds(createdAt)
}

function judgeRange(range: string, size: number): ReadOutcome {
  const [, from = "", to = ""] = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(range) ?? []
  // Not understood, or several: as if it were not there.
  if (from === "" && to === "") return { status: 200 }
  if (from === "") {
    const suffix = Number(to)
    if (suffix === 0) return { status: 416 }
    return size === 0 ? { status: 200 } : { status: 206, first: Math.max(0, size - suffix), last: size - 1 }
  }
  const [first, last] = [Number(from), to === "" ? size - 1 : Math.min(Number(to), size - 1)]
  if (to !== "" && Number(to) < first) return { status: 200 }
  return first >= size ? { status: 416 } : { status: 206, first, last }
}

/** An HTTP-date in each of its three forms (section 5.6.7); undefined for anything else, which counts as absent. */
export function parseDate(text: string | null): number | undefined {
  if (text === null || !/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return undefined
  const time = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`)
  return Number.isNaN(time) ? undefined : time
}

const seconds = (ms: number) => Math.floor(ms / 1000)

const failed = (why: string) => new AppError("precondition_failed", `precondition failed: ${why}`, { reason: "PreconditionFailed" })
