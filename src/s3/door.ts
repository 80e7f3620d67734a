import { randomBytes } from "node:crypto"
import { AppError } from "../errors"
import type { Namespace } from "../storage/model"
import { Acls } from "./acl"
import { actOf, type Known, type Outcome } from "./acts"
import { addressOf, targetOf } from "./address"
import { emptyAnswer } from "./answers"
import { authorise, noBucket } from "./authorisation"
import { BucketSettings, corsRules } from "./bucket-settings"
import { Buckets } from "./buckets"
import { checksumAlgorithms, checksumHeader } from "./checksums"
import { corsHeaders, preflightHeaders } from "./cors"
import { Deletions } from "./deletions"
import { renderS3Error } from "./error-document"
import { asS3Error, S3Error } from "./errors"
import { Listings } from "./listings"
import type { S3Request } from "./model"
import { Multipart } from "./multipart"
import type { S3Needs } from "./needs"
import { ObjectSettings } from "./object-settings"
import { type Operation, operationOf, type OperationName } from "./operations"
import { readPayload } from "./payload"
import { Reads } from "./reads"
import { Signatures } from "./signature"
import { UploadListings } from "./upload-listings"
import { Writes } from "./writes"

const smallBytes = 64 * 1024

/**
 * Amazon's S3 API over the storage core: a namespace is a bucket. The order of steps: what is addressed → who asks (signature) → which operation →
 * may they (scopes, ownership, visibility) → the payload's framing and promises → the operation → the answer, or the fault as XML → the record.
 *
 * What is not there, and what asking for it ends in:
 * - ACLs but for `private` and `public-read` of a bucket, which are its visibility; of an object only what its bucket's says anyway. NotImplemented.
 * - Bucket policies, public access blocks, ownership controls, access points, S3 Select, batch and inventory, analytics, metrics, logging,
 *   notifications, replication, acceleration, website hosting, requester pays, torrents, restore, metadata tables, sessions. Reading those that
 *   clients look for by themselves says that nothing is set; the rest is NotImplemented, by name.
 * - Server-side encryption of any kind, AES256 too: bytes lie on disk as they came, and saying otherwise would be a lie. NotImplemented.
 * - Object lock, retention, legal holds, MFA delete. NotImplemented.
 * - Storage classes but STANDARD, and so transitions. InvalidStorageClass, InvalidArgument.
 * - Uploads by a form (POST Object), appending, renaming, directory buckets. NotImplemented, MethodNotAllowed.
 * - Several ranges in one request: the whole object, as S3 does.
 * - A checksum that the client neither sent nor asked for. S3 itself then makes a CRC64NVME.
 * - A checksum in the query of a presigned URL: it is not looked at, as Amazon does not (see `forgetLinkedChecksums`).
 * - Deleting on the condition of a time or a size (DeleteObjects). NotImplemented; an ETag is.
 * - `x-amz-expiration` on objects that a lifecycle rule will remove.
 * - An ETag of its own for a copy: it has that of its source, also where the source came in parts.
 * - Reading by version, tags and versions' listings for others than the owner of a public bucket: what was written over is no longer published.
 * - Limits of S3's that protect its own design: one PUT may have any size, and a copy too.
 * Further lists: `address.ts` (dot segments), `signature.ts`, `payload.ts`.
 */
export class S3Door {
  private signatures: Signatures
  private buckets: Buckets
  private handlers: Record<HandledName, Handler>

  constructor(private needs: S3Needs) {
    this.signatures = new Signatures(needs.keys, needs.now)
    this.buckets = new Buckets(needs)
    this.handlers = handlersOf(needs, this.buckets)
  }

  /** Answers every request, whatever it is; faults too. */
  async handle(request: Request): Promise<Response> {
    const requestId = randomBytes(8).toString("hex").toUpperCase()
    const { path } = targetOf(request.url)
    const seen: Seen = {}
    let response: Response
    let outcome: Outcome
    try {
      response = await this.answer(request, requestId, seen)
      outcome = { status: response.status, code: undefined }
    } catch (error) {
      if (!(error instanceof S3Error || error instanceof AppError))
        this.needs.log.error("an S3 request failed", { error, requestId, method: request.method, path })
      response = renderS3Error(error, { resource: path, requestId, method: request.method })
      outcome = { status: response.status, code: asS3Error(error).code }
    }
    await this.tell(request, seen, outcome)
    response.headers.set("x-amz-request-id", requestId)
    for (const [name, value] of Object.entries(await this.crossOrigin(request, seen))) response.headers.set(name, value)
    return response
  }

  private async answer(request: Request, requestId: string, seen: Seen): Promise<Response> {
    const { method } = request
    const { path, query: search } = targetOf(request.url)
    const address = addressOf(request.headers.get("host") ?? "", path, this.needs.hosts)
    seen.address = address
    if (method === "OPTIONS") return this.preflight(request, seen)
    const signed = { method, path, query: search, headers: request.headers }
    const { caller, headers, ...authentication } = await this.signatures.authenticate(signed)
    seen.caller = caller
    forgetLinkedChecksums(headers, request.headers)
    const query = new URLSearchParams(search)
    const operation = operationOf({ ...address, method, query, headers })
    seen.operation = operation
    const bucket = await authorise(this.needs, operation, { ...address, caller, headers })
    seen.bucket = bucket
    if (caller !== undefined) await this.needs.keys.noteUse(caller.keyId)
    const payload = readPayload({ method, query, headers, body: bodyOf(request) }, authentication)
    return this.run(operation, { ...address, method, resource: path, query, headers, caller, payload, requestId }, bucket)
  }

  /** A fault of the record's must not become one of an answer that is there. */
  private async tell(request: Request, seen: Seen, outcome: Outcome): Promise<void> {
    const { keys, onActed, log } = this.needs
    if (onActed === undefined) return
    const { method, headers, url } = request
    try {
      const act = await actOf(keys, { method, headers, ...targetOf(url) }, seen, outcome)
      if (act !== undefined) await onActed(request, act)
    } catch (error) {
      log.error("an S3 request could not be put on record", { error })
    }
  }

  private async preflight(request: Request, seen: Seen): Promise<Response> {
    const name = seen.address?.bucket
    const bucket = name === undefined ? undefined : await this.needs.namespaces.find(name)
    return emptyAnswer(200, preflightHeaders(corsRules(bucket), request.headers))
  }

  /** What a browser needs of any answer, of faults too, so that the page can read which. */
  private async crossOrigin({ headers, method }: Request, { address, bucket }: Seen): Promise<Record<string, string>> {
    const name = address?.bucket
    if (method === "OPTIONS" || name === undefined) return {}
    const found = bucket ?? (headers.has("origin") ? await this.needs.namespaces.find(name) : undefined)
    return corsHeaders(corsRules(found), method, headers)
  }

  private run(operation: Operation, request: S3Request, bucket: Namespace | undefined): Promise<Response> {
    if (operation.name === "ListBuckets") return this.buckets.list(request, operation)
    if (operation.name === "CreateBucket") return this.buckets.create(request)
    if (bucket === undefined) throw noBucket(request.bucket ?? "")
    return this.handlers[operation.name](request, bucket)
  }
}

/** A body that is announced to be small comes at once: a stream of it costs 40 µs more. */
function bodyOf(request: Request): AsyncIterable<Uint8Array> | null {
  const length = Number(request.headers.get("content-length") ?? Number.NaN)
  return length > 0 && length <= smallBytes ? inOne(request) : request.body
}

async function* inOne(request: Request): AsyncGenerator<Uint8Array> {
  yield await request.bytes()
}

/**
 * A checksum in the query of a presigned URL is not looked at, as Amazon does not: the official client puts that of an empty body there, since it
 * does not know the one that will come (github.com/localstack/localstack/issues/12169, github.com/aws/aws-sdk-go-v2/issues/2610).
 */
function forgetLinkedChecksums(headers: Headers, sent: Headers): void {
  if (headers === sent) return
  for (const name of checksumAlgorithms.map(checksumHeader)) if (!sent.has(name)) headers.delete(name)
}

/** What an answer became known of on the way. */
type Seen = Known & { bucket?: Namespace }

type Handler = (request: S3Request, bucket: Namespace) => Promise<Response>
type HandledName = Exclude<OperationName, "ListBuckets" | "CreateBucket">

function handlersOf(needs: S3Needs, buckets: Buckets): Record<HandledName, Handler> {
  const [settings, acls, listings, deletions] = [new BucketSettings(needs), new Acls(needs), new Listings(needs), new Deletions(needs)]
  const reads = new Reads(needs)
  const [writes, multipart] = [new Writes(needs, reads), new Multipart(needs, reads)]
  const [objectSettings, uploadListings] = [new ObjectSettings(needs, reads), new UploadListings(needs, multipart)]
  return {
    HeadBucket: buckets.head,
    DeleteBucket: buckets.delete,
    GetBucketLocation: buckets.location,
    GetBucketVersioning: settings.versioning,
    PutBucketVersioning: settings.putVersioning,
    GetBucketCors: settings.cors,
    PutBucketCors: settings.putCors,
    DeleteBucketCors: settings.deleteCors,
    GetBucketLifecycleConfiguration: settings.lifecycle,
    PutBucketLifecycleConfiguration: settings.putLifecycle,
    DeleteBucketLifecycle: settings.deleteLifecycle,
    GetBucketTagging: settings.tagging,
    PutBucketTagging: settings.putTagging,
    DeleteBucketTagging: settings.deleteTagging,
    GetBucketAcl: acls.get,
    PutBucketAcl: acls.put,
    GetBucketPolicyStatus: acls.status,
    GetObjectAcl: acls.ofObject(reads),
    GetBucketPolicy: settings.absent("NoSuchBucketPolicy"),
    GetPublicAccessBlock: settings.absent("NoSuchPublicAccessBlockConfiguration"),
    GetObjectLockConfiguration: settings.absent("ObjectLockConfigurationNotFoundError"),
    GetBucketEncryption: settings.absent("ServerSideEncryptionConfigurationNotFoundError"),
    GetBucketReplication: settings.absent("ReplicationConfigurationNotFoundError"),
    GetBucketWebsite: settings.absent("NoSuchWebsiteConfiguration"),
    GetBucketOwnershipControls: settings.absent("OwnershipControlsNotFoundError"),
    ListObjects: listings.objects,
    ListObjectVersions: listings.versions,
    ListMultipartUploads: uploadListings.uploads,
    ListParts: uploadListings.parts,
    GetObject: reads.get,
    HeadObject: reads.get,
    GetObjectAttributes: objectSettings.attributes,
    GetObjectTagging: objectSettings.tagging,
    PutObjectTagging: objectSettings.putTagging,
    DeleteObjectTagging: objectSettings.deleteTagging,
    PutObject: writes.put,
    CopyObject: writes.copy,
    DeleteObject: deletions.one,
    DeleteObjects: deletions.several,
    CreateMultipartUpload: multipart.create,
    UploadPart: multipart.part,
    UploadPartCopy: multipart.partCopy,
    CompleteMultipartUpload: multipart.complete,
    AbortMultipartUpload: multipart.abort,
  }
}
