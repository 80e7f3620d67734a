import type { UploadPartRow, UploadRow } from "../db/storage-schema"
import { AppError } from "../errors"
import type { Checksum, Namespace, ObjectInfo } from "../storage/model"
import { etagOfParts, maxParts, type NamedPart } from "../storage/uploads"
import { checkObjectAcl } from "./acl"
import { checksumElements, emptyAnswer, isoDate, quoted, versionHeader, xmlAnswer } from "./answers"
import { denied } from "./authorisation"
import { writeCondition } from "./conditions"
import { copySource, type Source } from "./copy-source"
import { readDocument } from "./document"
import { S3Error } from "./errors"
import { checksumAlgorithms, checksumHeader } from "./checksums"
import { factsOf } from "./facts"
import type { ChecksumAlgorithm, S3Request } from "./model"
import type { S3Needs } from "./needs"
import { digesting, markElement, type Plan, partMark, planOf, wholeChecksum } from "./part-checksums"
import { copyRangeOf } from "./ranges"
import type { Reads } from "./reads"
import { sourceVersion } from "./writes"
import { elementsOf, textOf, type XmlElement } from "./xml"

const leastPartBytes = 5 * 1024 * 1024
/** Ten thousand parts with a checksum each. */
const maxDocumentBytes = 8 * 1024 * 1024

/** Objects that are sent in parts. */
export class Multipart {
  constructor(
    private needs: S3Needs,
    private reads: Reads,
  ) {}

  create = async ({ key = "", headers, caller }: S3Request, bucket: Namespace): Promise<Response> => {
    if (caller === undefined) throw denied()
    checkObjectAcl(headers, bucket)
    const facts = factsOf(headers)
    const plan = planOf(headers)
    const upload = await this.needs.uploads.begin(bucket, key, { personId: caller.personId, kind: "s3", facts, checksum: plan })
    return xmlAnswer(
      "InitiateMultipartUploadResult",
      { Bucket: bucket.name, Key: key, UploadId: upload.id },
      plan === undefined ? {} : { "x-amz-checksum-algorithm": plan.algorithm, "x-amz-checksum-type": plan.type },
    )
  }

  part = async (request: S3Request, bucket: Namespace): Promise<Response> => {
    const { payload } = request
    const number = partNumberOf(request)
    const upload = await this.upload(request, bucket)
    const algorithm = this.algorithmOfPart(upload, payload.algorithm)
    // What the client did not say is counted here, for without it the whole has no checksum.
    const { bytes, digest } =
      algorithm !== undefined && payload.algorithm === undefined
        ? digesting(payload.bytes, algorithm)
        : { bytes: payload.bytes, digest: undefined }
    let checksum: { algorithm: ChecksumAlgorithm; value: string } | undefined
    const part = await this.needs.uploads.part(bucket, upload, number, bytes, {
      finish: () => {
        checksum = algorithm !== undefined && digest !== undefined ? { algorithm, value: digest() } : payload.checksum()
        return algorithm === undefined || checksum === undefined ? undefined : partMark(checksum)
      },
      announcedBytes: payload.size,
    })
    const headers = checksum === undefined ? {} : { [checksumHeader(checksum.algorithm)]: checksum.value }
    return emptyAnswer(200, { etag: quoted(part.md5), ...headers })
  }

  /** The algorithm that parts of an upload are checked with. Throws InvalidRequest for another one. */
  private algorithmOfPart(upload: UploadRow, sent: ChecksumAlgorithm | undefined): ChecksumAlgorithm | undefined {
    const wanted = planOfUpload(upload)?.algorithm
    if (wanted !== undefined && sent !== undefined && wanted !== sent)
      throw new S3Error(
        "InvalidRequest",
        `Checksum Type mismatch occurred, expected checksum Type: ${wanted.toLowerCase()}, actual checksum Type: ${sent.toLowerCase()}`,
      )
    return wanted
  }

  partCopy = async (request: S3Request, bucket: Namespace): Promise<Response> => {
    const number = partNumberOf(request)
    const upload = await this.upload(request, bucket)
    const source = await copySource(this.needs, this.reads, request)
    const range = copyRangeOf(request.headers.get("x-amz-copy-source-range"), source.object.size)
    const chunks = this.needs.reader.chunks(source.object, range)
    const algorithm = planOfUpload(upload)?.algorithm
    const { bytes, digest } = algorithm === undefined ? { bytes: chunks, digest: undefined } : digesting(chunks, algorithm)
    const part = await this.needs.uploads.part(bucket, upload, number, bytes, {
      announcedBytes: range === undefined ? source.object.size : range.last - range.first + 1,
      finish: () => (algorithm === undefined || digest === undefined ? undefined : partMark({ algorithm, value: digest() })),
    })
    return copiedAnswer(part, source)
  }

  complete = async (request: S3Request, bucket: Namespace): Promise<Response> => {
    const { headers, payload, key = "" } = request
    const document = await readDocument(payload, "CompleteMultipartUpload", {
      mostBytes: maxDocumentBytes,
      // Ten tags a part, and some checksum more.
      mostMarks: 12 * maxParts + 100,
    })
    const named = elementsOf(document, "Part")
    if (named.length === 0 || named.length > maxParts)
      throw new S3Error(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema: no parts",
      )
    const upload = await this.needs.uploads.get(bucket, "s3", uploadIdOf(request)).catch(ifGone)
    const plan = upload === undefined || upload.key !== key ? undefined : planOfUpload(upload)
    const parts = named.map((part) => namedPart(part, plan))
    const object = await this.completed(request, bucket, upload?.key === key ? upload : undefined, parts, (all) => {
      checkWholeSize(headers.get("x-amz-mp-object-size"), all)
      return checkedWhole(headers, wholeChecksum(plan, all))
    })
    return xmlAnswer(
      "CompleteMultipartUploadResult",
      {
        Location: `/${bucket.name}/${key.split("/").map(encodeURIComponent).join("/")}`,
        Bucket: bucket.name,
        Key: key,
        ETag: quoted(object.etag),
        ...checksumElements(object.checksum),
      },
      versionHeader(bucket, object),
    )
  }

  private async completed(
    { headers, key = "" }: S3Request,
    bucket: Namespace,
    upload: UploadRow | undefined,
    named: NamedPart[],
    whole: (parts: UploadPartRow[]) => Checksum | undefined,
  ): Promise<ObjectInfo> {
    try {
      if (upload === undefined) throw noUpload()
      const condition = writeCondition(headers)
      return await this.needs.uploads.complete(bucket, upload, { named, leastBytes: leastPartBytes, condition, whole })
    } catch (error) {
      if (!isGone(error)) throw error
      // Whose answer was lost asks once more: it has succeeded where just these parts stand under the key.
      const current = await this.needs.objects.find(bucket, key)
      if (current === undefined || current.isDeleteMarker || current.etag !== etagOfNamed(named)) throw noUpload()
      return current
    }
  }

  abort = async (request: S3Request, bucket: Namespace): Promise<Response> => {
    const upload = await this.upload(request, bucket)
    if (!(await this.needs.uploads.abort(upload))) throw noUpload()
    return emptyAnswer(204)
  }

  /** The upload that is meant. Throws NoSuchUpload. */
  async upload(request: Pick<S3Request, "query" | "key">, bucket: Namespace): Promise<UploadRow> {
    const upload = await this.needs.uploads.get(bucket, "s3", uploadIdOf(request)).catch(ifGone)
    if (upload === undefined || upload.key !== request.key) throw noUpload()
    return upload
  }
}

export const planOfUpload = ({ checksum }: Pick<UploadRow, "checksum">): Plan | undefined =>
  checksum === null ? undefined : (JSON.parse(checksum) as Plan)

const uploadIdOf = ({ query }: Pick<S3Request, "query">): string => query.get("uploadId") ?? ""

function partNumberOf({ query }: S3Request): number {
  const text = query.get("partNumber") ?? ""
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (number < 1 || number > maxParts)
    throw new S3Error("InvalidArgument", `Part number must be an integer between 1 and ${maxParts}, inclusive`, {
      ArgumentName: "partNumber",
      ArgumentValue: text,
    })
  return number
}

function namedPart(part: XmlElement, plan: Plan | undefined): NamedPart {
  const [number, etag] = [textOf(part, "PartNumber")?.trim() ?? "", textOf(part, "ETag")?.trim() ?? ""]
  if (!/^\d{1,5}$/.test(number) || etag === "")
    throw new S3Error("MalformedXML", "The XML you provided was not well-formed or did not validate: a part has a PartNumber and an ETag")
  const checksum = plan === undefined ? undefined : textOf(part, `Checksum${plan.algorithm}`)
  return {
    number: Number(number),
    etag: etag.replace(/^"(.*)"$/, "$1").toLowerCase(),
    checksum: plan === undefined || checksum === undefined ? undefined : partMark({ algorithm: plan.algorithm, value: checksum }),
  }
}

/** The ETag that these parts would have together, undefined where it cannot be told. */
function etagOfNamed(named: NamedPart[]): string | undefined {
  const etags = named.map(({ etag = "" }) => etag)
  return etags.every((etag) => /^[0-9a-f]{32}$/.test(etag)) ? etagOfParts(etags) : undefined
}

function checkWholeSize(announced: string | null, parts: UploadPartRow[]): void {
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  if (announced !== null && announced !== String(size))
    throw new S3Error(
      "InvalidRequest",
      `The provided 'x-amz-mp-object-size' header value ${announced} does not match what was computed: ${size}`,
    )
}

/** What the client says the whole has. Throws BadDigest, InvalidRequest. */
function checkedWhole(headers: Headers, whole: Checksum | undefined): Checksum | undefined {
  const type = headers.get("x-amz-checksum-type")
  if (type !== null && whole !== undefined && type.toUpperCase() !== whole.type)
    throw new S3Error("InvalidRequest", `The upload was created with the checksum type ${whole.type}, not ${type}`)
  for (const algorithm of checksumAlgorithms) {
    const said = headers.get(checksumHeader(algorithm))
    if (said === null) continue
    if (whole === undefined || whole.algorithm !== algorithm)
      throw new S3Error("InvalidRequest", `The upload was not created with the checksum algorithm ${algorithm}`)
    if (said.replace(/-\d+$/, "") !== whole.value.replace(/-\d+$/, ""))
      throw new S3Error("BadDigest", `The ${algorithm} you specified did not match what we received`)
  }
  return whole
}

function copiedAnswer({ createdAt, md5, checksum }: UploadPartRow, source: Source): Response {
  const element = { LastModified: isoDate(createdAt), ETag: quoted(md5), ...markElement(checksum) }
  return xmlAnswer("CopyPartResult", element, sourceVersion(source))
}

const isGone = (error: unknown) =>
  (error instanceof AppError && error.reason === "NoSuchUpload") || (error instanceof S3Error && error.code === "NoSuchUpload")

const ifGone = (error: unknown): undefined => {
  if (!isGone(error)) throw error
}

const noUpload = () =>
  new S3Error(
    "NoSuchUpload",
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
  )
