import { AppError, type ErrorCode } from "../errors"

/** Status of every code that this door answers with, as "Error responses" of the Amazon S3 API reference lists them. */
const statuses = {
  AccessDenied: 403,
  AccessForbidden: 403,
  AuthorizationHeaderMalformed: 400,
  AuthorizationQueryParametersError: 400,
  BadDigest: 400,
  BadRequest: 400,
  BucketAlreadyExists: 409,
  BucketAlreadyOwnedByYou: 409,
  BucketNotEmpty: 409,
  ConditionalRequestConflict: 409,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  ExpiredToken: 400,
  IllegalLocationConstraintException: 400,
  IllegalVersioningConfigurationException: 400,
  IncompleteBody: 400,
  InsufficientStorage: 507,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidBucketName: 400,
  InvalidBucketState: 409,
  InvalidDigest: 400,
  InvalidEncryptionAlgorithmError: 400,
  InvalidLocationConstraint: 400,
  InvalidObjectState: 403,
  InvalidPart: 400,
  InvalidPartNumber: 416,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  InvalidStorageClass: 400,
  InvalidTag: 400,
  InvalidToken: 400,
  InvalidURI: 400,
  KeyTooLongError: 400,
  MalformedACLError: 400,
  MalformedTrailerError: 400,
  MalformedXML: 400,
  MaxMessageLengthExceeded: 400,
  MetadataTooLarge: 400,
  MethodNotAllowed: 405,
  MissingContentLength: 411,
  MissingRequestBodyError: 400,
  NoSuchBucket: 404,
  NoSuchBucketPolicy: 404,
  NoSuchCORSConfiguration: 404,
  NoSuchConfiguration: 404,
  NoSuchKey: 404,
  NoSuchLifecycleConfiguration: 404,
  NoSuchPublicAccessBlockConfiguration: 404,
  NoSuchTagSet: 404,
  NoSuchUpload: 404,
  NoSuchVersion: 404,
  NoSuchWebsiteConfiguration: 404,
  NotImplemented: 501,
  NotModified: 304,
  ObjectLockConfigurationNotFoundError: 404,
  OperationAborted: 409,
  OwnershipControlsNotFoundError: 404,
  PreconditionFailed: 412,
  QuotaExceeded: 403,
  ReplicationConfigurationNotFoundError: 404,
  RequestHeaderSectionTooLarge: 400,
  RequestTimeTooSkewed: 403,
  RequestTimeout: 400,
  ServerSideEncryptionConfigurationNotFoundError: 404,
  ServiceUnavailable: 503,
  SignatureDoesNotMatch: 403,
  SlowDown: 503,
  TooManyBuckets: 400,
  UnexpectedContent: 400,
  UnsupportedSignature: 400,
  UserKeyMustBeSpecified: 400,
  XAmzContentSHA256Mismatch: 400,
} as const

export type S3Code = keyof typeof statuses

/** A fault as clients of S3 know it: `code` decides the status, `message` and `extra` stand in the document, so none of them carries a secret. */
export class S3Error extends Error {
  constructor(
    readonly code: S3Code,
    message: string,
    /** Further elements of the document, such as `BucketName` or `ActualObjectSize`. */
    readonly extra?: Record<string, string>,
    /** Further header fields of the answer, such as `x-amz-delete-marker`. */
    readonly headers?: Record<string, string>,
  ) {
    super(message)
    this.name = "S3Error"
  }

  get status(): number {
    return statuses[this.code]
  }
}

/** Whether a word is a code of this door. */
export const isS3Code = (code: string): code is S3Code => Object.hasOwn(statuses, code)

const codes: Record<ErrorCode, S3Code> = {
  invalid: "InvalidArgument",
  unauthorized: "AccessDenied",
  payment_required: "AccessDenied",
  forbidden: "AccessDenied",
  not_found: "NoSuchKey",
  method_not_allowed: "MethodNotAllowed",
  conflict: "OperationAborted",
  too_large: "EntityTooLarge",
  rate_limited: "SlowDown",
  unavailable: "ServiceUnavailable",
  bad_gateway: "ServiceUnavailable",
  precondition_failed: "PreconditionFailed",
  range_not_satisfiable: "InvalidRange",
  out_of_space: "InsufficientStorage",
  locked: "OperationAborted",
  unsupported_media_type: "InvalidArgument",
}

/** A fault of the core in S3's words: its `reason` where that is a code of S3, else what stands nearest. */
export function fromAppError(error: AppError): S3Error {
  const { reason, retryAfterSeconds } = error
  const code = reason !== undefined && isS3Code(reason) ? reason : codes[error.code]
  const headers = retryAfterSeconds === undefined ? undefined : { "retry-after": String(retryAfterSeconds) }
  return new S3Error(code, error.message, undefined, headers)
}

/** Anything thrown in S3's words: what is neither `S3Error` nor `AppError` is our bug, and tells nothing of itself. */
export function asS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error
  if (error instanceof AppError) return fromAppError(error)
  return new S3Error("InternalError", "We encountered an internal error. Please try again.")
}
