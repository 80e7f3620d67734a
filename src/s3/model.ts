/** Scope path → actions; undefined grants all of the person's storage. */
export type Caller = { personId: string; keyId: string; scopes: Record<string, string[]> | undefined }

/** What a request names. Both undefined: the service itself. */
export type Address = { bucket: string | undefined; key: string | undefined }

/** A request as the door has read it: who asks for what, and the payload as it was meant, without its framing. */
export type S3Request = Address & {
  method: string
  /** Path as it came, for error documents. */
  resource: string
  query: URLSearchParams
  headers: Headers
  /** Undefined for nobody. */
  caller: Caller | undefined
  payload: Payload
  requestId: string
}

/**
 * The bytes of a request. Iterating it checks what the client promised of them (SHA-256, chunk signatures, checksums, Content-MD5, length) and throws
 * `S3Error` at the end when they are not so.
 */
export type Payload = {
  bytes: AsyncIterable<Uint8Array>
  /** Decoded size where the client announced it. */
  size: number | undefined
  /** What the client sent or announced as a checksum, once all bytes were read; undefined for none. */
  checksum: () => { algorithm: ChecksumAlgorithm; value: string } | undefined
  /** Which algorithm was announced (`x-amz-checksum-*`, `x-amz-trailer`, `x-amz-sdk-checksum-algorithm`). */
  algorithm: ChecksumAlgorithm | undefined
}

export type ChecksumAlgorithm = "CRC32" | "CRC32C" | "CRC64NVME" | "SHA1" | "SHA256"
