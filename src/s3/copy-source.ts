import type { Namespace, ObjectInfo } from "../storage/model"
import { decodePath } from "./address"
import { authorise } from "./authorisation"
import { checkRead } from "./conditions"
import { S3Error } from "./errors"
import type { S3Request } from "./model"
import type { S3Needs } from "./needs"
import type { Operation } from "./operations"
import type { Reads } from "./reads"

export type Source = { namespace: Namespace; object: ObjectInfo; isVersionNamed: boolean }

const reading: Operation = { name: "GetObject", rights: ["files:read"], isOpen: true }

/** What `x-amz-copy-source` names, where the caller may read it and its preconditions hold. Throws what reading it would. */
export async function copySource(needs: Pick<S3Needs, "namespaces" | "covers">, reads: Reads, request: S3Request): Promise<Source> {
  const { bucket, key, versionId } = parseSource(request.headers.get("x-amz-copy-source") ?? "")
  const { caller } = request
  const expected = request.headers.get("x-amz-source-expected-bucket-owner")
  const headers = new Headers(expected === null ? {} : { "x-amz-expected-bucket-owner": expected })
  const namespace = await authorise(needs, reading, { caller, bucket, headers })
  if (namespace === undefined) throw malformed()
  const query = new URLSearchParams(versionId === undefined ? {} : { versionId })
  const object = await findSource(reads, { key, query, caller }, namespace)
  checkRead(request.headers, object, "x-amz-copy-source-")
  return { namespace, object, isVersionNamed: versionId !== undefined }
}

async function findSource(reads: Reads, asked: Pick<S3Request, "key" | "query" | "caller">, namespace: Namespace): Promise<ObjectInfo> {
  try {
    return await reads.find(asked, namespace)
  } catch (error) {
    if (error instanceof S3Error && error.code === "MethodNotAllowed")
      throw new S3Error("InvalidRequest", "The source of a copy request may not specifically refer to a delete marker by version id.")
    throw error
  }
}

/** `[/]bucket/key[?versionId=…]`, percent-encoded. Throws InvalidArgument. */
function parseSource(field: string): { bucket: string; key: string; versionId: string | undefined } {
  const [, path = "", versionId] = /^([^?]*)(?:\?versionId=(.*))?$/.exec(field) ?? []
  const [, bucket = "", key = ""] = /^\/?([^/]+)\/(.+)$/s.exec(decodePath(Buffer.from(path, "latin1").toString())) ?? []
  if (key === "") throw malformed()
  return { bucket, key, versionId }
}

const malformed = () =>
  new S3Error("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey", {
    ArgumentName: "x-amz-copy-source",
  })
