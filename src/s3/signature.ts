import { timingSafeEqual } from "node:crypto"
import type { KnownKey } from "../storage/access-keys"
import { decodePath } from "./address"
import { S3Error } from "./errors"
import type { Caller } from "./model"
import { type Claim, claimOf, instantOf, signatureParameters, type SignedRequest, unsignedPayload } from "./signature-claim"

/**
 * AWS Signature Version 4 for Amazon S3 ("Authenticating Requests" of the S3 API reference): what the request claims, whose key that is, whether the
 * time is right, and whether the signature over the canonical request is the one that the key makes.
 *
 * What is not done, and why:
 * - Version 2 and 4A: no client of this decade needs the former, and the latter is for buckets in many regions.
 * - Temporary credentials: there is no service that would give them out. A security token is refused.
 * - POST with a policy in a form: a browser uploads with a presigned PUT.
 * - A header field that comes in several lines is signed as one line with `, ` between, as Bun hands it on, where the rule has `,`.
 * - A path that Bun rewrites (see `address.ts`) cannot match.
 * - Any region is taken, since there is one.
 */

export type { SignedRequest } from "./signature-claim"

/** What the signatures of chunks are made with; each covers the one before. */
export type ChunkKey = { key: Buffer; timestamp: string; scope: string; signature: string }

/** Who asks, and what they promise of the bytes that follow. */
export type Authentication = {
  /** Undefined for nobody. */
  caller: Caller | undefined
  /** What `x-amz-content-sha256` says, as it was signed. */
  contentHash: string
  /** Undefined for nobody. */
  chunkKey: ChunkKey | undefined
  /** Those of the request; of a presigned URL with the `x-amz-…` fields that its query has in their place. */
  headers: Headers
}

const skewMs = 15 * 60_000
const mostDerived = 1000

/** Checks who signed a request. */
export class Signatures {
  /** Signing keys by access key, day and region: one a day of each client. */
  private derived = new Map<string, { secret: string; key: Buffer }>()

  constructor(
    private keys: { find: (id: string) => Promise<KnownKey | undefined> },
    private now: () => number = Date.now,
  ) {}

  /** Throws S3's errors for a request whose signature is not one of a known key over just this request at about this time. */
  async authenticate(request: SignedRequest): Promise<Authentication> {
    const { headers } = request
    const parameters = new URLSearchParams(request.query)
    const claim = claimOf(request, parameters)
    if (claim === undefined) {
      const contentHash = headers.get("x-amz-content-sha256") ?? unsignedPayload
      return { caller: undefined, contentHash, chunkKey: undefined, headers }
    }
    checkTime(claim, this.now())
    checkSignedHeaders(claim, headers)
    const known = await this.keys.find(claim.keyId)
    if (known === undefined)
      throw new S3Error("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", {
        AWSAccessKeyId: claim.keyId,
      })
    const { contentHash, timestamp, scope, signature } = claim
    const canonical = canonicalRequest(request, parameters, claim)
    const text = `AWS4-HMAC-SHA256\n${timestamp}\n${scope.text}\n${sha256(canonical)}`
    const key = this.signingKey(known, claim)
    if (!isSignature(signature, sign(key, text))) throw mismatch(claim, text, canonical)
    return {
      caller: { personId: known.personId, keyId: known.id, scopes: known.scopes },
      contentHash,
      chunkKey: { key, timestamp, scope: scope.text, signature },
      headers: claim.expiresSeconds === undefined ? headers : withParameters(headers, parameters),
    }
  }

  private signingKey(known: KnownKey, { scope: { date, region, service } }: Claim): Buffer {
    const name = `${known.id}/${date}/${region}`
    const found = this.derived.get(name)
    if (found?.secret === known.secret) return found.key
    const key = ["aws4_request", service, region, date].reduceRight<Buffer | string>(
      (key, text) => hmac(key, text).digest(),
      `AWS4${known.secret}`,
    ) as Buffer
    for (const oldest of this.derived.keys()) {
      if (this.derived.size < mostDerived) break
      this.derived.delete(oldest)
    }
    this.derived.set(name, { secret: known.secret, key })
    return key
  }
}

const hmac = (key: Buffer | string, text: string) => new Bun.CryptoHasher("sha256", key).update(text)

/** Hexadecimal HMAC-SHA256 of a string to sign. */
export const sign = (key: Buffer, text: string): string => hmac(key, text).digest("hex")

export const sha256 = (text: string): string => new Bun.CryptoHasher("sha256").update(text).digest("hex")

/** Compares in a time that says nothing of where two signatures differ. */
export function isSignature(provided: string, expected: string): boolean {
  const [a, b] = [Buffer.from(provided), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function checkTime({ timestamp, expiresSeconds, scope }: Claim, now: number): void {
  if (!timestamp.startsWith(`${scope.date}T`))
    throw new S3Error("SignatureDoesNotMatch", `Invalid credential date "${scope.date}": the request is of ${timestamp}`)
  const at = instantOf(timestamp) ?? Number.NaN
  const server = () => new Date(now).toISOString()
  if (expiresSeconds === undefined) {
    if (!(Math.abs(now - at) <= skewMs))
      throw new S3Error("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", {
        RequestTime: timestamp,
        ServerTime: server(),
        MaxAllowedSkewMilliseconds: String(skewMs),
      })
    return
  }
  if (!(at - now <= skewMs)) throw new S3Error("AccessDenied", "Request is not valid yet", { ServerTime: server() })
  const end = at + expiresSeconds * 1000
  if (now >= end)
    throw new S3Error("AccessDenied", "Request has expired", {
      "X-Amz-Expires": String(expiresSeconds),
      Expires: new Date(end).toISOString(),
      ServerTime: server(),
    })
}

/** As Amazon does it: the host and every `x-amz-…` field but the hash of the content, which the canonical request has in any case. */
function checkSignedHeaders({ signedHeaders }: Claim, headers: Headers): void {
  const missing = signedHeaders.includes("host") ? [] : ["host"]
  for (const name of headers.keys())
    if (name.startsWith("x-amz-") && name !== "x-amz-content-sha256" && !signedHeaders.includes(name)) missing.push(name)
  if (missing.length > 0)
    throw new S3Error("AccessDenied", "There were headers present in the request which were not signed", {
      HeadersNotSigned: missing.join(", "),
    })
}

function canonicalRequest({ method, path, headers }: SignedRequest, parameters: URLSearchParams, claim: Claim): string {
  // Encoded anew, and once, whatever the client left as it was.
  const uri = encode(decodePath(path)).replaceAll("%2F", "/")
  const pairs = [...parameters].filter(([name]) => claim.expiresSeconds === undefined || name !== "X-Amz-Signature")
  const query = pairs.map(([name, value]) => [encode(name), encode(value)] as const).sort(byNameAndValue)
  const fields = claim.signedHeaders.map(
    (name) =>
      `${name}:${utf8(headers.get(name) ?? "")
        .replace(/[ \t]+/g, " ")
        .trim()}\n`,
  )
  return [
    method,
    uri,
    query.map(([name, value]) => `${name}=${value}`).join("&"),
    fields.join(""),
    claim.signedHeaders.join(";"),
    claim.contentHash,
  ].join("\n")
}

/** Bun hands a header field on byte for character; what was signed is UTF-8. */
const utf8 = (field: string) => Buffer.from(field, "latin1").toString()

/** RFC 3986: all but the unreserved characters. */
const encode = (text: string) => encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

type Pair = readonly [name: string, value: string]

const byNameAndValue = ([a, x]: Pair, [b, y]: Pair) => compare(a, b) || compare(x, y)

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** Clients that presign move fields into the query, where the signature covers them too. A field that was sent as one counts more. */
function withParameters(headers: Headers, parameters: URLSearchParams): Headers {
  const own = new Set(signatureParameters.map((name) => name.toLowerCase()))
  const all = new Headers(headers)
  for (const [name, value] of parameters) {
    const lower = name.toLowerCase()
    if (!lower.startsWith("x-amz-") || own.has(lower) || headers.has(lower)) continue
    if (!/^[\w-]+$/.test(lower) || /[\0\r\n]/.test(value)) throw new S3Error("InvalidArgument", `${name} cannot stand for a header field`)
    all.set(lower, Buffer.from(value).toString("latin1"))
  }
  return all
}

const mismatch = ({ keyId, signature }: Claim, text: string, canonical: string) =>
  new S3Error(
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    { AWSAccessKeyId: keyId, StringToSign: text, SignatureProvided: signature, CanonicalRequest: canonical },
  )
