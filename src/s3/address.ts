import { S3Error } from "./errors"
import type { Address } from "./model"

/**
 * What a request names. Path style is `/bucket/key`, virtual-host style `/key` at `<bucket>.s3.<base>`.
 *
 * What is not done:
 * - Dot segments. A key may be `a/../b`, and here it is never resolved; but Bun's server (1.4.5, tried with a raw socket) hands on
 *   `GET /b/a/../c` as `/b/c`, `/b/%2e%2e/c` as `/c` and `\` as `/`, and tells nobody what came. So with `request.url` such a key cannot be reached,
 *   and a signed request for it ends in SignatureDoesNotMatch: whoever has the path as it came hands on that.
 * - Access points, website hosts and the like, which are other host names of Amazon's.
 */

/** Which bucket a host name is, undefined for a host of the service itself, null for a host that is none of the door's. */
export type S3Hosts = (host: string) => string | undefined | null

/**
 * `host` is the field as it came, `path` without the query, percent-encoded. Throws InvalidURI for what is not UTF-8, and InvalidRequest for a host
 * that is none of the door's.
 */
export function addressOf(host: string, path: string, s3Hosts: S3Hosts): Address {
  const bucket = s3Hosts(host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, ""))
  if (bucket === null) throw new S3Error("InvalidRequest", `${host} is no host of this service`)
  const rest = decodePath(path).slice(1)
  if (bucket !== undefined) return { bucket, key: rest || undefined }
  const slash = rest.indexOf("/")
  if (slash === -1) return { bucket: rest || undefined, key: undefined }
  // `//key` names no bucket, which the service itself must not answer for.
  if (slash === 0) throw new S3Error("InvalidBucketName", "The specified bucket is not valid.")
  return { bucket: rest.slice(0, slash), key: rest.slice(slash + 1) || undefined }
}

/** A path as it was meant, RFC 3986 section 2.1, with every slash and dot that it has. Throws InvalidURI for what is not UTF-8. */
export function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw new S3Error("InvalidURI", "Couldn't parse the specified URI.")
  }
}

/** Path and query of a URL as they stand in it; `new URL` would take them apart and put them together in its own way. */
export function targetOf(url: string): { path: string; query: string } {
  const [, path = "", query = ""] = /^[^:/?#]+:\/\/[^/?#]*([^?#]*)\??([^#]*)/.exec(url) ?? []
  return { path: path || "/", query }
}
