import type { Namespace, Segment } from "../storage/model"
import { checksumElements, emptyAnswer, httpDate, versionHeader, xmlAnswer } from "./answers"
import { readDocument } from "./document"
import { S3Error } from "./errors"
import type { S3Request } from "./model"
import type { S3Needs } from "./needs"
import { markElement } from "./part-checksums"
import type { Reads } from "./reads"
import { maxObjectTags, tagSet, tagsOf } from "./tags"

const maxPartsShown = 1000
const attributeNames = new Set(["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"])

/** What is known of objects beside their bytes: tags and attributes. */
export class ObjectSettings {
  constructor(
    private needs: Pick<S3Needs, "objects">,
    private reads: Reads,
  ) {}

  tagging = async (request: S3Request, bucket: Namespace): Promise<Response> => {
    const object = await this.reads.find(request, bucket)
    return xmlAnswer("Tagging", tagSet(object.tags), versionHeader(bucket, object))
  }

  putTagging = async (request: S3Request, bucket: Namespace): Promise<Response> => {
    const tags = tagsOf(await readDocument(request.payload, "Tagging"), maxObjectTags)
    const object = await this.reads.find(request, bucket)
    await this.needs.objects.setTags(object, tags)
    return emptyAnswer(200, versionHeader(bucket, object))
  }

  deleteTagging = async (request: S3Request, bucket: Namespace): Promise<Response> => {
    const object = await this.reads.find(request, bucket)
    await this.needs.objects.setTags(object, {})
    return emptyAnswer(204, versionHeader(bucket, object))
  }

  attributes = async (request: S3Request, bucket: Namespace): Promise<Response> => {
    const { headers } = request
    const wanted = (headers.get("x-amz-object-attributes") ?? "").split(",").map((name) => name.trim())
    const unknown = wanted.find((name) => !attributeNames.has(name))
    if (unknown !== undefined)
      throw new S3Error("InvalidArgument", "Invalid attribute name specified.", {
        ArgumentName: "x-amz-object-attributes",
        ArgumentValue: unknown,
      })
    const object = await this.reads.find(request, bucket)
    const segments = object.hash === undefined && wanted.includes("ObjectParts") ? await this.needs.objects.segments(object) : []
    const asked = (name: string) => wanted.includes(name)
    const { checksum, etag, size, createdAt } = object
    return xmlAnswer(
      "GetObjectAttributesResponse",
      {
        ETag: asked("ETag") ? etag : undefined,
        Checksum: asked("Checksum") && checksum !== undefined ? checksumElements(checksum) : undefined,
        ObjectParts: segments.length > 0 ? partsElement(headers, segments) : undefined,
        StorageClass: asked("StorageClass") ? "STANDARD" : undefined,
        ObjectSize: asked("ObjectSize") ? size : undefined,
      },
      { "last-modified": httpDate(createdAt), ...versionHeader(bucket, object) },
    )
  }
}

function partsElement(headers: Headers, segments: Segment[]) {
  const number = (name: string, usual: number) => {
    const text = headers.get(name)
    if (text === null) return usual
    if (!/^\d{1,9}$/.test(text))
      throw new S3Error("InvalidArgument", `${name} must be a number`, { ArgumentName: name, ArgumentValue: text })
    return Number(text)
  }
  const most = Math.min(number("x-amz-max-parts", maxPartsShown), maxPartsShown)
  const marker = number("x-amz-part-number-marker", 0)
  const rest = segments.filter(({ partNumber }) => partNumber > marker)
  const shown = rest.slice(0, most)
  return {
    PartsCount: segments.length,
    PartNumberMarker: marker,
    NextPartNumberMarker: shown.at(-1)?.partNumber ?? 0,
    MaxParts: most,
    IsTruncated: rest.length > shown.length,
    Part: shown.map(partElement),
  }
}

const partElement = ({ partNumber, size, checksum }: Segment) => ({ PartNumber: partNumber, Size: size, ...markElement(checksum) })
