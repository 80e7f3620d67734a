import { randomBytes } from "node:crypto"
import type { Namespace, ObjectInfo } from "./model"
import type { ObjectStore } from "./object-store"

/* How the versions of a key follow each other, within the transaction of whoever writes or removes. Each answers, or adds to `released`, the hashes to
 * which it ended a reference; what is no longer referred to goes when the transaction is done. */

export type Deleted = { versionId: string; isDeleteMarker: boolean }

/** What the next version is called: `null`, as text, without versioning; else 32 hexadecimal characters, which nobody can guess. */
export const versionIdIn = ({ versioning }: Namespace): string => (versioning === "enabled" ? randomBytes(16).toString("hex") : "null")

/** Makes room for a version: takes the mark from the newest, and removes what the new one stands in place of. Answers the hashes that went. */
export async function makeRoom(
  store: ObjectStore,
  namespace: Namespace,
  key: string,
  current: ObjectInfo | undefined,
  versionId: string,
): Promise<string[]> {
  if (current === undefined) return []
  if (versionId !== "null") {
    await store.mark(current.id, false)
    return []
  }
  const replaced = current.versionId === "null" ? current : await store.version(namespace.id, key, "null")
  if (replaced?.id !== current.id) await store.mark(current.id, false)
  return replaced === undefined ? [] : store.delete(replaced)
}

/** Removes what stands under a key; with versioning it goes behind a delete marker. Undefined where there was nothing to do. */
export async function removeCurrent(
  store: ObjectStore,
  here: Namespace,
  key: string,
  current: ObjectInfo | undefined,
  released: string[],
  now: number,
): Promise<Deleted | undefined> {
  if (here.versioning === "off") {
    if (current === undefined) return undefined
    released.push(...(await store.delete(current)))
    return { versionId: "null", isDeleteMarker: false }
  }
  const versionId = versionIdIn(here)
  released.push(...(await makeRoom(store, here, key, current, versionId)))
  const nothing = { hash: null, headers: null, tags: null, checksum: null, etag: "", contentType: "", size: 0 }
  await store.insert({ ...nothing, namespaceId: here.id, key, versionId, isLatest: 1, isDeleteMarker: 1, createdAt: now }, [])
  return { versionId, isDeleteMarker: true }
}

/** Removes one version for good; the one before it is the newest then. Undefined where there is none. */
export async function removeVersion(
  store: ObjectStore,
  namespace: Namespace,
  key: string,
  versionId: string,
  released: string[],
): Promise<Deleted | undefined> {
  const version = await store.version(namespace.id, key, versionId)
  if (version === undefined) return undefined
  released.push(...(await store.delete(version)))
  if (version.isLatest) {
    const newest = await store.newest(namespace.id, key)
    if (newest !== undefined) await store.mark(newest.id, true)
  }
  return { versionId, isDeleteMarker: version.isDeleteMarker }
}
