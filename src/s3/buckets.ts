import { AppError } from "../errors"
import type { Namespace } from "../storage/model"
import { emptyAnswer, isoDate, ownerOf, xmlAnswer } from "./answers"
import { denied, isCovered, missing, noBucket } from "./authorisation"
import { cannedVisibility } from "./acl"
import { readText } from "./document"
import { S3Error } from "./errors"
import type { S3Request } from "./model"
import type { S3Needs } from "./needs"
import type { Operation } from "./operations"
import { numberOf, openToken, token } from "./parameters"
import { maxBucketTags, tagsOf } from "./tags"
import { elementOf, parseXml } from "./xml"

/** One server is one region, under the name that clients take for the default. */
export const region = "us-east-1"

const maxBuckets = 10_000

/** Buckets themselves: listing, making, removing. */
export class Buckets {
  constructor(private needs: S3Needs) {}

  /** Those of the caller, as far as the key may know of them. */
  list = async ({ caller, query }: S3Request, operation: Operation): Promise<Response> => {
    if (caller === undefined) throw denied()
    const { personId } = caller
    const all = await this.needs.namespaces.list(personId)
    const seen = all.filter(({ name }) => isCovered(this.needs, operation, caller, name))
    if (seen.length === 0 && !isCovered(this.needs, operation, caller, "")) throw missing(operation, caller)
    const prefix = query.get("prefix") ?? ""
    const most = numberOf(query, "max-buckets", maxBuckets, 1)
    const continuation = query.get("continuation-token")
    const after = continuation === null ? "" : openToken<string>(continuation)
    const isElsewhere = (query.get("bucket-region") ?? region) !== region
    const wanted = isElsewhere ? [] : seen.filter(({ name }) => name.startsWith(prefix) && name > after)
    const shown = wanted.slice(0, most)
    return xmlAnswer("ListAllMyBucketsResult", {
      Owner: ownerOf(personId),
      Buckets: { Bucket: shown.map(({ name, createdAt }) => ({ Name: name, CreationDate: isoDate(createdAt), BucketRegion: region })) },
      ContinuationToken: wanted.length > shown.length ? token(shown.at(-1)?.name) : undefined,
      Prefix: query.has("prefix") ? prefix : undefined,
    })
  }

  create = async (request: S3Request): Promise<Response> => {
    const { caller, bucket: name = "", headers, payload } = request
    if (caller === undefined) throw denied()
    checkBucketName(name)
    if (headers.get("x-amz-bucket-object-lock-enabled") === "true") throw new S3Error("NotImplemented", "there is no object lock")
    if ((headers.get("x-amz-object-ownership") ?? "BucketOwnerEnforced") !== "BucketOwnerEnforced")
      throw new S3Error("NotImplemented", "there are no ACLs of objects: BucketOwnerEnforced is the one object ownership")
    const visibility = cannedVisibility(headers) ?? "private"
    // Any region may be asked for: there is one.
    const text = await readText(payload)
    const wanted = text.trim() === "" ? {} : parseXml(text, "CreateBucketConfiguration")
    if (elementOf(wanted, "Bucket") !== undefined || elementOf(wanted, "Location") !== undefined)
      throw new S3Error("NotImplemented", "there are no directory buckets")
    const tags = elementOf(wanted, "Tags")
    const tagMap = tags === undefined ? {} : tagsOf({ TagSet: { Tag: tags.Tag } }, maxBucketTags)
    const made = await this.insert(caller.personId, name, visibility)
    if (Object.keys(tagMap).length > 0) await this.needs.namespaces.update(made, { tags: JSON.stringify(tagMap) })
    await this.needs.onNamespacesChanged()
    return emptyAnswer(200, { location: `/${name}` })
  }

  private async insert(personId: string, name: string, visibility: Namespace["visibility"]): Promise<Namespace> {
    try {
      return await this.needs.namespaces.create(personId, name, visibility)
    } catch (error) {
      if (!(error instanceof AppError) || error.reason !== undefined) throw error
      if (error.code === "invalid") throw new S3Error("InvalidBucketName", error.message, { BucketName: name })
      if (error.code !== "conflict") throw error
      const holder = await this.needs.namespaceStore.find(name)
      throw holder?.personId === personId
        ? new S3Error("BucketAlreadyOwnedByYou", "The bucket you tried to create already exists, and you own it.", { BucketName: name })
        : new S3Error("BucketAlreadyExists", "The requested bucket name is not available: names are shared by all users.", {
            BucketName: name,
          })
    }
  }

  head = async (): Promise<Response> => emptyAnswer(200, { "x-amz-bucket-region": region, "x-amz-access-point-alias": "false" })

  location = async (): Promise<Response> => xmlAnswer("LocationConstraint", {})

  delete = async ({ bucket = "" }: S3Request, namespace: Namespace): Promise<Response> => {
    try {
      await this.needs.namespaces.deleteEmpty(namespace)
    } catch (error) {
      // Gone between two steps.
      if ((await this.needs.namespaceStore.get(namespace.id)) === undefined) throw noBucket(bucket)
      throw error
    }
    await this.needs.onNamespacesChanged()
    return emptyAnswer(204)
  }
}

/** Bucket naming rules of the Amazon S3 user guide, for what is made here; other doors allow more. Throws InvalidBucketName. */
function checkBucketName(name: string): void {
  const isLabelled = /^[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]$/.test(name) && !name.includes("..")
  if (!isLabelled || /^\d+\.\d+\.\d+\.\d+$/.test(name))
    throw new S3Error(
      "InvalidBucketName",
      "The specified bucket is not valid: 3 to 63 lower-case letters, digits, dots and hyphens, and not in the form of an IP address",
      { BucketName: name },
    )
}
