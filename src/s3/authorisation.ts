import type { Namespace } from "../storage/model"
import { S3Error } from "./errors"
import type { Caller, S3Request } from "./model"
import type { S3Needs } from "./needs"
import type { Operation } from "./operations"

type Needs = Pick<S3Needs, "namespaces" | "covers">
type Asked = Pick<S3Request, "caller" | "bucket" | "headers">

/**
 * Whether the caller may; answers the bucket, undefined where the operation needs none that is there. Who may not know of a bucket hears the same
 * as of one that is not there: AccessDenied as nobody, NoSuchBucket as somebody else.
 */
export async function authorise(needs: Needs, operation: Operation, request: Asked): Promise<Namespace | undefined> {
  const { caller, bucket: name } = request
  if (name === undefined) {
    // Which buckets are shown is decided one by one.
    if (caller === undefined) throw denied()
    return undefined
  }
  if (operation.name === "CreateBucket") {
    if (caller === undefined) throw denied()
    demand(needs, operation, caller, name)
    return undefined
  }
  const bucket = await needs.namespaces.find(name)
  const isPublic = bucket?.visibility === "public"
  if (caller === undefined) {
    if (!isPublic || !operation.isOpen) throw denied()
  } else if (bucket?.personId === caller.personId) {
    demand(needs, operation, caller, name)
  } else {
    if (!isPublic) throw noBucket(name)
    if (!operation.isOpen) throw denied("only the owner of the bucket may do this")
  }
  const expected = request.headers.get("x-amz-expected-bucket-owner")
  if (expected !== null && expected !== bucket?.personId) throw denied("the bucket has another owner than x-amz-expected-bucket-owner")
  return bucket
}

/** Whether a key covers any of the rights that the operation needs. */
export const isCovered = ({ covers }: Pick<S3Needs, "covers">, { rights }: Operation, { scopes, personId }: Caller, bucket: string) =>
  scopes === undefined ||
  rights.some((right) => {
    const [resource = "", action = ""] = right.split(":")
    return covers(scopes, { path: ["storage", personId, resource, bucket], action })
  })

function demand(needs: Pick<S3Needs, "covers">, operation: Operation, caller: Caller, bucket: string): void {
  if (!isCovered(needs, operation, caller, bucket)) throw missing(operation, caller, bucket)
}

/** A key without the scope it needs. */
export function missing({ rights }: Operation, { personId }: Caller, bucket?: string): S3Error {
  const [resource, action] = rights[0].split(":")
  const path = ["storage", personId, resource, ...(bucket === undefined ? [] : [bucket])].join(".")
  return denied(`the access key lacks ${action} on ${path}`)
}

export const denied = (why?: string) => new S3Error("AccessDenied", why === undefined ? "Access Denied" : `Access Denied: ${why}`)

export const noBucket = (name: string) => new S3Error("NoSuchBucket", "The specified bucket does not exist", { BucketName: name })
