import { S3Error } from "./errors"
import type { S3Request } from "./model"

type Right = `${"namespaces" | "files"}:${"create" | "read" | "update" | "delete"}`

/** What is asked for, and what it needs: any of the rights, in the words of scopes. */
export type Operation = {
  name: OperationName
  rights: [Right, ...Right[]]
  /** Anybody may, where the bucket is public. */
  isOpen?: boolean
}

const operation = <N extends string>(name: N, ...rights: [Right, ...Right[]]) => ({ name, rights })
const open = <N extends string>(name: N, ...rights: [Right, ...Right[]]) => ({ name, rights, isOpen: true })

/** By what is addressed, the method, and the parameter of the query that names a part of it. */
export const operations = {
  service: { GET: { "": operation("ListBuckets", "namespaces:read") } },
  bucket: {
    GET: {
      "": open("ListObjects", "files:read"),
      versions: operation("ListObjectVersions", "files:read"),
      uploads: operation("ListMultipartUploads", "files:read"),
      location: open("GetBucketLocation", "namespaces:read", "files:read"),
      versioning: operation("GetBucketVersioning", "namespaces:read"),
      cors: operation("GetBucketCors", "namespaces:read"),
      lifecycle: operation("GetBucketLifecycleConfiguration", "namespaces:read"),
      tagging: operation("GetBucketTagging", "namespaces:read"),
      acl: operation("GetBucketAcl", "namespaces:read"),
      policyStatus: operation("GetBucketPolicyStatus", "namespaces:read"),
      // Of what is not there, that it is not set.
      policy: operation("GetBucketPolicy", "namespaces:read"),
      publicAccessBlock: operation("GetPublicAccessBlock", "namespaces:read"),
      "object-lock": operation("GetObjectLockConfiguration", "namespaces:read"),
      encryption: operation("GetBucketEncryption", "namespaces:read"),
      replication: operation("GetBucketReplication", "namespaces:read"),
      website: operation("GetBucketWebsite", "namespaces:read"),
      ownershipControls: operation("GetBucketOwnershipControls", "namespaces:read"),
    },
    HEAD: { "": open("HeadBucket", "namespaces:read", "files:read") },
    PUT: {
      "": operation("CreateBucket", "namespaces:create"),
      versioning: operation("PutBucketVersioning", "namespaces:update"),
      cors: operation("PutBucketCors", "namespaces:update"),
      lifecycle: operation("PutBucketLifecycleConfiguration", "namespaces:update"),
      tagging: operation("PutBucketTagging", "namespaces:update"),
      acl: operation("PutBucketAcl", "namespaces:update"),
    },
    DELETE: {
      "": operation("DeleteBucket", "namespaces:delete"),
      cors: operation("DeleteBucketCors", "namespaces:update"),
      lifecycle: operation("DeleteBucketLifecycle", "namespaces:update"),
      tagging: operation("DeleteBucketTagging", "namespaces:update"),
    },
    POST: { delete: operation("DeleteObjects", "files:delete") },
  },
  object: {
    GET: {
      "": open("GetObject", "files:read"),
      tagging: operation("GetObjectTagging", "files:read"),
      attributes: open("GetObjectAttributes", "files:read"),
      acl: operation("GetObjectAcl", "files:read"),
      uploadId: operation("ListParts", "files:read"),
    },
    HEAD: { "": open("HeadObject", "files:read") },
    PUT: {
      "": operation("PutObject", "files:create"),
      copy: operation("CopyObject", "files:create"),
      uploadId: operation("UploadPart", "files:create"),
      copyPart: operation("UploadPartCopy", "files:create"),
      tagging: operation("PutObjectTagging", "files:create"),
    },
    DELETE: {
      "": operation("DeleteObject", "files:delete"),
      uploadId: operation("AbortMultipartUpload", "files:create"),
      tagging: operation("DeleteObjectTagging", "files:create"),
    },
    POST: {
      uploads: operation("CreateMultipartUpload", "files:create"),
      uploadId: operation("CompleteMultipartUpload", "files:create"),
    },
  },
}

type Named<T> = T extends { name: infer N extends string } ? N : { [K in keyof T]: Named<T[K]> }[keyof T]
export type OperationName = Named<typeof operations>

/** Every parameter of S3's that makes another operation of a request. Those that are in none of the tables above are not there. */
const subresources = wordsOf(`
  abac accelerate acl analytics attributes cors delete encryption intelligent-tiering inventory legal-hold lifecycle location
  logging metadataConfiguration metadataInventoryTable metadataJournalTable metadataTable metrics notification object-lock
  ownershipControls policy policyStatus publicAccessBlock renameObject replication requestPayment restore retention select session
  tagging torrent uploadId uploads versioning versions website append`)

/** Parameters that only say more about an operation. */
const details = wordsOf(`
  bucket-region continuation-token delimiter encoding-type fetch-owner id key-marker list-type marker max-buckets max-keys max-parts
  max-uploads part-number-marker partNumber prefix select-type start-after upload-id-marker version-id-marker versionId x-id
  position`)

function wordsOf(text: string): Set<string> {
  return new Set(text.trim().split(/\s+/))
}

type Asked = Pick<S3Request, "method" | "bucket" | "key" | "query" | "headers">

/** Which operation a request is. Throws NotImplemented for what is not there, by its name: never another one in its place. */
export function operationOf({ method, bucket, key, query, headers }: Asked): Operation {
  const target = bucket === undefined ? "service" : key === undefined ? "bucket" : "object"
  const named = [...query.keys()].filter((name) => subresources.has(name))
  const unknown = [...query].find(([name, value]) => !isKnown(name) && (value === "" || (method !== "GET" && method !== "HEAD")))
  if (unknown !== undefined) throw notThere(unknown[0], method)
  const [subresource = "", other] = new Set(named)
  if (other !== undefined) throw new S3Error("InvalidArgument", `a request is for one of ${subresource} and ${other}, not for both`)
  const isCopy = method === "PUT" && target === "object" && headers.has("x-amz-copy-source")
  const name = isCopy ? (subresource === "uploadId" ? "copyPart" : subresource === "" ? "copy" : subresource) : subresource
  const byMethod: Record<string, Record<string, Operation>> = operations[target]
  const found = byMethod[method]?.[name]
  if (found !== undefined) return found
  if (subresource !== "") throw notThere(subresource, method)
  throw new S3Error("MethodNotAllowed", `The specified method is not allowed against this resource: ${method} of a ${target}`)
}

const isKnown = (name: string) =>
  subresources.has(name) || details.has(name) || /^(x-amz-|response-|awsaccesskeyid$|signature$|expires$)/i.test(name)

const notThere = (name: string, method: string) =>
  new S3Error("NotImplemented", `A header or query you provided implies functionality that is not implemented: ${method} with ?${name}`)
