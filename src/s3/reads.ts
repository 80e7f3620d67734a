import { isRangeMeant } from "../storage/conditions"
import { isPlayed } from "../storage/file-response"
import type { Namespace, ObjectInfo, Segment } from "../storage/model"
import type { Range } from "../storage/reader"
import { checksumHeaders, httpDate, quoted, versionHeader } from "./answers"
import { denied } from "./authorisation"
import { checkRead } from "./conditions"
import { S3Error } from "./errors"
import type { S3Request } from "./model"
import type { S3Needs } from "./needs"
import { markOf } from "./part-checksums"
import { rangeOf } from "./ranges"

/** Parameters with which a signed request has the answer's header fields its own way. */
const overrides = ["cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires"]

/** Reading objects: GetObject and HeadObject. */
export class Reads {
  constructor(private needs: Pick<S3Needs, "objects" | "reader">) {}

  /** The version that is asked for. Throws NoSuchKey, NoSuchVersion, and for delete markers what S3 says of them. */
  async find({ key = "", query, caller }: Pick<S3Request, "key" | "query" | "caller">, bucket: Namespace): Promise<ObjectInfo> {
    const versionId = query.get("versionId") ?? undefined
    if (versionId === "") throw new S3Error("InvalidArgument", "Version id cannot be the empty string", { ArgumentName: "versionId" })
    // What was written over is the owner's: a public bucket shows what stands in it now.
    if (versionId !== undefined && caller?.personId !== bucket.personId) throw denied("only the owner of the bucket may read by version")
    const found = await this.needs.objects.find(bucket, key, versionId)
    if (found === undefined && versionId !== undefined)
      throw new S3Error("NoSuchVersion", "The specified version does not exist.", { Key: key, VersionId: versionId })
    if (found === undefined) throw new S3Error("NoSuchKey", "The specified key does not exist.", { Key: key })
    if (!found.isDeleteMarker) return found
    const headers = { "x-amz-delete-marker": "true", ...versionHeader(bucket, found) }
    if (versionId === undefined) throw new S3Error("NoSuchKey", "The specified key does not exist.", { Key: key }, headers)
    throw new S3Error(
      "MethodNotAllowed",
      "The specified method is not allowed against this resource.",
      { Method: "GET", ResourceType: "DeleteMarker" },
      { ...headers, allow: "DELETE", "last-modified": httpDate(found.createdAt) },
    )
  }

  get = async (request: S3Request, bucket: Namespace): Promise<Response> => {
    const { headers: asked, method } = request
    const object = await this.find(request, bucket)
    const own = this.headersOf(request, bucket, object)
    checkRead(asked, object)
    const part = await this.partOf(request, object)
    const range =
      part === undefined ? rangeOf(isRangeMeant(asked.get("if-range"), object) ? asked.get("range") : null, object.size) : part.range
    if (range !== undefined) own["content-range"] = `bytes ${range.first}-${range.last}/${object.size}`
    // That of the whole says nothing about some of the bytes.
    const checksum = part === undefined ? (range === undefined ? object.checksum : undefined) : part.checksum
    if (asked.get("x-amz-checksum-mode")?.toUpperCase() === "ENABLED") Object.assign(own, checksumHeaders(checksum))
    if (part !== undefined && part.count > 0) own["x-amz-mp-parts-count"] = String(part.count)
    const size = range === undefined ? object.size : range.last - range.first + 1
    const status = range === undefined ? 200 : 206
    if (method === "HEAD" || size === 0) return new Response(null, { status, headers: { ...own, "content-length": String(size) } })
    const bytes = await this.needs.reader.open(object, range)
    if (!(bytes instanceof Blob)) return new Response(bytes, { status, headers: { ...own, "x-freehold-length": String(size) } })
    // Bun names the file, which is the hash of the bytes, unless this field is there: for all types but those of text.
    own["content-disposition"] ??= "inline"
    // Bun cuts a file by `Range` itself where the answer is 200, also by a field that is none to us (two of them, `bytes = 0-1`), and sees through
    // the file's own stream; one that it cannot see through it leaves alone.
    if (status === 200 && asked.has("range")) {
      const stream = bytes.stream().pipeThrough(new TransformStream<Uint8Array, Uint8Array>())
      return new Response(stream, { status, headers: { ...own, "x-freehold-length": String(size) } })
    }
    return new Response(bytes, { status, headers: own })
  }

  private headersOf({ query, caller }: S3Request, bucket: Namespace, object: ObjectInfo): Record<string, string> {
    const own: Record<string, string> = {}
    for (const [name, value] of Object.entries(object.headers)) own[name] = fieldValue(value)
    own["content-type"] = fieldValue(object.contentType)
    for (const name of overrides) {
      const value = query.get(`response-${name}`)
      if (value === null) continue
      if (caller === undefined)
        throw new S3Error("InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.")
      if (/[\0\r\n]/.test(value)) throw new S3Error("InvalidArgument", `response-${name} has a character that no header field may have`)
      own[name] = fieldValue(value)
    }
    const tags = Object.keys(object.tags).length
    return {
      ...own,
      etag: quoted(object.etag),
      "last-modified": httpDate(object.createdAt),
      "accept-ranges": "bytes",
      // What anybody uploaded must not act as a page of this host, whoever opens it.
      "content-security-policy": isPlayed(own["content-type"] ?? "") ? "sandbox allow-same-origin" : "sandbox",
      "x-content-type-options": "nosniff",
      ...versionHeader(bucket, object),
      ...(tags > 0 && caller?.personId === bucket.personId ? { "x-amz-tagging-count": String(tags) } : {}),
    }
  }

  /** The bytes of one part of an object that was sent in parts; any other object is its own first part. Throws InvalidPartNumber. */
  private async partOf({ query, headers }: S3Request, object: ObjectInfo): Promise<Part | undefined> {
    const text = query.get("partNumber")
    if (text === null) return undefined
    if (headers.has("range")) throw new S3Error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
    const number = /^\d{1,5}$/.test(text) ? Number(text) : 0
    if (number < 1 || number > 10_000)
      throw new S3Error("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive", { ArgumentName: "partNumber" })
    const segments = object.hash === undefined ? await this.needs.objects.segments(object) : []
    if (segments.length === 0 && number === 1) return { count: 0, range: wholeOf(object), checksum: object.checksum }
    const segment = segments.find(({ partNumber }) => partNumber === number)
    if (segment === undefined)
      throw new S3Error("InvalidPartNumber", "The requested partnumber is not satisfiable", {
        PartNumberRequested: text,
        ActualPartCount: String(Math.max(segments.length, 1)),
      })
    const first = segments.slice(0, segments.indexOf(segment)).reduce((sum, { size }) => sum + size, 0)
    const range = segment.size === 0 ? undefined : { first, last: first + segment.size - 1 }
    return { count: segments.length, range, checksum: partChecksum(object, segment) }
  }
}

type Part = { count: number; range: Range | undefined; checksum: ObjectInfo["checksum"] }

const wholeOf = ({ size }: ObjectInfo): Range | undefined => (size === 0 ? undefined : { first: 0, last: size - 1 })

function partChecksum({ checksum }: ObjectInfo, segment: Segment): ObjectInfo["checksum"] {
  const mark = markOf(segment.checksum)
  return mark === undefined ? undefined : { ...mark, type: checksum?.type ?? "COMPOSITE" }
}

/** As a field can hold it: bytes of UTF-8 for other characters, and none that would end the line. Another door may have kept anything. */
function fieldValue(text: string): string {
  const bytes = /[^\0-\xff]/.test(text) ? Buffer.from(text).toString("latin1") : text
  return bytes.replace(/[\0-\x08\x0a-\x1f\x7f]/g, "")
}
