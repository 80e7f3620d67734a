import { S3Error } from "./errors"

/** A request as its signature sees it. */
export type SignedRequest = {
  method: string
  /** As it came, percent-encoded and without the query. */
  path: string
  /** As it came, without the question mark. */
  query: string
  headers: Headers
}

/** What a request says of its signature, before anything of it was checked. */
export type Claim = {
  keyId: string
  /** `YYYYMMDD`, region, service and `aws4_request`, with slashes between. */
  scope: { text: string; date: string; region: string; service: string }
  signedHeaders: string[]
  /** Hexadecimal. */
  signature: string
  /** `YYYYMMDDTHHMMSSZ` */
  timestamp: string
  contentHash: string
  /** Of a presigned URL; undefined for the header. */
  expiresSeconds: number | undefined
}

export const unsignedPayload = "UNSIGNED-PAYLOAD"
const algorithm = "AWS4-HMAC-SHA256"
/** Of the parameters that make a URL a presigned one, those that are nothing else. */
export const signatureParameters = [
  "X-Amz-Algorithm",
  "X-Amz-Credential",
  "X-Amz-Date",
  "X-Amz-Expires",
  "X-Amz-SignedHeaders",
  "X-Amz-Signature",
  "X-Amz-Security-Token",
  "X-Amz-Content-Sha256",
]

/** What a request claims, undefined for one that claims nothing. Throws S3's errors for what cannot be a claim of version 4. */
export function claimOf(request: SignedRequest, parameters: URLSearchParams): Claim | undefined {
  const header = request.headers.get("authorization")
  const isQuery = parameters.has("X-Amz-Algorithm") || parameters.has("X-Amz-Signature")
  const isVersion2 = parameters.has("AWSAccessKeyId") || (parameters.has("Signature") && parameters.has("Expires"))
  if (header !== null && (isQuery || isVersion2))
    throw new S3Error("InvalidArgument", "Only one auth mechanism allowed: the query or the Authorization header", {
      ArgumentName: "Authorization",
    })
  if (request.headers.has("x-amz-security-token") || parameters.has("X-Amz-Security-Token"))
    throw new S3Error("InvalidToken", "Temporary credentials are not known here: leave the security token out")
  if (isQuery) return queryClaim(request, parameters)
  if (isVersion2) throw otherMechanism()
  return header === null ? undefined : headerClaim(request, header)
}

function headerClaim({ headers }: SignedRequest, header: string): Claim {
  const [mechanism = "", ...rest] = header.trim().split(" ")
  if (mechanism !== algorithm) {
    if (/^AWS/i.test(mechanism)) throw otherMechanism()
    throw new S3Error("InvalidArgument", "Unsupported Authorization Type", { ArgumentName: "Authorization" })
  }
  const fields = new Map(rest.join("").split(",").map(assignment))
  const [credential, signed, signature] = ["Credential", "SignedHeaders", "Signature"].map((name) => fields.get(name))
  if (!credential || !signed || !signature) throw malformed("Credential, SignedHeaders and Signature are needed")
  const timestamp = headers.get("x-amz-date") ?? basicDate(headers.get("date"))
  if (timestamp === undefined || instantOf(timestamp) === undefined)
    throw new S3Error("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
  const contentHash = headers.get("x-amz-content-sha256")
  if (contentHash === null) throw new S3Error("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
  const claim = { ...credentialOf(credential, malformed), signedHeaders: signed.split(";"), signature, timestamp, contentHash }
  return { ...claim, expiresSeconds: undefined }
}

function queryClaim({ headers }: SignedRequest, parameters: URLSearchParams): Claim {
  const get = (name: string) => {
    const [value, ...more] = parameters.getAll(name)
    if (value === undefined || value === "" || more.length > 0) throw badQuery(`${name} is needed, once`)
    return value
  }
  if (get("X-Amz-Algorithm") !== algorithm) throw badQuery(`X-Amz-Algorithm only supports "${algorithm}"`)
  const timestamp = get("X-Amz-Date")
  if (instantOf(timestamp) === undefined) throw badQuery("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
  const expires = get("X-Amz-Expires")
  const expiresSeconds = /^\d{1,9}$/.test(expires) ? Number(expires) : Number.NaN
  if (!(expiresSeconds >= 1 && expiresSeconds <= 604_800))
    throw badQuery("X-Amz-Expires must be a number from 1 to 604800, a week in seconds")
  const signedHeaders = get("X-Amz-SignedHeaders").split(";")
  const signedHash = signedHeaders.includes("x-amz-content-sha256") ? headers.get("x-amz-content-sha256") : null
  const contentHash = parameters.get("X-Amz-Content-Sha256") ?? signedHash ?? unsignedPayload
  const claim = { ...credentialOf(get("X-Amz-Credential"), badQuery), signedHeaders, signature: get("X-Amz-Signature") }
  return { ...claim, timestamp, contentHash, expiresSeconds }
}

function credentialOf(credential: string, fault: (message: string) => S3Error): Pick<Claim, "keyId" | "scope"> {
  const [keyId, date, region, service, end, ...more] = credential.split("/")
  if (!keyId || !date || !region || !service || end !== "aws4_request" || more.length > 0)
    throw fault('the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request"')
  if (service !== "s3") throw fault(`incorrect service "${service}". This endpoint belongs to "s3".`)
  return { keyId, scope: { text: `${date}/${region}/${service}/${end}`, date, region, service } }
}

/** Unix milliseconds of `YYYYMMDDTHHMMSSZ`, undefined for what is no such instant. */
export function instantOf(timestamp: string): number | undefined {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp) ?? []
  const [year, month, day, hour, minute, second] = parts.map(Number) as [number, number, number, number, number, number]
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  // The thirtieth of February is none.
  const isDay = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return isDay && hour < 24 && minute < 60 && second < 60 ? date.getTime() : undefined
}

/** An HTTP date (RFC 9110 section 5.6.7) or a basic ISO 8601 one, as the latter. */
function basicDate(date: string | null): string | undefined {
  if (date === null || /^\d{8}T/.test(date)) return date ?? undefined
  const instant = Date.parse(date)
  return Number.isNaN(instant) ? undefined : basic(instant)
}

const basic = (instant: number) => new Date(instant).toISOString().replace(/[-:]|\.\d+/g, "")

function assignment(field: string): [string, string] {
  const sign = field.indexOf("=")
  return [field.slice(0, sign).trim(), field.slice(sign + 1).trim()]
}

const malformed = (message: string) => new S3Error("AuthorizationHeaderMalformed", `The authorization header is malformed; ${message}`)

const badQuery = (message: string) => new S3Error("AuthorizationQueryParametersError", message)

const otherMechanism = () =>
  new S3Error(
    "InvalidRequest",
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256: only signature version 4 is spoken here.",
  )
