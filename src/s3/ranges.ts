import type { Range } from "../storage/reader"
import { S3Error } from "./errors"

/**
 * The one range that a `Range` field asks of so many bytes, RFC 9110 section 14.1.2; undefined for the whole, which S3 also gives for several ranges
 * and for what is no range. Throws InvalidRange where nothing of it is there.
 */
export function rangeOf(field: string | null, size: number): Range | undefined {
  const [, from = "", to = ""] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(field ?? "") ?? []
  if (from === "" && to === "") return undefined
  if (from === "") {
    if (Number(to) === 0 || size === 0) throw unsatisfiable(field, size)
    return { first: Math.max(size - Number(to), 0), last: size - 1 }
  }
  if (to !== "" && Number(to) < Number(from)) return undefined
  if (Number(from) >= size) throw unsatisfiable(field, size)
  return { first: Number(from), last: to === "" ? size - 1 : Math.min(Number(to), size - 1) }
}

const unsatisfiable = (field: string | null, size: number) =>
  new S3Error(
    "InvalidRange",
    "The requested range is not satisfiable",
    { RangeRequested: field ?? "", ActualObjectSize: String(size) },
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
