import type { Transaction } from "kysely"
import type { Db } from "../db/open"
import type { Schema } from "../db/schema"
import { AppError } from "../errors"
import type { Allowance } from "./allowance"
import type { Blobs } from "./blobs"
import type { Flusher } from "./flusher"
import { type ListQuery, listPage, listVersions, type Page, type PageOf, type VersionPlace } from "./listing"
import { column, type Namespace, type ObjectFacts, type ObjectInfo, parseKey, type Segment } from "./model"
import { NamespaceStore } from "./namespace-store"
import { type Listed, ObjectStore } from "./object-store"
import { type Deleted, makeRoom, removeCurrent, removeVersion, versionIdIn } from "./succession"

/** Looks at what stands under the key now, undefined for nothing, and throws where the writer does not want to write over that. */
export type Condition = (current: ObjectInfo | undefined) => void

export type Body = AsyncIterable<Uint8Array>

export type PutOptions = {
  facts?: ObjectFacts
  /** Asked when all bytes have come: what is known only then, or a throw that ends the write. */
  finish?: (written: { size: number; md5: string; hash: string }) => Partial<ObjectFacts>
  condition?: Condition
  /** Size that the client announced, so that what cannot fit is refused before it is sent. */
  announcedBytes?: number
}

/** What an object consists of when it is written under its key; `released` are hashes to which that ends a reference. */
export type Content = {
  size: number
  etag: string
  hash: string | undefined
  segments: Segment[]
  facts: ObjectFacts
  released?: string[]
}

/** What is to go; with a version id that version, for good. */
export type Removal = { key: string; versionId?: string; condition?: Condition }

/** `refused` is what its condition threw. */
export type Removed = { deleted?: Deleted; refused?: unknown }

export type ObjectsNeeds = {
  db: Db
  blobs: Blobs
  allowance: Allowance
  /** Brings the store's log to disk, so that what was answered outlives a power cut. */
  durable: Pick<Flusher, "flush">
  now: () => number
}

/** Objects of all namespaces and their versions: the one way in which any API family writes, reads and removes them. Who may, others decide. */
export class Objects {
  private store: ObjectStore

  constructor(private needs: ObjectsNeeds) {
    this.store = new ObjectStore(needs.db)
  }

  /** What stands under a key, or one version of it; delete markers too. */
  async find(namespace: Namespace, key: string, versionId?: string): Promise<ObjectInfo | undefined> {
    if (versionId !== undefined) return this.store.version(namespace.id, key, versionId)
    return this.store.latest(namespace.id, key)
  }

  /** The object as a reader sees it. Throws `not_found`. */
  async get(namespace: Namespace, key: string): Promise<ObjectInfo> {
    const found = await this.find(namespace, key)
    if (found === undefined || found.isDeleteMarker) throw new AppError("not_found", `file not found: ${key}`)
    return found
  }

  list = (namespace: Namespace, query: ListQuery): Promise<Page> => listPage(this.store, namespace.id, query)

  versions = (namespace: Namespace, query: ListQuery<VersionPlace>): Promise<PageOf<Listed, VersionPlace>> =>
    listVersions(this.store, namespace.id, query)

  /** Grows with each version that is written; 0 where none is. */
  newestId = (namespace: Namespace): Promise<number> => this.store.newestId(namespace.id)

  segments = (object: ObjectInfo) => this.store.segments(object.id)

  /** Writes an object, whole or not at all. Throws `invalid`, `out_of_space`, and what the condition, the body and `finish` throw. */
  async put(namespace: Namespace, key: string, body: Body, options: PutOptions = {}): Promise<ObjectInfo> {
    parseKey(key)
    const { condition, announcedBytes, finish } = options
    const latest = () => this.store.latest(namespace.id, key)
    if (condition !== undefined) {
      const current = await latest()
      condition(current?.isDeleteMarker ? undefined : current)
    }
    const freed = async () => (namespace.versioning === "off" ? ((await latest())?.size ?? 0) : 0)
    const watch = await this.needs.allowance.watch(namespace, freed)
    if (announcedBytes !== undefined) {
      watch(announcedBytes)
      this.needs.blobs.checkFloor(announcedBytes)
    }
    const draft = await this.needs.blobs.receive(body, watch)
    let facts: ObjectFacts
    try {
      facts = { ...options.facts, ...finish?.(draft) }
    } catch (error) {
      await this.needs.blobs.discard(draft)
      throw error
    }
    const content = { size: draft.size, etag: draft.md5, hash: draft.hash, segments: [], facts }
    return this.needs.blobs.keep([draft], () => this.write(namespace, key, async () => content, condition))
  }

  /** Writes under a key what another object has, without moving bytes. */
  async copy(source: ObjectInfo, namespace: Namespace, key: string, facts: ObjectFacts, condition?: Condition): Promise<ObjectInfo> {
    parseKey(key)
    const content = async (tx: Transaction<Schema>) => {
      const store = new ObjectStore(tx)
      const { hash, size, etag } = source
      const still = await store.version(source.namespaceId, source.key, source.versionId)
      if (still?.id !== source.id) throw new AppError("conflict", `${source.key} was changed while it was copied: try again`)
      return { hash, size, etag, segments: await store.segments(source.id), facts }
    }
    return this.write(namespace, key, content, condition)
  }

  /**
   * The transaction of every write. `content` is asked within it, and may do there what goes with the write. What the write replaces is released
   * when it has happened.
   */
  async write(
    namespace: Namespace,
    key: string,
    content: (tx: Transaction<Schema>) => Promise<Content>,
    condition?: Condition,
  ): Promise<ObjectInfo> {
    const { db, blobs, allowance, durable, now } = this.needs
    let released: string[] = []
    const info = await db.transaction().execute(async (tx) => {
      const [store, namespaces] = [new ObjectStore(tx), new NamespaceStore(tx)]
      const found = await namespaces.withQuota(namespace.id)
      if (found === undefined) throw new AppError("not_found", "namespace does not exist", { reason: "NoSuchBucket" })
      const here = found.namespace
      const current = await store.latest(here.id, key)
      condition?.(current?.isDeleteMarker ? undefined : current)
      const what = await content(tx)
      const versionId = versionIdIn(here)
      released = [...(await makeRoom(store, here, key, current, versionId)), ...(what.released ?? [])]
      const { facts } = what
      const made = await store.insert(
        {
          namespaceId: here.id,
          key,
          versionId,
          isLatest: 1,
          size: what.size,
          hash: what.hash ?? null,
          etag: what.etag,
          contentType: facts.contentType ?? "application/octet-stream",
          headers: column(facts.headers),
          tags: column(facts.tags),
          checksum: column(facts.checksum),
          createdAt: now(),
        },
        what.segments,
      )
      if (allowance.isBounded(found)) await allowance.check(here, namespaces)
      return made
    })
    blobs.release(released)
    await durable.flush()
    return info
  }

  /**
   * Removes an object, or one version of it; with versioning an object goes behind a delete marker. Undefined where there was nothing to do.
   * Throws what the condition throws.
   */
  async delete(namespace: Namespace, key: string, versionId?: string, condition?: Condition): Promise<Deleted | undefined> {
    const [done] = await this.deleteSeveral(namespace, [{ key, versionId, condition }])
    if (done?.refused !== undefined) throw done.refused
    return done?.deleted
  }

  /** The same for several, in their order and in one transaction; what a condition refuses does not hold up the others. */
  async deleteSeveral(namespace: Namespace, removals: Removal[]): Promise<Removed[]> {
    const released: string[] = []
    const done = await this.needs.db.transaction().execute(async (tx) => {
      const store = new ObjectStore(tx)
      const here = await new NamespaceStore(tx).get(namespace.id)
      if (here === undefined) throw new AppError("not_found", "namespace does not exist", { reason: "NoSuchBucket" })
      const results: Removed[] = []
      for (const removal of removals) results.push(await this.remove(store, here, removal, released))
      return results
    })
    this.needs.blobs.release(released)
    if (done.some(({ deleted }) => deleted !== undefined)) await this.needs.durable.flush()
    return done
  }

  private async remove(store: ObjectStore, here: Namespace, removal: Removal, released: string[]): Promise<Removed> {
    const { key, versionId, condition } = removal
    const current = await store.latest(here.id, key)
    try {
      condition?.(current?.isDeleteMarker ? undefined : current)
    } catch (refused) {
      return { refused }
    }
    if (versionId !== undefined) return { deleted: await removeVersion(store, here, key, versionId, released) }
    return { deleted: await removeCurrent(store, here, key, current, released, this.needs.now()) }
  }

  setTags = async (object: ObjectInfo, tags: Record<string, string>): Promise<void> => {
    await this.store.setTags(object.id, column(tags))
    await this.needs.durable.flush()
  }

  /** Removes up to `limit` versions of a namespace, whichever, for good. Answers how many went. */
  async purge(namespace: Namespace, limit: number): Promise<number> {
    const released: string[] = []
    const count = await this.needs.db.transaction().execute(async (tx) => {
      const store = new ObjectStore(tx)
      const some = await store.some(namespace.id, limit)
      for (const version of some) released.push(...(await store.delete(version)))
      return some.length
    })
    this.needs.blobs.release(released)
    return count
  }
}
