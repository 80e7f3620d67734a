import type { AccessKeys } from "../storage/access-keys"
import type { S3Code } from "./errors"
import type { Address, Caller } from "./model"
import { type Operation, operationOf } from "./operations"
import { claimOf, type SignedRequest } from "./signature-claim"

/** What is put on record of a request. */
export type Act = {
  /** Its name; the method where a request is none. */
  operation: string
  bucket: string | undefined
  keyId: string
  /** Undefined where it was not signed with the key's secret. */
  personId: string | undefined
  /** As in the audit trail: `failed` is neither carried out nor refused for want of a right. */
  outcome: "allowed" | "denied" | "failed"
  status: number
}

/** What became of a request; `code` is that of the fault. */
export type Outcome = { status: number; code: S3Code | undefined }

/** What became known of a request on the way. */
export type Known = { address?: Address; operation?: Operation; caller?: Caller }

/** A quota that is used up is a 403 too, and none. */
const denials = new Set<S3Code>(["AccessDenied", "InvalidAccessKeyId", "RequestTimeTooSkewed", "SignatureDoesNotMatch"])

/**
 * What of a request is put on record, if anything: a change of a bucket by somebody, and a denial of a key that there is. Nothing of single objects, since
 * a sync of ten thousand files would bury the rest; and no denials of nobody, since whoever scans the Internet asks every host.
 */
export async function actOf(
  keys: Pick<AccessKeys, "isKnown">,
  request: SignedRequest,
  { address, operation, caller }: Known,
  { status, code }: Outcome,
): Promise<Act | undefined> {
  const isDenied = code !== undefined && denials.has(code)
  if (!isDenied && (caller === undefined || operation === undefined || !isBucketChange(operation))) return undefined
  const keyId = caller?.keyId ?? (await claimedKey(keys, request))
  if (keyId === undefined) return undefined
  return {
    operation: operation?.name ?? attempted(request, address),
    bucket: address?.bucket,
    keyId,
    personId: caller?.personId,
    outcome: isDenied ? "denied" : status < 400 ? "allowed" : "failed",
    status,
  }
}

/** Creating and deleting buckets, and setting what is set for a whole one. */
const isBucketChange = ({ rights: [right] }: Operation) => right.startsWith("namespaces:") && right !== "namespaces:read"

/** The key that a request claims to be signed with, where there is such a one. */
async function claimedKey(keys: Pick<AccessKeys, "isKnown">, request: SignedRequest): Promise<string | undefined> {
  const keyId = keyIdOf(request)
  return keyId !== undefined && (await keys.isKnown(keyId)) ? keyId : undefined
}

/** What a request would have been, that was refused before anybody looked. */
function attempted({ method, query, headers }: SignedRequest, address: Address | undefined): string {
  if (address === undefined) return method
  try {
    return operationOf({ ...address, method, query: new URLSearchParams(query), headers }).name
  } catch {
    return method
  }
}

function keyIdOf(request: SignedRequest): string | undefined {
  try {
    return claimOf(request, new URLSearchParams(request.query))?.keyId
  } catch {
    // What is no claim names nobody.
    return undefined
  }
}
