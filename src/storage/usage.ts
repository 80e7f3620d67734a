import { AppError } from "../errors"
import type { Allowance } from "./allowance"
import type { FileEntry, Files, FolderEntry } from "./files"
import type { Namespace } from "./model"
import { namespaceReply, parseQuota, type NamespaceReply } from "./namespace-input"
import type { NamespaceStore } from "./namespace-store"
import type { ReferenceStore } from "./reference-store"

/** What a person has stored and may store; `quota_bytes` is null where nothing bounds it. */
export type UsageReply = { user_id: string; used_bytes: number; quota_bytes: number | null; namespaces: number; objects: number }

/** The same of one person for administrators; `own_quota_bytes` is what was set for this person alone, null where the setting's quota holds. */
export type PersonUsage = UsageReply & { username: string; own_quota_bytes: number | null }

export type FaultReply = {
  hash: string
  kind: "missing" | "damaged"
  detail: string
  found_at: number
  objects: { namespace: string; name: string; version_id: string }[]
}

/** One page of everybody's: so many, after a name. */
export type WholePage = { after: string; limit: number | undefined }

const shownObjects = 20

/** What is stored by whom: for the person, and of everybody for administrators. Names, sizes and faults; never bytes. */
export class Usage {
  constructor(
    private namespaces: NamespaceStore,
    private allowance: Allowance,
    private files: Files,
    private references: ReferenceStore,
  ) {}

  /** Throws `not_found` where there is no such person. */
  async of(personId: string): Promise<UsageReply> {
    if (!(await this.namespaces.hasPerson(personId))) throw new AppError("not_found", "user not found")
    const own = await this.namespaces.list(personId)
    const sum = (count: (namespace: Namespace) => number) => own.reduce((total, one) => total + count(one), 0)
    return {
      user_id: personId,
      used_bytes: sum(({ bytes }) => bytes),
      quota_bytes: (await this.allowance.quotaOf(personId)) ?? null,
      namespaces: own.length,
      objects: sum(({ objects }) => objects),
    }
  }

  /** Of everybody, by user name. */
  async ofAll(): Promise<PersonUsage[]> {
    const everybody = await this.namespaces.usageOfAll()
    return everybody.map(({ personId, username, ownBytes, namespaces, objects, bytes }) => ({
      user_id: personId,
      username,
      used_bytes: bytes,
      quota_bytes: this.allowance.inForce(ownBytes ?? undefined) ?? null,
      own_quota_bytes: ownBytes,
      namespaces,
      objects,
    }))
  }

  /** Null takes the person's own bound away: then the setting's holds. Throws `invalid` and `not_found`. */
  async setQuota(personId: string, { quota_bytes: raw }: Record<string, unknown>): Promise<UsageReply> {
    if (!(await this.namespaces.setQuota(personId, parseQuota(raw)))) throw new AppError("not_found", "user not found")
    return this.of(personId)
  }

  /** Everybody's namespaces by name. */
  async allNamespaces({ after, limit }: WholePage): Promise<NamespaceReply[]> {
    const rest = (await this.namespaces.list()).filter(({ name }) => name > after)
    return rest.slice(0, limit).map(namespaceReply)
  }

  /** Everybody's files by namespace and name, page by page; the place is `<namespace>/<name>`. */
  async *allFiles({ after, limit }: WholePage): AsyncGenerator<((FileEntry | FolderEntry) & { owner_id: string })[]> {
    const at = after.indexOf("/")
    const [first, name] = at < 0 ? [after, ""] : [after.slice(0, at), after.slice(at + 1)]
    let left = limit
    for (const namespace of await this.namespaces.list()) {
      if (namespace.name < first || left === 0) continue
      const query = { prefix: "", delimiter: "", after: namespace.name === first ? name : "", limit: left }
      for await (const page of this.files.pages(namespace, query)) {
        if (left !== undefined) left -= page.length
        yield page.map((entry) => Object.assign(entry, { owner_id: namespace.personId }))
      }
    }
  }

  /** What is known to be damaged or missing on disk, with the objects that it concerns. */
  async faults(): Promise<FaultReply[]> {
    const faults = await this.references.faults()
    return Promise.all(
      faults.map(async ({ hash, kind, detail, foundAt }) => {
        const objects = await this.references.namesOf(hash, shownObjects)
        const shown = objects.map(({ namespace, key, versionId }) => ({ namespace, name: key, version_id: versionId }))
        return { hash, kind, detail, found_at: Math.floor(foundAt / 1000), objects: shown }
      }),
    )
  }
}
