import type { Namespace } from "../storage/model"
import type { NamespaceChange } from "../storage/namespace-store"
import { emptyAnswer, xmlAnswer } from "./answers"
import { corsConfiguration, type CorsRule, corsRulesOf } from "./cors"
import { readDocument } from "./document"
import { S3Error } from "./errors"
import { lifecycleElement, type LifecycleRule, parseLifecycle } from "./lifecycle-rules"
import type { S3Request } from "./model"
import type { S3Needs } from "./needs"
import { maxBucketTags, tagSet, type Tags, tagsOf } from "./tags"
import { textOf } from "./xml"

/** What is set for whole buckets: versioning, tags, lifecycle and cross-origin rules. */
export class BucketSettings {
  constructor(private needs: Pick<S3Needs, "namespaces">) {}

  versioning = async (_: S3Request, { versioning }: Namespace): Promise<Response> =>
    xmlAnswer("VersioningConfiguration", { Status: statusOf[versioning] })

  putVersioning = async ({ payload }: S3Request, bucket: Namespace): Promise<Response> => {
    const document = await readDocument(payload, "VersioningConfiguration")
    const status = textOf(document, "Status")?.trim()
    if (textOf(document, "MfaDelete")?.trim() === "Enabled") throw new S3Error("NotImplemented", "MFA delete is not there")
    if (status !== "Enabled" && status !== "Suspended")
      throw new S3Error("IllegalVersioningConfigurationException", "The versioning status is Enabled or Suspended")
    return this.change(bucket, { versioning: status === "Enabled" ? "enabled" : "suspended" }, 200)
  }

  tagging = async (_: S3Request, { tags, name }: Namespace): Promise<Response> => {
    if (tags === null) throw new S3Error("NoSuchTagSet", "The TagSet does not exist", { BucketName: name })
    return xmlAnswer("Tagging", tagSet(JSON.parse(tags) as Tags))
  }

  putTagging = async ({ payload }: S3Request, bucket: Namespace): Promise<Response> => {
    const tags = tagsOf(await readDocument(payload, "Tagging"), maxBucketTags)
    return this.change(bucket, { tags: JSON.stringify(tags) }, 204)
  }

  deleteTagging = (_: S3Request, bucket: Namespace): Promise<Response> => this.change(bucket, { tags: null }, 204)

  lifecycle = async (_: S3Request, { lifecycle, name }: Namespace): Promise<Response> => {
    if (lifecycle === null)
      throw new S3Error("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", { BucketName: name })
    return xmlAnswer("LifecycleConfiguration", lifecycleElement(JSON.parse(lifecycle) as LifecycleRule[]))
  }

  putLifecycle = async ({ payload }: S3Request, bucket: Namespace): Promise<Response> => {
    const rules = parseLifecycle(await readDocument(payload, "LifecycleConfiguration"))
    return this.change(bucket, { lifecycle: JSON.stringify(rules) }, 200)
  }

  cors = async (_: S3Request, bucket: Namespace): Promise<Response> => {
    const rules = corsRules(bucket)
    if (rules === undefined)
      throw new S3Error("NoSuchCORSConfiguration", "The CORS configuration does not exist", { BucketName: bucket.name })
    return xmlAnswer("CORSConfiguration", corsConfiguration(rules))
  }

  putCors = async ({ payload }: S3Request, bucket: Namespace): Promise<Response> => {
    const rules = corsRulesOf(await readDocument(payload, "CORSConfiguration"))
    return this.change(bucket, { cors: JSON.stringify(rules) }, 200)
  }

  deleteCors = (_: S3Request, bucket: Namespace): Promise<Response> => this.change(bucket, { cors: null }, 204)

  deleteLifecycle = (_: S3Request, bucket: Namespace): Promise<Response> => this.change(bucket, { lifecycle: null }, 204)

  private async change(bucket: Namespace, change: NamespaceChange, status: number): Promise<Response> {
    await this.needs.namespaces.update(bucket, change)
    return emptyAnswer(status)
  }

  /** Of what cannot be set here, that it is not, in the words in which clients expect to hear that. */
  absent =
    (code: keyof typeof absences) =>
    async (_: S3Request, bucket: Namespace): Promise<Response> => {
      throw new S3Error(code, absences[code], { BucketName: bucket.name })
    }
}

/** The cross-origin rules of a bucket, undefined for none. */
export const corsRules = (bucket: Namespace | undefined): CorsRule[] | undefined =>
  bucket === undefined || bucket.cors === null ? undefined : (JSON.parse(bucket.cors) as CorsRule[])

const statusOf: Record<Namespace["versioning"], string | undefined> = { off: undefined, enabled: "Enabled", suspended: "Suspended" }

const absences = {
  NoSuchBucketPolicy: "The bucket policy does not exist",
  NoSuchPublicAccessBlockConfiguration: "The public access block configuration was not found",
  ObjectLockConfigurationNotFoundError: "Object Lock configuration does not exist for this bucket",
  ServerSideEncryptionConfigurationNotFoundError: "The server side encryption configuration was not found",
  ReplicationConfigurationNotFoundError: "The replication configuration was not found",
  NoSuchWebsiteConfiguration: "The specified bucket does not have a website configuration",
  OwnershipControlsNotFoundError: "The bucket ownership controls were not found",
} as const
