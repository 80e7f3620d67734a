import type { Namespace, ObjectFacts, ObjectInfo } from "../storage/model"
import { checkObjectAcl } from "./acl"
import { checksumElements, checksumHeaders, emptyAnswer, isoDate, quoted, versionHeader, xmlAnswer } from "./answers"
import { writeCondition } from "./conditions"
import { copySource, type Source } from "./copy-source"
import { S3Error } from "./errors"
import { algorithmOf, checksumOf, factsOf } from "./facts"
import type { S3Request } from "./model"
import type { S3Needs } from "./needs"
import { digestOf } from "./part-checksums"
import type { Reads } from "./reads"

/** Writing objects: PutObject and CopyObject. */
export class Writes {
  constructor(
    private needs: S3Needs,
    private reads: Reads,
  ) {}

  put = async (request: S3Request, bucket: Namespace): Promise<Response> => {
    const { key, headers, payload } = asWrite(request)
    checkObjectAcl(headers, bucket)
    const object = await this.needs.objects.put(bucket, key, payload.bytes, {
      facts: factsOf(headers),
      finish: () => ({ checksum: checksumOf(payload) }),
      condition: writeCondition(headers),
      announcedBytes: payload.size,
    })
    const version = versionHeader(bucket, object)
    return emptyAnswer(200, { etag: quoted(object.etag), ...checksumHeaders(object.checksum), ...version })
  }

  copy = async (request: S3Request, bucket: Namespace): Promise<Response> => {
    const { key, headers } = asWrite(request)
    checkObjectAcl(headers, bucket)
    const source = await copySource(this.needs, this.reads, request)
    const facts = await this.factsOfCopy(request, source)
    if (isPointless(headers, source, bucket, key))
      throw new S3Error(
        "InvalidRequest",
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata.",
      )
    const object = await this.needs.objects.copy(source.object, bucket, key, facts, writeCondition(headers))
    const { etag, createdAt, checksum } = object
    return xmlAnswer(
      "CopyObjectResult",
      { LastModified: isoDate(createdAt), ETag: quoted(etag), ...checksumElements(checksum) },
      { ...versionHeader(bucket, object), ...sourceVersion(source) },
    )
  }

  /** What the copy says of itself: what its source does, or what the request does where it replaces that. */
  private async factsOfCopy({ headers }: S3Request, { object }: Source): Promise<ObjectFacts> {
    const asked = factsOf(headers)
    const isNew = isReplaced(headers, "x-amz-metadata-directive")
    const tags = isReplaced(headers, "x-amz-tagging-directive") ? asked.tags : object.tags
    const { contentType, headers: metadata } = isNew ? asked : object
    return { contentType, headers: metadata, tags, checksum: await this.checksumOfCopy(headers, object) }
  }

  private async checksumOfCopy(headers: Headers, object: ObjectInfo): Promise<ObjectInfo["checksum"]> {
    const algorithm = algorithmOf(headers.get("x-amz-checksum-algorithm"))
    if (algorithm === undefined || algorithm === object.checksum?.algorithm) return object.checksum
    return { algorithm, value: await digestOf(this.needs.reader.chunks(object), algorithm), type: "FULL_OBJECT" }
  }
}

function asWrite(request: S3Request): S3Request & { key: string } {
  const { key = "", query } = request
  if (Buffer.byteLength(key) > 1024)
    throw new S3Error("KeyTooLongError", "Your key is too long", { Size: String(Buffer.byteLength(key)), MaxSizeAllowed: "1024" })
  if (query.has("versionId"))
    throw new S3Error("InvalidArgument", "This operation does not accept a version-id.", { ArgumentName: "versionId" })
  if (query.has("partNumber")) throw new S3Error("InvalidArgument", "A part number needs an upload id.", { ArgumentName: "partNumber" })
  return { ...request, key }
}

/** Of a directive, whether it says REPLACE. Throws InvalidArgument for what is neither that nor COPY. */
function isReplaced(headers: Headers, directive: string): boolean {
  const value = headers.get(directive) ?? "COPY"
  if (value !== "COPY" && value !== "REPLACE")
    throw new S3Error("InvalidArgument", `Unknown directive: ${directive} is COPY or REPLACE`, {
      ArgumentName: directive,
      ArgumentValue: value,
    })
  return value === "REPLACE"
}

/** A copy to where it is already, with nothing that is other than before. */
const isPointless = (headers: Headers, { namespace, object, isVersionNamed }: Source, bucket: Namespace, key: string): boolean =>
  namespace.id === bucket.id &&
  object.key === key &&
  !isVersionNamed &&
  !isReplaced(headers, "x-amz-metadata-directive") &&
  !isReplaced(headers, "x-amz-tagging-directive") &&
  !headers.has("x-amz-checksum-algorithm")

export const sourceVersion = ({ namespace, object }: Source): Record<string, string> =>
  namespace.versioning === "off" ? {} : { "x-amz-copy-source-version-id": object.versionId }
