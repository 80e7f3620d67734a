import type { Checksum, ObjectFacts } from "../storage/model"
import { checksumAlgorithms, isChecksumAlgorithm } from "./checksums"
import { S3Error } from "./errors"
import type { ChecksumAlgorithm, Payload } from "./model"
import { contentEncoding } from "./payload"
import { type Tags, tagsOfHeader } from "./tags"

/** Header fields that are kept with an object and given back with it, beside `x-amz-meta-…`. */
const kept = new Set(["cache-control", "content-disposition", "content-language", "expires"])
const maxMetadataBytes = 2048

/** Header fields that ask for what is not there: taken for granted, they would be a promise that nobody keeps. */
const absent: [name: RegExp, what: string][] = [
  [/^x-amz-server-side-encryption/, "server-side encryption: encrypt the disk, or before sending"],
  [/^x-amz-copy-source-server-side-encryption/, "server-side encryption"],
  [/^x-amz-object-lock-/, "object lock"],
  [/^x-amz-website-redirect-location$/, "website hosting"],
  [/^x-amz-write-offset-bytes$/, "appending to objects"],
]

/** Throws NotImplemented, InvalidStorageClass. */
export function refuseAbsent(headers: Headers): void {
  for (const name of headers.keys()) {
    const [, what] = absent.find(([pattern]) => pattern.test(name)) ?? []
    if (what !== undefined)
      throw new S3Error("NotImplemented", `A header you provided implies functionality that is not implemented: no ${what}`)
  }
  const storageClass = headers.get("x-amz-storage-class")
  if (storageClass !== null && storageClass !== "STANDARD")
    throw new S3Error("InvalidStorageClass", "The storage class you specified is not valid: there is one, STANDARD")
}

/** What a request says about the object it writes. Throws MetadataTooLarge, InvalidTag, and what `refuseAbsent` does. */
export function factsOf(headers: Headers): ObjectFacts & { headers: Record<string, string>; tags: Tags } {
  refuseAbsent(headers)
  return {
    contentType: headers.get("content-type") ?? undefined,
    headers: metadataOf(headers),
    tags: tagsOfHeader(headers.get("x-amz-tagging") ?? ""),
  }
}

function metadataOf(headers: Headers): Record<string, string> {
  const metadata: Record<string, string> = {}
  let size = 0
  for (const [name, value] of headers) {
    if (name.startsWith("x-amz-meta-")) {
      size += name.length - "x-amz-meta-".length + value.length
      metadata[name] = value
    }
    if (kept.has(name)) metadata[name] = value
  }
  if (size > maxMetadataBytes)
    throw new S3Error("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size", {
      Size: String(size),
      MaxSizeAllowed: String(maxMetadataBytes),
    })
  const encoding = contentEncoding(headers)
  return encoding === undefined ? metadata : { ...metadata, "content-encoding": encoding }
}

/** That of a whole object, once its payload has been read. */
export const checksumOf = (payload: Payload): Checksum | undefined => {
  const checksum = payload.checksum()
  return checksum === undefined ? undefined : { ...checksum, type: "FULL_OBJECT" }
}

/** The algorithm of that name. Throws InvalidRequest. */
export function algorithmOf(name: string | null): ChecksumAlgorithm | undefined {
  if (name === null || name === "") return undefined
  const algorithm = name.toUpperCase()
  if (isChecksumAlgorithm(algorithm)) return algorithm
  throw new S3Error("InvalidRequest", `Checksum algorithm provided is unsupported: it is one of ${checksumAlgorithms.join(", ")}`)
}
