import { expect, test } from "bun:test"
import { Signatures, type SignedRequest } from "./signature"
import { chunkedExample, codeOf, exampleKey, exampleSignatures, exampleTime, signedRequest, trailerExample } from "./signature.fixture"

const host = "https://examplebucket.s3.amazonaws.com"
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
const scope = `${exampleKey.id}/20130524/us-east-1/s3/aws4_request`
const authorization = (signedHeaders: string, signature: string, credential = scope) =>
  `AWS4-HMAC-SHA256 Credential=${credential},SignedHeaders=${signedHeaders},Signature=${signature}`

const plain = (signature: string, more = {}) => ({
  "x-amz-content-sha256": emptyHash,
  "x-amz-date": "20130524T000000Z",
  authorization: authorization("host;x-amz-content-sha256;x-amz-date", signature),
  ...more,
})

const ranged = (more = {}) =>
  plain("", {
    range: "bytes=0-9",
    authorization: authorization(
      "host;range;x-amz-content-sha256;x-amz-date",
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    ...more,
  })

const presigned = (more = "", signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404") =>
  `${host}/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(scope)}&X-Amz-Date=20130524T000000Z` +
  `&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=${signature}${more}`

const examples: [string, SignedRequest][] = [
  ["GET object", signedRequest("GET", `${host}/test.txt`, ranged())],
  [
    "PUT object",
    signedRequest("PUT", `${host}/test%24file.text`, {
      date: "Fri, 24 May 2013 00:00:00 GMT",
      "x-amz-date": "20130524T000000Z",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
      authorization: authorization(
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
      ),
    }),
  ],
  [
    "GET bucket lifecycle",
    signedRequest("GET", `${host}/?lifecycle`, plain("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")),
  ],
  [
    "list objects",
    signedRequest("GET", `${host}/?max-keys=2&prefix=J`, plain("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")),
  ],
  ["presigned GET", signedRequest("GET", presigned())],
  ["chunked upload", signedRequest("PUT", chunkedExample.url, chunkedExample.headers)],
  ["chunked upload with a trailer", signedRequest("PUT", trailerExample.url, trailerExample.headers)],
]

test.each(examples)("Amazon's published example is right: %s", async (_, request) => {
  const { caller } = await exampleSignatures().authenticate(request)
  expect(caller).toEqual({ personId: "p1", keyId: exampleKey.id, scopes: undefined })
})

test("what is not in normal form is brought into it", async () => {
  const { authenticate } = { authenticate: (request: SignedRequest) => exampleSignatures().authenticate(request) }
  const list = plain("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
  await authenticate(signedRequest("GET", `${host}/?prefix=%4A&max-keys=2`, list))
  await authenticate(signedRequest("GET", `${host}/%74est.txt`, ranged({ range: "  bytes=0-9  " })))
  const spaced = ranged().authorization.replaceAll(",", ", ").replace("SHA256 ", "SHA256   ")
  await authenticate(signedRequest("GET", `${host}/test.txt`, ranged({ authorization: spaced })))
})

test("chunks are signed by the same key and go on from the request's signature", async () => {
  const { chunkKey, contentHash } = await exampleSignatures().authenticate(signedRequest("PUT", chunkedExample.url, chunkedExample.headers))
  expect(contentHash).toBe("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
  expect(chunkKey?.signature).toStartWith("4f232c43")
  expect(chunkKey?.scope).toBe("20130524/us-east-1/s3/aws4_request")
})

test("nobody is nobody, and what they say of the content is handed on", async () => {
  const request = signedRequest("GET", `${host}/test.txt`)
  const { caller, contentHash, chunkKey } = await exampleSignatures().authenticate(request)
  expect([caller, contentHash, chunkKey]).toEqual([undefined, "UNSIGNED-PAYLOAD", undefined])
})

const good = signedRequest("GET", `${host}/test.txt`, ranged())

/** The example with one thing changed. */
const changed = (change: Partial<SignedRequest>, headers: Record<string, string | null> = {}): SignedRequest => {
  const all = new Headers(good.headers)
  for (const [name, value] of Object.entries(headers)) {
    if (value === null) all.delete(name)
    else all.set(name, value)
  }
  return { ...good, headers: all, ...change }
}
const withAuthorization = (from: string | RegExp, to: string) =>
  changed({}, { authorization: (good.headers.get("authorization") ?? "").replace(from, to) })

test.each<[string, SignedRequest, string]>([
  ["the method", changed({ method: "PUT" }), "SignatureDoesNotMatch"],
  ["the path", changed({ path: "/test.txt2" }), "SignatureDoesNotMatch"],
  ["the query", changed({ query: "acl" }), "SignatureDoesNotMatch"],
  ["the host", changed({}, { host: "other.s3.amazonaws.com" }), "SignatureDoesNotMatch"],
  ["a signed field", changed({}, { range: "bytes=0-8" }), "SignatureDoesNotMatch"],
  ["the hash of the content", changed({}, { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" }), "SignatureDoesNotMatch"],
  ["the time", changed({}, { "x-amz-date": "20130524T000001Z" }), "SignatureDoesNotMatch"],
  ["the day of the scope", withAuthorization("20130524", "20130523"), "SignatureDoesNotMatch"],
  ["the region", withAuthorization("us-east-1", "eu-west-1"), "SignatureDoesNotMatch"],
  ["the signature", withAuthorization("f0e8", "f0e9"), "SignatureDoesNotMatch"],
  ["the signature's length", withAuthorization("f0e8", "f0e"), "SignatureDoesNotMatch"],
  ["the signature's alphabet", withAuthorization("f0e8", "é0e8"), "SignatureDoesNotMatch"],
  ["the list of signed fields", withAuthorization("host;range;", "host;"), "SignatureDoesNotMatch"],
  ["the host left unsigned", withAuthorization("host;range;", "range;"), "AccessDenied"],
  ["a field of x-amz- put in", changed({}, { "x-amz-meta-a": "1" }), "AccessDenied"],
  ["an unknown key", withAuthorization("AKIA", "AKIB"), "InvalidAccessKeyId"],
  ["another service", withAuthorization("/s3/", "/ec2/"), "AuthorizationHeaderMalformed"],
  ["no end of the scope", withAuthorization("aws4_request", "aws5_request"), "AuthorizationHeaderMalformed"],
  ["a scope too long", withAuthorization("/s3/", "/s3/s3/"), "AuthorizationHeaderMalformed"],
  ["no signature", withAuthorization(/,Signature=.*/, ""), "AuthorizationHeaderMalformed"],
  ["nothing but the mechanism", changed({}, { authorization: "AWS4-HMAC-SHA256" }), "AuthorizationHeaderMalformed"],
  ["version 2", changed({}, { authorization: "AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=" }), "InvalidRequest"],
  ["version 4A", withAuthorization("HMAC", "ECDSA-P256"), "InvalidRequest"],
  ["version 2 in the query", signedRequest("GET", `${host}/a?AWSAccessKeyId=A&Expires=9999999999&Signature=x`), "InvalidRequest"],
  ["a bearer token", changed({}, { authorization: "Bearer x" }), "InvalidArgument"],
  ["two mechanisms", signedRequest("GET", presigned(), ranged()), "InvalidArgument"],
  ["a session", changed({}, { "x-amz-security-token": "t" }), "InvalidToken"],
  ["a session in the query", signedRequest("GET", presigned("&X-Amz-Security-Token=t")), "InvalidToken"],
  ["no hash of the content", changed({}, { "x-amz-content-sha256": null }), "InvalidRequest"],
  ["no time", changed({}, { "x-amz-date": null }), "AccessDenied"],
  ["a time that is none", changed({}, { "x-amz-date": "20130532T000000Z" }), "AccessDenied"],
  ["a path that is not UTF-8", changed({ path: "/%ff" }), "InvalidURI"],
  ["an extra parameter of a presigned URL", signedRequest("GET", presigned("&response-content-type=text/html")), "SignatureDoesNotMatch"],
  ["a signature twice", signedRequest("GET", presigned("&X-Amz-Signature=00")), "AuthorizationQueryParametersError"],
  ["a field of x-amz- beside a presigned URL", signedRequest("GET", presigned(), { "x-amz-acl": "public-read" }), "AccessDenied"],
  ["the lifetime", signedRequest("GET", presigned().replace("=86400", "=86401")), "SignatureDoesNotMatch"],
  ["a lifetime of more than a week", signedRequest("GET", presigned().replace("=86400", "=604801")), "AuthorizationQueryParametersError"],
  ["no lifetime", signedRequest("GET", presigned().replace("=86400", "=0")), "AuthorizationQueryParametersError"],
  ["a negative lifetime", signedRequest("GET", presigned().replace("=86400", "=-1")), "AuthorizationQueryParametersError"],
  ["another mechanism in the query", signedRequest("GET", presigned().replace("-SHA256", "-SHA1")), "AuthorizationQueryParametersError"],
  ["an unfinished URL", signedRequest("GET", presigned().replace(/&X-Amz-Date=[^&]*/, "")), "AuthorizationQueryParametersError"],
])("with %s changed it is refused", async (_, request, code) => {
  expect(await codeOf(() => exampleSignatures().authenticate(request))).toBe(code)
})

const minute = 60_000

test.each<[string, SignedRequest, number, string | undefined]>([
  ["a header of fifteen minutes ago", good, 15 * minute, undefined],
  ["a header of more than fifteen minutes ago", good, 15 * minute + 1, "RequestTimeTooSkewed"],
  ["a header of the next fifteen minutes", good, -15 * minute, undefined],
  ["a header of the future", good, -15 * minute - 1, "RequestTimeTooSkewed"],
  ["a URL in the last second", signedRequest("GET", presigned()), 86_400_000 - 1, undefined],
  ["a URL after its end", signedRequest("GET", presigned()), 86_400_000, "AccessDenied"],
  ["a URL of a clock that is fast", signedRequest("GET", presigned()), -15 * minute, undefined],
  ["a URL of the future", signedRequest("GET", presigned()), -15 * minute - 1, "AccessDenied"],
])("%s: the time decides", async (_, request, later, code) => {
  expect(await codeOf(() => exampleSignatures(exampleTime + later).authenticate(request))).toBe(code)
})

test("a mismatch says what was signed, so that a client can be put right", async () => {
  const fault = await exampleSignatures()
    .authenticate(changed({ method: "PUT" }))
    .catch((error) => error)
  expect(fault.extra.StringToSign).toStartWith("AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n")
  expect(fault.extra.CanonicalRequest).toStartWith("PUT\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\n")
  expect(JSON.stringify(fault.extra)).not.toContain(exampleKey.secret)
})

test("a key whose secret is another one now is asked for anew", async () => {
  let secret = exampleKey.secret
  const signatures = new Signatures({ find: async () => ({ ...exampleKey, secret }) }, () => exampleTime)
  await signatures.authenticate(good)
  secret = "another"
  expect(await codeOf(() => signatures.authenticate(good))).toBe("SignatureDoesNotMatch")
})

test("signing keys are kept for no more than a thousand scopes", async () => {
  const signatures = exampleSignatures()
  for (let i = 0; i < 1100; i++) await codeOf(() => signatures.authenticate(withAuthorization("us-east-1", `r${i}`)))
  expect((signatures as unknown as { derived: Map<string, unknown> }).derived.size).toBe(1000)
  await signatures.authenticate(good)
})
