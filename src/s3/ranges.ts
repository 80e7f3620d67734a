import { judgeRange } from "../storage/conditions"
import type { Range } from "../storage/reader"
import { S3Error } from "./errors"

/** The one range that a `Range` field asks of so many bytes; undefined for the whole. Throws InvalidRange where nothing of it is there. */
export function rangeOf(field: string | null, size: number): Range | undefined {
  if (field === null) return undefined
  const range = judgeRange(field, size)
  // Amazon finds nothing satisfiable in an empty object, where RFC 9110 would have its last bytes be the whole.
  if (range === "unsatisfiable" || (size === 0 && isSuffix(field))) throw unsatisfiable(field, size)
  return range
}

const isSuffix = (field: string) => /^bytes=[ \t]*-/i.test(field)

const unsatisfiable = (field: string, size: number) =>
  new S3Error(
    "InvalidRange",
    "The requested range is not satisfiable",
    { RangeRequested: field, ActualObjectSize: String(size) },
    { "content-range": `bytes */${size}` },
  )

/** The bytes of a source that `x-amz-copy-source-range` names: both ends, and both within. Throws InvalidArgument, InvalidRange. */
export function copyRangeOf(field: string | null, size: number): Range | undefined {
  if (field === null) return undefined
  const [, from = "", to = ""] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(field) ?? []
  if (from === "" || Number(to) < Number(from))
    throw new S3Error("InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last", {
      ArgumentName: "x-amz-copy-source-range",
      ArgumentValue: field,
    })
  if (Number(to) >= size) throw new S3Error("InvalidArgument", `Range specified is not valid for source object of size: ${size}`)
  return { first: Number(from), last: Number(to) }
}
