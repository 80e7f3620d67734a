import type { UploadPartRow, UploadRow } from "../db/storage-schema"
import type { Place, UploadPlace } from "../storage/listing"
import type { Namespace } from "../storage/model"
import { isoDate, ownerOf, quoted, xmlAnswer } from "./answers"
import { behind, prefixesOf } from "./listings"
import type { S3Request } from "./model"
import { type Multipart, planOfUpload } from "./multipart"
import type { S3Needs } from "./needs"
import { encodingOf, numberOf } from "./parameters"
import { markElement } from "./part-checksums"
import { encodeKey } from "./xml"

const maxUploads = 1000
const maxPartsShown = 1000

/** Listings of uploads under way and of their parts, a page at a time. */
export class UploadListings {
  constructor(
    private needs: Pick<S3Needs, "uploads">,
    private multipart: Multipart,
  ) {}

  uploads = async ({ query }: S3Request, bucket: Namespace): Promise<Response> => {
    const [prefix, delimiter] = [query.get("prefix") ?? "", query.get("delimiter") ?? ""]
    const [keyMarker, idMarker] = [query.get("key-marker") ?? "", query.get("upload-id-marker") ?? ""]
    const limit = numberOf(query, "max-uploads", maxUploads)
    const encoding = encodingOf(query)
    let from: Place | UploadPlace = { key: "", including: true }
    // Without a key the id says nothing.
    if (keyMarker !== "")
      from = idMarker === "" ? behind(keyMarker, { prefix, delimiter }) : { key: keyMarker, including: false, afterId: idMarker }
    const page = limit === 0 ? undefined : await this.needs.uploads.list(bucket, { prefix, delimiter, from, limit })
    const { objects = [], prefixes = [], next } = page ?? {}
    const isInKey = next !== undefined && "afterId" in next
    return xmlAnswer("ListMultipartUploadsResult", {
      Bucket: bucket.name,
      KeyMarker: encodeKey(keyMarker, encoding),
      UploadIdMarker: idMarker,
      NextKeyMarker: next === undefined ? undefined : encodeKey(isInKey ? next.key : (prefixes.at(-1) ?? ""), encoding),
      NextUploadIdMarker: isInKey ? next.afterId : undefined,
      Delimiter: delimiter === "" ? undefined : encodeKey(delimiter, encoding),
      Prefix: encodeKey(prefix, encoding),
      EncodingType: encoding,
      MaxUploads: limit,
      IsTruncated: next !== undefined,
      Upload: objects.map((upload) => uploadElement(upload, bucket, encoding)),
      CommonPrefixes: prefixesOf(prefixes, encoding),
    })
  }

  parts = async (request: S3Request, bucket: Namespace): Promise<Response> => {
    const { query, key = "" } = request
    const upload = await this.multipart.upload(request, bucket)
    const limit = numberOf(query, "max-parts", maxPartsShown)
    const encoding = encodingOf(query)
    const after = query.has("part-number-marker") ? numberOf(query, "part-number-marker", 0x7fffffff) : 0
    const found = await this.needs.uploads.parts(upload, after, limit + 1)
    const shown = found.slice(0, limit)
    return xmlAnswer("ListPartsResult", {
      Bucket: bucket.name,
      Key: encodeKey(key, encoding),
      UploadId: upload.id,
      Initiator: ownerOf(upload.personId),
      Owner: ownerOf(bucket.personId),
      StorageClass: "STANDARD",
      ...planElements(upload),
      PartNumberMarker: after,
      NextPartNumberMarker: shown.at(-1)?.number ?? 0,
      MaxParts: limit,
      EncodingType: encoding,
      IsTruncated: limit > 0 && found.length > limit,
      Part: shown.map(partElement),
    })
  }
}

const uploadElement = (upload: UploadRow, bucket: Namespace, encoding: string | undefined) => ({
  Key: encodeKey(upload.key, encoding),
  UploadId: upload.id,
  Initiator: ownerOf(upload.personId),
  Owner: ownerOf(bucket.personId),
  StorageClass: "STANDARD",
  Initiated: isoDate(upload.createdAt),
  ...planElements(upload),
})

const partElement = ({ number, createdAt, md5, size, checksum }: UploadPartRow) => ({
  PartNumber: number,
  LastModified: isoDate(createdAt),
  ETag: quoted(md5),
  Size: size,
  ...markElement(checksum),
})

function planElements(upload: UploadRow): Record<string, string> {
  const plan = planOfUpload(upload)
  return plan === undefined ? {} : { ChecksumAlgorithm: plan.algorithm, ChecksumType: plan.type }
}
