import { AppError } from "../errors"
import type { Namespace } from "../storage/model"
import type { Removal, Removed } from "../storage/objects"
import type { Deleted } from "../storage/succession"
import { emptyAnswer, xmlAnswer } from "./answers"
import { deleteCondition } from "./conditions"
import { readDocument } from "./document"
import { asS3Error, S3Error } from "./errors"
import type { S3Request } from "./model"
import type { S3Needs } from "./needs"
import { elementsOf, textOf, type XmlElement } from "./xml"

const maxKeys = 1000
/** A thousand keys, each character as a reference. */
const maxBytes = 8 * 1024 * 1024
/** So many go in one transaction, which others wait for. */
const batch = 100

/** Removing objects: DeleteObject and DeleteObjects. */
export class Deletions {
  constructor(private needs: Pick<S3Needs, "objects" | "log">) {}

  one = async ({ key = "", query, headers }: S3Request, bucket: Namespace): Promise<Response> => {
    const versionId = query.get("versionId") ?? undefined
    if (versionId === "") throw new S3Error("InvalidArgument", "Version id cannot be the empty string", { ArgumentName: "versionId" })
    const condition = deleteCondition(headers.get("if-match") ?? undefined)
    const deleted = await this.needs.objects.delete(bucket, key, versionId, condition)
    return emptyAnswer(204, deletedHeaders(bucket, deleted))
  }

  several = async ({ payload }: S3Request, bucket: Namespace): Promise<Response> => {
    const document = await readDocument(payload, "Delete", { mostBytes: maxBytes })
    const asked = elementsOf(document, "Object")
    if (asked.length === 0 || asked.length > maxKeys)
      throw new S3Error("MalformedXML", `The XML you provided was not well-formed or did not validate: 1 to ${maxKeys} objects at once`)
    const removals = asked.map(removalOf)
    const isQuiet = textOf(document, "Quiet")?.trim().toLowerCase() === "true"
    const done: Removed[] = []
    for (let at = 0; at < removals.length; at += batch)
      done.push(...(await this.needs.objects.deleteSeveral(bucket, removals.slice(at, at + batch))))
    const results = done.map((removed, i) => [removals[i] as Removal, removed] as const)
    const failed = results.filter(([, { refused }]) => refused !== undefined)
    const shown = isQuiet ? [] : results.filter(([, { refused }]) => refused === undefined)
    return xmlAnswer("DeleteResult", {
      Deleted: shown.map(([{ key, versionId }, { deleted }]) => deletedElement(key, versionId, deleted, bucket)),
      Error: failed.map(([removal, { refused }]) => this.faultOf(removal, refused)),
    })
  }

  private faultOf({ key, versionId }: Removal, refused: unknown) {
    if (!(refused instanceof S3Error || refused instanceof AppError)) this.needs.log.error("an object was not deleted", { error: refused })
    const { code, message } = asS3Error(refused)
    return { Key: key, VersionId: versionId, Code: code, Message: message }
  }
}

function removalOf(object: XmlElement): Removal {
  const key = textOf(object, "Key") ?? ""
  if (key === "") throw new S3Error("UserKeyMustBeSpecified", "The XML you provided has an object without a key")
  for (const name of ["LastModifiedTime", "Size"])
    if (textOf(object, name) !== undefined)
      throw new S3Error("NotImplemented", `A deletion on the condition of ${name} is not there: use ETag`)
  return { key, versionId: textOf(object, "VersionId") || undefined, condition: deleteCondition(textOf(object, "ETag") || undefined) }
}

/** A marker that was made, or one that was removed. */
const deletedHeaders = (bucket: Namespace, deleted: Deleted | undefined): Record<string, string> =>
  deleted === undefined || bucket.versioning === "off"
    ? {}
    : { "x-amz-version-id": deleted.versionId, ...(deleted.isDeleteMarker ? { "x-amz-delete-marker": "true" } : {}) }

function deletedElement(key: string, versionId: string | undefined, deleted: Deleted | undefined, bucket: Namespace) {
  if (deleted === undefined || bucket.versioning === "off" || !deleted.isDeleteMarker) return { Key: key, VersionId: versionId }
  return { Key: key, VersionId: versionId, DeleteMarker: true, DeleteMarkerVersionId: deleted.versionId }
}
