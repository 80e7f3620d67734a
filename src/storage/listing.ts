import type { ObjectStore } from "./object-store"
import type { Listed } from "./object-store"

/** Where a listing goes on: after this key, or with it. */
export type Place = { key: string; including: boolean }

export type ListQuery = {
  prefix: string
  /** Keys are rolled up into one entry up to where it is next found after the prefix; empty for no rolling up. */
  delimiter: string
  from: Place
  limit: number
}

/** In the order of the keys' bytes; `next` is absent at the end. */
export type Page = { objects: Listed[]; prefixes: string[]; next: Place | undefined }

/** One page of current objects. Of what is rolled up into a prefix only the first object is read. */
export async function listPage(store: ObjectStore, namespaceId: number, query: ListQuery): Promise<Page> {
  const { prefix, delimiter, limit } = query
  const end = successor(prefix)
  const page: Page = { objects: [], prefixes: [], next: undefined }
  let from = comparePlaces(query.from, prefix) ? query.from : { key: prefix, including: true }
  let batch = delimiter === "" ? limit + 1 : 16
  for (;;) {
    const count = () => page.objects.length + page.prefixes.length
    const found = await store.current(namespaceId, from, end, batch)
    let hasJumped = false
    for (const object of found) {
      if (count() >= limit) return { ...page, next: from }
      const at = delimiter === "" ? -1 : object.key.indexOf(delimiter, prefix.length)
      if (at < 0) {
        page.objects.push(object)
        from = { key: object.key, including: false }
        continue
      }
      const common = object.key.slice(0, at + delimiter.length)
      page.prefixes.push(common)
      const after = successor(common)
      if (after === undefined) return page
      from = { key: after, including: true }
      hasJumped = true
      break
    }
    if (!hasJumped && found.length < batch) return page
    batch = hasJumped ? 16 : Math.min(limit + 1, batch * 4)
  }
}

/** Whether the place lies behind where a prefix begins. */
const comparePlaces = (place: Place, prefix: string) => compareKeys(place.key, prefix) >= 0

/** The order of S3 and of the store: that of the bytes of UTF-8, which is that of code points. */
export const compareKeys = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** The least text that is behind everything that begins with this; undefined where there is none. */
export function successor(text: string): string | undefined {
  const points = Array.from(text)
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0) ?? 0
    if (point < 0x10ffff) return points.join("") + String.fromCodePoint(point + 1 === 0xd800 ? 0xe000 : point + 1)
  }
  return undefined
}
