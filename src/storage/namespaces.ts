import { createHash } from "node:crypto"
import { AppError } from "../errors"
import { maxNamespaces, type Namespace, parseNamespaceName, type Visibility } from "./model"
import type { NamespaceChange, NamespaceStore } from "./namespace-store"
import type { Objects } from "./objects"
import type { Uploads } from "./uploads"

export type NamespacesNeeds = {
  store: NamespaceStore
  objects: Objects
  uploads: Uploads
  /** Waited for when one came or went: each has a hostname of its own. */
  onChanged?: () => Promise<void>
  now: () => number
}

/** What goes when a namespace is deleted; `digest` confirms that exactly this was seen. */
export type DeletionPreview = { name: string; objects: number; bytes: number; first_names: string[]; digest: string }

const purgeBatch = 500
const shownNames = 20

/** Namespaces: whose they are, who may see into them, and what goes with them. */
export class Namespaces {
  /** Being deleted: nothing is written into them any more. */
  private going = new Set<number>()

  constructor(private needs: NamespacesNeeds) {}

  list = (personId: string): Promise<Namespace[]> => this.needs.store.list(personId)

  /** Of everybody, for administrators. */
  all = (): Promise<Namespace[]> => this.needs.store.list()

  /** Throws `invalid`, and `conflict` where the name is taken: names are global. */
  async create(personId: string, rawName: unknown, visibility: Visibility = "private"): Promise<Namespace> {
    const name = parseNamespaceName(rawName)
    const { store, now } = this.needs
    if ((await store.count(personId)) >= maxNamespaces)
      throw new AppError("conflict", `no more than ${maxNamespaces} namespaces of one person`, { reason: "TooManyBuckets" })
    const made = await store.insert({ name, personId, visibility: visibility === "public" ? 1 : 0, createdAt: now() })
    if (made === undefined) throw new AppError("conflict", "namespace already exists")
    await this.needs.onChanged?.()
    return made
  }

  /** Undefined where there is none, and while it is being deleted. */
  async find(name: string): Promise<Namespace | undefined> {
    const found = await this.needs.store.find(name)
    return found === undefined || this.going.has(found.id) ? undefined : found
  }

  /** As a reader, who may be nobody: one's own, and public ones. Throws `unauthorized` for nobody, `not_found` for others: nothing tells a private one from none. */
  async readable(name: string, personId: string | undefined): Promise<Namespace> {
    const found = await this.find(name)
    if (found !== undefined && (found.visibility === "public" || found.personId === personId)) return found
    if (personId === undefined) throw new AppError("unauthorized", "unauthorized")
    throw noNamespace()
  }

  /** The namespace where everybody may read it. */
  async publicOne(name: string): Promise<Namespace | undefined> {
    const found = await this.needs.store.find(name)
    return found?.visibility === "public" ? found : undefined
  }

  /** As its owner. Throws `not_found`, and `forbidden` where everybody may know that it is there. */
  async owned(name: string, personId: string): Promise<Namespace> {
    const found = await this.find(name)
    if (found?.personId === personId) return found
    if (found?.visibility === "public") throw new AppError("forbidden", "forbidden: only the owner of the namespace may do this")
    throw noNamespace()
  }

  /** As it stands now. Throws `not_found` where it has gone meanwhile. */
  async current(namespace: Namespace): Promise<Namespace> {
    const found = await this.needs.store.get(namespace.id)
    if (found === undefined) throw noNamespace()
    return found
  }

  /** Throws `not_found` where it has gone meanwhile. */
  async update(namespace: Namespace, change: NamespaceChange): Promise<Namespace> {
    const changed = await this.needs.store.update(namespace.id, change)
    if (changed === undefined) throw noNamespace()
    return changed
  }

  async preview(namespace: Namespace): Promise<DeletionPreview> {
    const { objects, bytes, name } = namespace
    const from = { key: "", including: true }
    const page = await this.needs.objects.list(namespace, { prefix: "", delimiter: "", from, limit: shownNames })
    const firstNames = page.objects.map(({ key }) => key)
    const newest = await this.needs.objects.newestId(namespace)
    const digest = createHash("sha256")
      .update(JSON.stringify([namespace.id, objects, bytes, newest, firstNames]))
      .digest("hex")
      .slice(0, 16)
    return { name, objects, bytes, first_names: firstNames, digest }
  }

  /** Where nothing is in it. Throws `conflict` otherwise. */
  async deleteEmpty(namespace: Namespace): Promise<void> {
    if (!(await this.needs.store.delete(namespace.id)))
      throw new AppError("conflict", "the namespace is not empty: delete its objects, their versions and its uploads first", {
        reason: "BucketNotEmpty",
      })
    await this.needs.onChanged?.()
  }

  /**
   * With everything in it, in steps, so that others get their turn; begun again, it goes on. `check` may throw when nothing can be begun in it any more, and
   * nothing has gone yet.
   */
  async deleteWhole(namespace: Namespace, check: () => Promise<void> = async () => {}): Promise<void> {
    const { objects, uploads, store } = this.needs
    this.going.add(namespace.id)
    try {
      await check()
      // What was being written when this began may arrive between two steps.
      for (let isGone = false; !isGone; isGone = await store.delete(namespace.id)) {
        await uploads.abortAll(namespace)
        while ((await objects.purge(namespace, purgeBatch)) > 0) await Bun.sleep(0)
      }
    } finally {
      this.going.delete(namespace.id)
    }
    await this.needs.onChanged?.()
  }
}

const noNamespace = () => new AppError("not_found", "namespace does not exist", { reason: "NoSuchBucket" })
