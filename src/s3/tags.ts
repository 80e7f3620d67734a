import { S3Error } from "./errors"
import { elementOf, elementsOf, textOf, type XmlElement, type XmlValue } from "./xml"

export type Tags = Record<string, string>

export const maxObjectTags = 10
export const maxBucketTags = 50

/** Tags as a `Tagging` document has them. Throws InvalidTag, MalformedXML. */
export function tagsOf(document: XmlElement, most: number): Tags {
  const set = elementOf(document, "TagSet")
  if (set === undefined) throw new S3Error("MalformedXML", "The XML you provided has no TagSet")
  return checked(
    elementsOf(set, "Tag").map((tag) => [textOf(tag, "Key") ?? "", textOf(tag, "Value") ?? ""]),
    most,
  )
}

/** Tags as the header field `x-amz-tagging` has them: like a query. Throws InvalidTag. */
export function tagsOfHeader(text: string): Tags {
  return checked([...new URLSearchParams(text)], maxObjectTags)
}

function checked(pairs: [string, string][], most: number): Tags {
  if (pairs.length > most) throw new S3Error("InvalidTag", `Tags cannot be more than ${most}`)
  const tags: Tags = {}
  for (const [key, value] of pairs) {
    if (key === "" || key.length > 128) throw new S3Error("InvalidTag", "The TagKey you have provided is invalid: 1 to 128 characters")
    if (value.length > 256) throw new S3Error("InvalidTag", "The TagValue you have provided is invalid: at most 256 characters")
    if (Object.hasOwn(tags, key)) throw new S3Error("InvalidTag", "Cannot provide multiple Tags with the same key")
    Object.defineProperty(tags, key, { value, enumerable: true, configurable: true, writable: true })
  }
  return tags
}

/** As the inside of a `Tagging` document. */
export const tagSet = (tags: Tags): { [name: string]: XmlValue } => ({
  TagSet: { Tag: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) },
})
