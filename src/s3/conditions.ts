import type { ObjectInfo } from "../storage/model"
import type { Condition } from "../storage/objects"
import { httpDate, quoted } from "./answers"
import { S3Error } from "./errors"

type Seen = Pick<ObjectInfo, "etag" | "createdAt">

/**
 * Preconditions of a read in the order of RFC 9110 section 13.2.2. Throws PreconditionFailed and NotModified. With a prefix those of a copy's source,
 * where both are PreconditionFailed.
 */
export function checkRead(headers: Headers, { etag, createdAt }: Seen, prefix = ""): void {
  const get = (name: string) => headers.get(`${prefix}${name}`)
  const seconds = Math.floor(createdAt / 1000)
  const [match, noneMatch, modified, unmodified] = [
    get("if-match"),
    get("if-none-match"),
    dateOf(get("if-modified-since")),
    dateOf(get("if-unmodified-since")),
  ]
  if (match !== null) {
    if (!names(match, etag)) throw failed(`${prefix}if-match`)
  } else if (unmodified !== undefined && seconds > unmodified) throw failed(`${prefix}if-unmodified-since`)
  const isSame = noneMatch !== null ? names(noneMatch, etag) : modified !== undefined && seconds <= modified
  if (!isSame) return
  if (prefix !== "") throw failed(`${prefix}${noneMatch !== null ? "if-none-match" : "if-modified-since"}`)
  throw new S3Error("NotModified", "Not Modified", undefined, { etag: quoted(etag), "last-modified": httpDate(createdAt) })
}

/** What must stand under a key for a write to be done: `If-Match` and `If-None-Match: *`. Throws NotImplemented for what S3 does not take either. */
export function writeCondition(headers: Headers): Condition | undefined {
  const [match, noneMatch] = [headers.get("if-match"), headers.get("if-none-match")]
  if (noneMatch !== null && noneMatch.trim() !== "*")
    throw new S3Error("NotImplemented", "A header you provided implies functionality that is not implemented: If-None-Match takes * here")
  if (match === null && noneMatch === null) return undefined
  return (current) => {
    if (noneMatch !== null && current !== undefined) throw failed("If-None-Match")
    if (match === null) return
    if (current === undefined) throw new S3Error("NoSuchKey", "The specified key does not exist.")
    if (!names(match, current.etag)) throw failed("If-Match")
  }
}

/** Whether a deletion may be done: `If-Match`, which nothing fulfils where nothing is. */
export function deleteCondition(match: string | undefined): Condition | undefined {
  if (match === undefined) return undefined
  return (current) => {
    if (current === undefined) throw new S3Error("NoSuchKey", "The specified key does not exist.")
    if (!names(match, current.etag)) throw failed("If-Match")
  }
}

/** Whether a list of entity tags has this one; quotes may be missing, and a weak one is taken for it. */
export const names = (list: string, etag: string): boolean =>
  list.split(",").some((one) =>
    ["*", etag].includes(
      one
        .trim()
        .replace(/^W\//, "")
        .replace(/^"(.*)"$/, "$1"),
    ),
  )

/** Unix seconds; undefined for what is no date, which RFC 9110 lets pass. */
function dateOf(field: string | null): number | undefined {
  const time = field === null ? Number.NaN : Date.parse(field)
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000)
}

const failed = (condition: string) =>
  new S3Error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", { Condition: condition })
