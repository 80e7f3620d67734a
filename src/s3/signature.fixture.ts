import { S3Error } from "./errors"
import { Signatures, type SignedRequest } from "./signature"
import { targetOf } from "./address"

/** The key of Amazon's published examples, and their time. */
export const exampleKey = {
  id: "AKIAIOSFODNN7EXAMPLE",
  personId: "p1",
  secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  scopes: undefined,
}
export const exampleTime = Date.UTC(2013, 4, 24)

export const exampleSignatures = (now = exampleTime) =>
  new Signatures({ find: async (id) => (id === exampleKey.id ? exampleKey : undefined) }, () => now)

/** A request as it came to a URL. */
export const signedRequest = (method: string, url: string, headers: Record<string, string> = {}): SignedRequest => ({
  method,
  ...targetOf(url),
  headers: new Headers({ host: /\/\/([^/?]+)/.exec(url)?.[1] ?? "", ...headers }),
})

/** The code that S3 knows a rejection by, undefined where there is none. */
export async function codeOf(run: () => unknown): Promise<string | undefined> {
  try {
    await run()
  } catch (error) {
    return error instanceof S3Error ? error.code : String(error)
  }
  return undefined
}

/** The framing of chunked uploads that Amazon's examples describe. */
export const chunkedExample = {
  url: "https://s3.amazonaws.com/examplebucket/chunkObject.txt",
  headers: {
    "x-amz-date": "20130524T000000Z",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
    "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "content-encoding": "aws-chunked",
    "x-amz-decoded-content-length": "66560",
    "content-length": "66824",
    authorization:
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
      "SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class," +
      "Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
  },
}

/** The same with a checksum at the end. */
export const trailerExample = {
  url: chunkedExample.url,
  headers: {
    "x-amz-date": "20130524T000000Z",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
    "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "x-amz-trailer": "x-amz-checksum-crc32c",
    "content-encoding": "aws-chunked",
    "x-amz-decoded-content-length": "66560",
    "content-length": "66946",
    authorization:
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
      "SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer," +
      "Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
  },
}
