import type { Namespace, Visibility } from "../storage/model"
import { emptyAnswer, ownerOf, xmlAnswer } from "./answers"
import { readText } from "./document"
import { S3Error } from "./errors"
import type { S3Request } from "./model"
import type { S3Needs } from "./needs"
import type { Reads } from "./reads"
import { elementOf, elementsOf, parseXml, textOf } from "./xml"

const everybody = "http://acs.amazonaws.com/groups/global/AllUsers"
const schema = "http://www.w3.org/2001/XMLSchema-instance"

/** Of lists of access what the visibility of a namespace can say: the owner everything, and everybody nothing or reading. */
export class Acls {
  constructor(private needs: S3Needs) {}

  get = async (_: S3Request, bucket: Namespace): Promise<Response> => {
    const owner = ownerOf(bucket.personId)
    const grants = [
      { Grantee: { "@xmlns:xsi": schema, "@xsi:type": "CanonicalUser", ...owner }, Permission: "FULL_CONTROL" },
      { Grantee: { "@xmlns:xsi": schema, "@xsi:type": "Group", URI: everybody }, Permission: "READ" },
    ]
    const Grant = bucket.visibility === "public" ? grants : grants.slice(0, 1)
    return xmlAnswer("AccessControlPolicy", { Owner: owner, AccessControlList: { Grant } })
  }

  /** That of the bucket, for an object that is there. */
  ofObject =
    (reads: Reads) =>
    async (request: S3Request, bucket: Namespace): Promise<Response> => {
      await reads.find(request, bucket)
      return this.get(request, bucket)
    }

  put = async ({ headers, payload }: S3Request, bucket: Namespace): Promise<Response> => {
    const canned = cannedVisibility(headers)
    const text = await readText(payload)
    if (canned === undefined && text.trim() === "") throw new S3Error("MissingRequestBodyError", "Request body is empty.")
    const visibility = canned ?? granted(text, bucket.personId)
    await this.needs.namespaces.update(bucket, { visibility: visibility === "public" ? 1 : 0 })
    await this.needs.onNamespacesChanged()
    return emptyAnswer(200)
  }

  status = async (_: S3Request, bucket: Namespace): Promise<Response> =>
    xmlAnswer("PolicyStatus", { IsPublic: bucket.visibility === "public" })
}

const unknown = (what: string) =>
  new S3Error("NotImplemented", `${what} cannot be said here: a bucket is private, or readable by everybody (public-read)`)

/** What a canned ACL of a bucket makes of its visibility, undefined without one. Throws NotImplemented for all that visibility cannot say. */
export function cannedVisibility(headers: Headers): Visibility | undefined {
  const grant = [...headers.keys()].find((name) => name.startsWith("x-amz-grant-"))
  if (grant !== undefined) throw unknown(grant)
  const acl = headers.get("x-amz-acl")
  if (acl === null) return undefined
  if (acl === "private") return "private"
  if (acl === "public-read") return "public"
  throw unknown(`the ACL ${acl}`)
}

/** An ACL that comes with an object may only say what is the case in its bucket anyway. Throws NotImplemented. */
export function checkObjectAcl(headers: Headers, bucket: Namespace): void {
  const asked = headers.get("x-amz-acl")?.startsWith("bucket-owner-") ? bucket.visibility : cannedVisibility(headers)
  if (asked !== undefined && asked !== bucket.visibility)
    throw new S3Error("NotImplemented", `an object has no ACL of its own: this bucket is ${bucket.visibility}, and all that is in it`)
}

function granted(text: string, ownerId: string): Visibility {
  const list = elementOf(parseXml(text, "AccessControlPolicy"), "AccessControlList")
  let visibility: Visibility = "private"
  for (const grant of elementsOf(list ?? {}, "Grant")) {
    const grantee = elementOf(grant, "Grantee") ?? {}
    const [id, uri, permission] = [textOf(grantee, "ID"), textOf(grantee, "URI"), textOf(grant, "Permission")]
    if (uri === everybody && permission === "READ") visibility = "public"
    else if (id !== ownerId || permission !== "FULL_CONTROL") throw unknown(`${permission} for ${uri ?? id}`)
  }
  return visibility
}
