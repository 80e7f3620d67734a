import { isListed, judgeConditions } from "../storage/conditions"
import type { ObjectInfo } from "../storage/model"
import type { Condition } from "../storage/objects"
import { httpDate, quoted } from "./answers"
import { S3Error } from "./errors"

type Seen = Pick<ObjectInfo, "etag" | "createdAt" | "size">

/** Preconditions of a read. Throws PreconditionFailed and NotModified. With a prefix those of a copy's source, where both are PreconditionFailed. */
export function checkRead(headers: Headers, object: Seen, prefix = ""): void {
  const verdict = judgeConditions((field) => headers.get(`${prefix}${field}`), object)
  if (verdict === undefined) return
  if (prefix !== "" || verdict.outcome === "failed") throw failed(`${prefix}${verdict.field}`)
  const validators = { etag: quoted(object.etag), "last-modified": httpDate(object.createdAt) }
  throw new S3Error("NotModified", "Not Modified", undefined, validators)
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
    if (!isListed(match, current.etag, false)) throw failed("If-Match")
  }
}

/** Whether a deletion may be done: `If-Match`, which nothing fulfils where nothing is. */
export function deleteCondition(match: string | undefined): Condition | undefined {
  if (match === undefined) return undefined
  return (current) => {
    if (current === undefined) throw new S3Error("NoSuchKey", "The specified key does not exist.")
    if (!isListed(match, current.etag, false)) throw failed("If-Match")
  }
}

const failed = (condition: string) =>
  new S3Error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", { Condition: condition })
