import { AppError } from "../errors"
import type { Range } from "./reader"

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
  const verdict = judgeConditions((name) => headers.get(name), object)
  if (verdict?.outcome === "failed") throw failed(verdict.field)
  if (verdict?.outcome === "unchanged") return { status: 304 }
  const range = headers.get("range")
  // Of all methods GET alone has ranges (section 14.2).
  if (method !== "GET" || range === null || !isRangeMeant(headers.get("if-range"), object)) return { status: 200 }
  const found = judgeRange(range, object.size)
  if (found === "unsatisfiable") return { status: 416 }
  return found === undefined ? { status: 200 } : { status: 206, ...found }
}

/** A condition that does not hold: `failed` for 412, `unchanged` where a reader has what is there. */
export type Verdict = { outcome: "failed" | "unchanged"; field: ConditionField }

export type ConditionField = "if-match" | "if-unmodified-since" | "if-none-match" | "if-modified-since"

/** The conditions of a read, in the order of RFC 9110 section 13.2.2; undefined where all hold. `get` says what a field says. */
export function judgeConditions(get: (field: ConditionField) => string | null, { etag, createdAt }: Validators): Verdict | undefined {
  const match = get("if-match")
  if (match !== null && !isListed(match, etag, false)) return { outcome: "failed", field: "if-match" }
  const unmodified = match === null ? parseDate(get("if-unmodified-since")) : undefined
  if (unmodified !== undefined && seconds(createdAt) > seconds(unmodified)) return { outcome: "failed", field: "if-unmodified-since" }
  const noneMatch = get("if-none-match")
  if (noneMatch !== null) return isListed(noneMatch, etag, true) ? { outcome: "unchanged", field: "if-none-match" } : undefined
  const since = parseDate(get("if-modified-since"))
  return since !== undefined && seconds(createdAt) <= seconds(since) ? { outcome: "unchanged", field: "if-modified-since" } : undefined
}

/** What a writer's or remover's headers ask of what stands there now; undefined where they ask nothing. It throws `precondition_failed`. */
export function writeCondition(headers: Headers): ((current: Validators | undefined) => void) | undefined {
  if (!["if-match", "if-none-match", "if-unmodified-since"].some((name) => headers.has(name))) return undefined
  const [match, noneMatch] = [headers.get("if-match"), headers.get("if-none-match")]
  return (current) => {
    if (current === undefined) {
      if (match !== null) throw unmet("If-Match: there is no such file")
      return
    }
    // A writer's clock says nothing of what was read, so that If-Modified-Since counts for readers alone (section 13.1.3).
    const verdict = judgeConditions((name) => (name === "if-modified-since" ? null : headers.get(name)), current)
    if (verdict?.outcome === "failed") throw failed(verdict.field)
    if (noneMatch !== null && verdict !== undefined) throw unmet("If-None-Match: the file is there")
  }
}

/** `*`, or a list in which the tag is; a weak one only where weak comparison will do (section 8.8.3.2). Tags without quotes are taken too. */
export function isListed(list: string, etag: string, isWeak: boolean): boolean {
  if (list.trim() === "*") return true
  return Array.from(list.matchAll(/(W\/)?"([^"]*)"|([^\s,"]+)/g)).some(
    ([, weak, quoted, bare]) => (quoted ?? bare) === etag && (weak === undefined || isWeak),
  )
}

/** `If-Range`: whether a range may be taken of what is there, since the tag is the same, or the very time that was said of it (section 13.1.5). */
export function isRangeMeant(ifRange: string | null, { etag, createdAt }: Validators): boolean {
  if (ifRange === null) return true
  if (ifRange.trim().startsWith("W/")) return false
  if (ifRange.includes('"')) return isListed(ifRange, etag, false)
  const date = parseDate(ifRange)
  return date === undefined ? ifRange.trim() === etag : seconds(date) === seconds(createdAt)
}

/** The one range of a `Range` field (section 14.1.2); undefined for the whole, which is also sent where it is not understood, and for several. */
export function judgeRange(field: string, size: number): Range | "unsatisfiable" | undefined {
  const [, from = "", to = ""] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(field) ?? []
  if (from === "" && to === "") return undefined
  if (from === "") {
    const suffix = Number(to)
    if (suffix === 0) return "unsatisfiable"
    return size === 0 ? undefined : { first: Math.max(0, size - suffix), last: size - 1 }
  }
  const [first, last] = [Number(from), to === "" ? size - 1 : Math.min(Number(to), size - 1)]
  if (to !== "" && Number(to) < first) return undefined
  return first >= size ? "unsatisfiable" : { first, last }
}

/** An HTTP-date in each of its three forms (section 5.6.7); undefined for anything else, which counts as absent. */
export function parseDate(text: string | null): number | undefined {
  if (text === null || !/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return undefined
  const time = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`)
  return Number.isNaN(time) ? undefined : time
}

const seconds = (ms: number) => Math.floor(ms / 1000)

const reasons: Record<string, string> = {
  "if-match": "If-Match: the file has another ETag now",
  "if-unmodified-since": "If-Unmodified-Since: the file was written since",
}

const failed = (field: ConditionField) => unmet(reasons[field] ?? field)

const unmet = (why: string) => new AppError("precondition_failed", `precondition failed: ${why}`, { reason: "PreconditionFailed" })
