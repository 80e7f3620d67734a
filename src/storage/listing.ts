import type { UploadRow } from "../db/storage-schema"
import { compareKeys, successor } from "./key-order"
import type { Listed, ObjectStore } from "./object-store"
import type { UploadStore } from "./upload-store"

/** Where a listing goes on: after this key, or with it. */
export type Place = { key: string; including: boolean }

/** In a listing of versions also within those of a key: after the one with this row. */
export type VersionPlace = Place & { before?: number }

/** In a listing of uploads also within those of a key: after the one with this id. */
export type UploadPlace = Place & { afterId?: string }

export type ListQuery<P extends Place = Place> = {
  prefix: string
  /** Keys are rolled up into one entry up to where it is next found after the prefix; empty for no rolling up. */
  delimiter: string
  from: P
  limit: number
}

/** In the order of the keys' bytes; `next` is absent at the end. */
export type PageOf<T, P extends Place> = { objects: T[]; prefixes: string[]; next: P | Place | undefined }
export type Page = PageOf<Listed, Place>

/** One page of current objects. */
export const listPage = (store: ObjectStore, namespaceId: number, query: ListQuery): Promise<Page> =>
  rollUp(query, (from, end, limit) => store.current(namespaceId, from, end, limit), afterKey)

/** One page of all versions, those of a key by their age, the newest first. */
export const listVersions = (
  store: ObjectStore,
  namespaceId: number,
  query: ListQuery<VersionPlace>,
): Promise<PageOf<Listed, VersionPlace>> =>
  rollUp(
    query,
    (from, end, limit) => store.versions(namespaceId, from, end, limit),
    ({ key, id }) => ({ key, including: false, before: id }),
  )

/** One page of the uploads under way. */
export const listUploads = (
  store: UploadStore,
  namespaceId: number,
  query: ListQuery<UploadPlace>,
): Promise<PageOf<UploadRow, UploadPlace>> =>
  rollUp(
    query,
    (from, end, limit) => store.list(namespaceId, from, end, limit),
    ({ key, id }) => ({ key, including: false, afterId: id }),
  )

const afterKey = ({ key }: { key: string }): Place => ({ key, including: false })

/** One page of whatever is read in the order of keys. Of what is rolled up into a prefix only the first is read. */
async function rollUp<T extends { key: string }, P extends Place>(
  query: ListQuery<P>,
  read: (from: P | Place, end: string | undefined, limit: number) => Promise<T[]>,
  after: (item: T) => P,
): Promise<PageOf<T, P>> {
  const { prefix, delimiter, limit } = query
  const end = successor(prefix)
  const page: PageOf<T, P> = { objects: [], prefixes: [], next: undefined }
  let from: P | Place = isBehind(query.from, prefix) ? query.from : { key: prefix, including: true }
  let batch = delimiter === "" ? limit + 1 : 16
  for (;;) {
    const count = () => page.objects.length + page.prefixes.length
    const found = await read(from, end, batch)
    let hasJumped = false
    for (const object of found) {
      if (count() >= limit) return { ...page, next: from }
      const at = delimiter === "" ? -1 : object.key.indexOf(delimiter, prefix.length)
      if (at < 0) {
        page.objects.push(object)
        from = after(object)
        continue
      }
      const common = object.key.slice(0, at + delimiter.length)
      page.prefixes.push(common)
      const behind = successor(common)
      if (behind === undefined) return page
      from = { key: behind, including: true }
      hasJumped = true
      break
    }
    if (!hasJumped && found.length < batch) return page
    batch = hasJumped ? 16 : Math.min(limit + 1, batch * 4)
  }
}

/** Whether the place lies behind where a prefix begins. */
const isBehind = (place: Place, prefix: string) => compareKeys(place.key, prefix) >= 0
