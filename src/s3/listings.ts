import { successor } from "../storage/key-order"
import type { Place, VersionPlace } from "../storage/listing"
import type { Namespace } from "../storage/model"
import type { Listed } from "../storage/object-store"
import { isoDate, ownerOf, quoted, xmlAnswer } from "./answers"
import { S3Error } from "./errors"
import type { S3Request } from "./model"
import type { S3Needs } from "./needs"
import { encodingOf, numberOf, openToken, token } from "./parameters"
import { buildXml, encodeKey } from "./xml"

const maxKeys = 1000

/** Listings of objects and of versions, a page at a time. */
export class Listings {
  constructor(private needs: Pick<S3Needs, "objects">) {}

  /** ListObjectsV2, and ListObjects where it is not asked for by `list-type`. */
  objects = async (request: S3Request, bucket: Namespace): Promise<Response> => {
    const { query } = request
    const type = query.get("list-type")
    if (type !== null && type !== "2") throw new S3Error("InvalidArgument", "list-type is 2, or is left out", { ArgumentName: "list-type" })
    const asked = askedOf(query)
    const from = type === "2" ? startOf(query) : markerOf(query, asked)
    const page = await this.page(bucket, { ...asked, from })
    const { encoding, limit } = asked
    const shared = {
      Name: bucket.name,
      Prefix: encodeKey(asked.prefix, encoding),
      Delimiter: asked.delimiter === "" ? undefined : encodeKey(asked.delimiter, encoding),
      MaxKeys: limit,
      EncodingType: encoding,
      IsTruncated: page.next !== undefined,
    }
    const withOwner = type !== "2" || query.get("fetch-owner") === "true"
    const Contents = page.objects.map((object) => contentsOf(object, encoding, withOwner ? bucket.personId : undefined))
    const CommonPrefixes = prefixesOf(page.prefixes, encoding)
    if (type === "2") {
      const startAfter = query.get("start-after") ?? undefined
      return xmlAnswer("ListBucketResult", {
        ...shared,
        KeyCount: page.objects.length + page.prefixes.length,
        ContinuationToken: query.get("continuation-token") ?? undefined,
        NextContinuationToken: page.next === undefined ? undefined : token([page.next.key, page.next.including]),
        StartAfter: startAfter === undefined ? undefined : encodeKey(startAfter, encoding),
        Contents,
        CommonPrefixes,
      })
    }
    // Without a delimiter clients go on from the last key themselves.
    const next = page.next === undefined || asked.delimiter === "" ? undefined : lastOf(page)
    const Marker = encodeKey(query.get("marker") ?? "", encoding)
    const NextMarker = next === undefined ? undefined : encodeKey(next, encoding)
    return xmlAnswer("ListBucketResult", { ...shared, Marker, NextMarker, Contents, CommonPrefixes })
  }

  private async page(bucket: Namespace, query: Asked & { from: Place }) {
    if (query.limit === 0) return { objects: [], prefixes: [], next: undefined }
    return this.needs.objects.list(bucket, query)
  }

  versions = async ({ query }: S3Request, bucket: Namespace): Promise<Response> => {
    const asked = askedOf(query)
    const { prefix, delimiter, limit, encoding } = asked
    const from = await this.versionPlace(bucket, query, asked)
    const page = limit === 0 ? undefined : await this.needs.objects.versions(bucket, { prefix, delimiter, from, limit })
    const { objects = [], prefixes = [], next } = page ?? {}
    const last = objects.at(-1)
    const isInKey = next !== undefined && "before" in next
    const VersionIdMarker = query.get("version-id-marker") ?? undefined
    const document = buildXml("ListVersionsResult", {
      Name: bucket.name,
      Prefix: encodeKey(prefix, encoding),
      KeyMarker: encodeKey(query.get("key-marker") ?? "", encoding),
      VersionIdMarker,
      NextKeyMarker: next === undefined ? undefined : encodeKey(isInKey ? next.key : (prefixes.at(-1) ?? ""), encoding),
      NextVersionIdMarker: isInKey && last !== undefined ? `${last.versionId}.${last.id.toString(36)}` : undefined,
      Delimiter: delimiter === "" ? undefined : encodeKey(delimiter, encoding),
      MaxKeys: limit,
      EncodingType: encoding,
      IsTruncated: next !== undefined,
      Entry: objects.map((object) => versionOf(object, encoding, bucket.personId)),
      CommonPrefixes: prefixesOf(prefixes, encoding),
    })
    // Versions and delete markers stand in one order, which an object with a list for each name cannot say. No text has a `<` of its own.
    return new Response(document.replace(/<\/?Entry>/g, ""), { headers: { "content-type": "application/xml" } })
  }

  /**
   * A marker that this door gave names the row too: whoever deletes what is listed goes on from a version that is no more. One that is made of a
   * version's id alone has to be that of a version.
   */
  private async versionPlace(bucket: Namespace, query: URLSearchParams, asked: Asked): Promise<VersionPlace> {
    const key = query.get("key-marker") ?? ""
    const marker = query.get("version-id-marker") ?? ""
    if (marker === "") return key === "" ? { key, including: true } : behind(key, asked)
    if (key === "") throw new S3Error("InvalidArgument", "A version-id marker cannot be specified without a key marker.")
    const [versionId = "", row] = marker.split(".")
    if (row !== undefined && /^[0-9a-z]{1,10}$/.test(row)) return { key, including: false, before: Number.parseInt(row, 36) }
    const before = (await this.needs.objects.find(bucket, key, versionId))?.id
    if (before === undefined) throw new S3Error("InvalidArgument", "Invalid version id specified", { ArgumentName: "version-id-marker" })
    return { key, including: false, before }
  }
}

type Asked = { prefix: string; delimiter: string; limit: number; encoding: string | undefined }

function askedOf(query: URLSearchParams): Asked {
  const [prefix, delimiter] = [query.get("prefix") ?? "", query.get("delimiter") ?? ""]
  return { prefix, delimiter, limit: numberOf(query, "max-keys", maxKeys), encoding: encodingOf(query) }
}

function startOf(query: URLSearchParams): Place {
  const continuation = query.get("continuation-token")
  const startAfter = query.get("start-after")
  if (continuation === null) return startAfter === null ? { key: "", including: true } : { key: startAfter, including: false }
  const [key, including] = openToken<unknown[]>(continuation)
  if (typeof key !== "string" || typeof including !== "boolean")
    throw new S3Error("InvalidArgument", "The continuation token provided is incorrect", { ArgumentName: "continuation-token" })
  return { key, including }
}

function markerOf(query: URLSearchParams, asked: Asked): Place {
  const marker = query.get("marker") ?? ""
  return marker === "" ? { key: "", including: true } : behind(marker, asked)
}

/** After a key; where that is one of the prefixes that the delimiter makes, after all that it stands for. */
export function behind(key: string, { prefix, delimiter }: Pick<Asked, "prefix" | "delimiter">): Place {
  const isCommon =
    delimiter !== "" && key.startsWith(prefix) && key.indexOf(delimiter, prefix.length) === key.length - delimiter.length && key !== prefix
  const next = isCommon ? successor(key) : undefined
  return next === undefined ? { key, including: false } : { key: next, including: true }
}

/** Whichever of them comes last in the order of the listing. */
function lastOf({ objects, prefixes }: { objects: { key: string }[]; prefixes: string[] }): string {
  const [key = "", prefix = ""] = [objects.at(-1)?.key, prefixes.at(-1)]
  return Buffer.compare(Buffer.from(key), Buffer.from(prefix)) > 0 ? key : prefix
}

export const prefixesOf = (prefixes: string[], encoding: string | undefined) =>
  prefixes.map((prefix) => ({ Prefix: encodeKey(prefix, encoding) }))

const contentsOf = ({ key, createdAt, etag, size, checksum }: Listed, encoding: string | undefined, personId: string | undefined) => ({
  Key: encodeKey(key, encoding),
  LastModified: isoDate(createdAt),
  ETag: quoted(etag),
  ChecksumAlgorithm: checksum?.algorithm,
  ChecksumType: checksum?.type,
  Size: size,
  Owner: personId === undefined ? undefined : ownerOf(personId),
  StorageClass: "STANDARD",
})

function versionOf(object: Listed, encoding: string | undefined, personId: string) {
  const { key, versionId, isLatest, createdAt, isDeleteMarker } = object
  const place = { Key: encodeKey(key, encoding), VersionId: versionId, IsLatest: isLatest }
  if (isDeleteMarker) return { DeleteMarker: { ...place, LastModified: isoDate(createdAt), Owner: ownerOf(personId) } }
  return { Version: { ...place, ...contentsOf(object, encoding, personId) } }
}
