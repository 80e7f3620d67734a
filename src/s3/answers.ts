import type { Checksum, Namespace, ObjectInfo } from "../storage/model"
import { buildXml, type XmlValue } from "./xml"

/** An XML document. */
export const xmlAnswer = (rootName: string, value: { [name: string]: XmlValue }, headers: Record<string, string> = {}): Response =>
  new Response(buildXml(rootName, value), { headers: { ...headers, "content-type": "application/xml" } })

export const emptyAnswer = (status: number, headers: Record<string, string> = {}): Response => new Response(null, { status, headers })

export const isoDate = (time: number): string => new Date(time).toISOString()
export const httpDate = (time: number): string => new Date(time).toUTCString()
export const quoted = (etag: string): string => `"${etag}"`

/** Owners have no other name than their id. */
export const ownerOf = (personId: string) => ({ ID: personId, DisplayName: personId })

/** Says which version was meant, in buckets that know versions. */
export const versionHeader = (bucket: Namespace, { versionId }: Pick<ObjectInfo, "versionId">): Record<string, string> =>
  bucket.versioning === "off" ? {} : { "x-amz-version-id": versionId }

export const checksumHeaders = (checksum: Checksum | undefined): Record<string, string> =>
  checksum === undefined
    ? {}
    : { [`x-amz-checksum-${checksum.algorithm.toLowerCase()}`]: checksum.value, "x-amz-checksum-type": checksum.type }

/** As elements of a document. */
export const checksumElements = (checksum: Checksum | undefined): Record<string, string> =>
  checksum === undefined ? {} : { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type }
