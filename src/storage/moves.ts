import type { Transaction } from "kysely"
import type { Schema } from "../db/schema"
import { AppError } from "../errors"
import { column, type Namespace, type ObjectInfo, parseKey } from "./model"
import { NamespaceStore } from "./namespace-store"
import { ObjectStore } from "./object-store"
import type { Condition, ObjectsNeeds } from "./objects"
import { makeRoom, removeCurrent, versionIdIn } from "./succession"

/*
 * A file, or all below a prefix, under another name or in another namespace. Bytes lie by their hash, so a move is of rows alone, and each step is one
 * transaction: a file, and a folder of up to `stepFiles`, is moved whole or not at all. Of a larger one the first so many files by name go with each
 * step; asked again, the same move goes on, for what was moved is not there any more.
 *
 * A move is what S3 clients do by CopyObject and DeleteObject. Where versions are kept, the old name keeps those it had and ends with a delete marker,
 * and the new name gets one more; both count towards quotas. Signed links and uploads under way are of the name and do not go along.
 */

/** A name, or a prefix that ends with a slash; empty for all of the namespace. */
export type MovePlace = { namespace: Namespace; name: string }

export type MoveOptions = {
  /** Whether what stands under the new name may be replaced. */
  overwrite: boolean
  /** Looks at the file that is to be moved; for a file alone. */
  condition?: Condition | undefined
}

/** `remaining` files are not moved yet: the same move goes on with them. */
export type Moved = { moved: number; bytes: number; remaining: number }

/** So many go in one transaction, which others wait for. */
export const stepFiles = 1000

export class Moves {
  constructor(
    private needs: ObjectsNeeds,
    private most = stepFiles,
  ) {}

  /** Throws `not_found`, `conflict` naming the file that is in the way, `out_of_space`, `invalid` and what the condition throws. */
  async file(from: MovePlace, to: MovePlace, { overwrite, condition }: MoveOptions): Promise<Moved> {
    parseKey(to.name)
    if (isSame(from, to)) throw new AppError("invalid", `to_name: ${to.name} is where it is already`)
    return this.step(from, to, async (step) => {
      const source = await step.store.latest(step.from.id, from.name)
      if (source === undefined || source.isDeleteMarker) throw new AppError("not_found", `file not found: ${from.name}`)
      condition?.(source)
      await this.move(step, source, to.name, overwrite)
      return { moved: 1, bytes: source.size, remaining: 0 }
    })
  }

  /** The next step of a folder's move; what is in the way is found before the first. Throws as `file` does. */
  async folder(from: MovePlace, to: MovePlace, { overwrite }: MoveOptions): Promise<Moved> {
    if (isSame(from, to)) throw new AppError("invalid", `to_name: ${to.name} is where it is already`)
    if (from.namespace.id === to.namespace.id && to.name.startsWith(from.name))
      throw new AppError("invalid", `to_name: ${to.name} lies in ${from.name}, and a folder cannot be moved into itself`)
    return this.step(from, to, async (step) => {
      const { store } = step
      const total = await store.totalUnder(step.from.id, from.name)
      if (total.objects === 0) throw new AppError("not_found", `file not found: nothing begins with ${from.name}`)
      await this.checkNames(step, from, to, overwrite)
      const sources = await store.under(step.from.id, from.name, this.most)
      let bytes = 0
      for (const source of sources) {
        await this.move(step, source, to.name + source.key.slice(from.name.length), overwrite)
        bytes += source.size
      }
      return { moved: sources.length, bytes, remaining: total.objects - sources.length }
    })
  }

  /** Whether all of a folder may go there, so that no step fails for what the first could have known. */
  private async checkNames(
    { store, from: { id }, to: { id: toId } }: Step,
    from: MovePlace,
    to: MovePlace,
    overwrite: boolean,
  ): Promise<void> {
    if ((await store.longestMoved(id, from.name, to.name)) > 1024)
      throw new AppError("invalid", "to_name: a name in the folder would be longer than 1024 bytes")
    if (id === toId && from.name.startsWith(to.name)) {
      // One folder up, what is called as the folder itself would land among what is still to be moved.
      const own = from.name + from.name.slice(to.name.length)
      const [within] = await store.under(id, own, 1)
      if (within !== undefined)
        throw new AppError("conflict", `${within.key} would land within the folder that is moved: move ${own} to another name first`)
    }
    const taken = overwrite ? undefined : await store.firstTaken(id, from.name, { namespaceId: toId, prefix: to.name })
    if (taken !== undefined) throw alreadyThere(taken)
  }

  private async move({ store, from, to, released }: Step, source: ObjectInfo, key: string, overwrite: boolean): Promise<void> {
    const now = this.needs.now()
    const current = await store.latest(to.id, key)
    if (current !== undefined && !current.isDeleteMarker && !overwrite) throw alreadyThere(key)
    const versionId = versionIdIn(to)
    released.push(...(await makeRoom(store, to, key, current, versionId)))
    // A new name makes a file no younger, but where its age says when it, or the version before it, is to go.
    const keepsAge = from.id === to.id && to.versioning === "off" && to.lifecycle === null
    const { isLatest: _, id, hash, headers, tags, checksum, createdAt, ...rest } = source
    const segments = hash === undefined ? await store.segments(id) : []
    await store.insert(
      {
        ...rest,
        namespaceId: to.id,
        key,
        versionId,
        isLatest: 1,
        isDeleteMarker: 0,
        hash: hash ?? null,
        headers: column(headers),
        tags: column(tags),
        checksum: column(checksum),
        createdAt: keepsAge ? createdAt : now,
      },
      segments,
    )
    await removeCurrent(store, from, source.key, source, released, now)
  }

  private async step(from: MovePlace, to: MovePlace, work: (step: Step) => Promise<Moved>): Promise<Moved> {
    const { db, blobs, allowance, durable } = this.needs
    const released: string[] = []
    const moved = await db.transaction().execute(async (tx: Transaction<Schema>) => {
      const namespaces = new NamespaceStore(tx)
      const [source, target] = [await namespaces.get(from.namespace.id), await namespaces.withQuota(to.namespace.id)]
      if (source === undefined || target === undefined)
        throw new AppError("not_found", "namespace does not exist", { reason: "NoSuchBucket" })
      const done = await work({ store: new ObjectStore(tx), from: source, to: target.namespace, released })
      if (allowance.isBounded(target)) await allowance.check(target.namespace, namespaces)
      return done
    })
    blobs.release(released)
    await durable.flush()
    return moved
  }
}

/** What a transaction works with; both namespaces as they are in it. */
type Step = { store: ObjectStore; from: Namespace; to: Namespace; released: string[] }

const isSame = (a: MovePlace, b: MovePlace) => a.namespace.id === b.namespace.id && a.name === b.name

const alreadyThere = (key: string) => new AppError("conflict", `file already exists: ${key}`)
