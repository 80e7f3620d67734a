import type { Place, VersionPlace } from "../storage/listing"
import type { Namespace, ObjectInfo } from "../storage/model"
import type { Listed } from "../storage/object-store"
import type { Removal } from "../storage/objects"
import type { LifecycleRule } from "./lifecycle-rules"
import type { S3Needs } from "./needs"

type Needs = Pick<S3Needs, "namespaceStore" | "objects" | "uploads" | "log">

export type LifecycleDone = { removed: number; aborted: number }

const dayMs = 86_400_000
const pageSize = 500
const batchSize = 100

/** One pass over all buckets that have rules: what has expired goes. In steps, so that others get their turn; ends early when it is told to. */
export async function applyLifecycle(needs: Needs, now: number, signal?: AbortSignal): Promise<LifecycleDone> {
  const done: LifecycleDone = { removed: 0, aborted: 0 }
  for (const namespace of await needs.namespaceStore.list()) {
    if (namespace.lifecycle === null) continue
    const rules = (JSON.parse(namespace.lifecycle) as LifecycleRule[]).filter(({ isEnabled }) => isEnabled)
    const removed = await new Pass(needs, namespace, rules, now, signal).run()
    const aborted = await abortUploads(needs, namespace, rules, now, signal)
    done.removed += removed
    done.aborted += aborted
    if (removed + aborted > 0) needs.log.info("expired objects were removed", { namespace: namespace.name, removed, aborted })
    if (signal?.aborted) break
  }
  return done
}

/** As S3 counts days: until the midnight, UTC, after so many have passed. */
const isDue = (since: number, days: number, now: number) => now >= Math.ceil((since + days * dayMs) / dayMs) * dayMs

/** All versions of one bucket, by key and the newest first. */
class Pass {
  private removed = 0
  private due: Removal[] = []
  /** Of the key that is looked at: when what stands before the next version was written, and how many of those were noncurrent. */
  private at = { key: "", newerAt: 0, noncurrent: 0 }
  /** A delete marker that is the newest of its key; whether anything is behind it, the next version tells. */
  private marker: Listed | undefined

  constructor(
    private needs: Needs,
    private namespace: Namespace,
    private rules: LifecycleRule[],
    private now: number,
    private signal: AbortSignal | undefined,
  ) {}

  /** Answers how many went. */
  async run(): Promise<number> {
    const rules = this.rules.filter((rule) => rule.expireDays ?? rule.expireAt ?? rule.expireMarkers ?? rule.noncurrentDays)
    const prefix = commonPrefix(rules.map((rule) => rule.prefix))
    let from: Place | VersionPlace | undefined = rules.length === 0 ? undefined : { key: "", including: true }
    while (from !== undefined && !this.signal?.aborted) {
      const page = await this.needs.objects.versions(this.namespace, { prefix, delimiter: "", from, limit: pageSize })
      for (const version of page.objects) await this.look(version)
      from = page.next as Place | VersionPlace | undefined
      if (from === undefined) await this.endOfKey()
      await this.remove(from === undefined ? 1 : batchSize)
      await Bun.sleep(0)
    }
    return this.removed
  }

  private async look(version: Listed): Promise<void> {
    if (version.key === this.at.key) this.marker = undefined
    else {
      await this.endOfKey()
      this.at = { key: version.key, newerAt: 0, noncurrent: 0 }
    }
    const { key, versionId, id } = version
    if (!version.isLatest) {
      if (await this.hasRule(version, (rule) => this.isOld(rule)))
        this.due.push({ key, versionId, condition: (current) => current?.id === id && skip() })
      this.at.noncurrent++
    } else if (version.isDeleteMarker) this.marker = version
    else if (await this.hasRule(version, (rule) => this.isExpired(rule, version)))
      this.due.push({ key, condition: (current) => current?.id !== id && skip() })
    this.at.newerAt = version.createdAt
  }

  private async endOfKey(): Promise<void> {
    const { marker } = this
    this.marker = undefined
    if (marker === undefined) return
    if (await this.hasRule(marker, (rule) => rule.expireMarkers === true || this.isExpired(rule, marker)))
      this.due.push({ key: marker.key, versionId: marker.versionId, condition: (current) => current !== undefined && skip() })
  }

  private isExpired({ expireDays, expireAt }: LifecycleRule, { createdAt }: Listed): boolean {
    return (expireDays !== undefined && isDue(createdAt, expireDays, this.now)) || (expireAt !== undefined && this.now >= expireAt)
  }

  private isOld({ noncurrentDays, keepNoncurrent = 0 }: LifecycleRule): boolean {
    return noncurrentDays !== undefined && this.at.noncurrent >= keepNoncurrent && isDue(this.at.newerAt, noncurrentDays, this.now)
  }

  private async hasRule(version: Listed, isMet: (rule: LifecycleRule) => boolean): Promise<boolean> {
    const met = this.rules.filter((rule) => isMet(rule) && isWithin(rule, version))
    if (met.length === 0 || met.some(({ tags }) => Object.keys(tags).length === 0)) return met.length > 0
    const tags = (await this.needs.objects.find(this.namespace, version.key, version.versionId))?.tags
    return tags !== undefined && met.some((rule) => hasTags(rule, tags))
  }

  /** Removes what is due, once that many are. */
  private async remove(least: number): Promise<void> {
    while (this.due.length >= least && this.due.length > 0) {
      const done = await this.needs.objects.deleteSeveral(this.namespace, this.due.splice(0, batchSize))
      this.removed += done.filter(({ deleted }) => deleted !== undefined).length
    }
  }
}

/** Something came in between: the next pass decides anew. */
function skip(): never {
  throw new Error("changed meanwhile")
}

const isWithin = (
  { prefix, moreThanBytes = -1, lessThanBytes = Number.POSITIVE_INFINITY, tags }: LifecycleRule,
  version: Listed,
): boolean =>
  version.key.startsWith(prefix) &&
  version.size > moreThanBytes &&
  version.size < lessThanBytes &&
  !(version.isDeleteMarker && Object.keys(tags).length > 0)

const hasTags = (rule: LifecycleRule, tags: ObjectInfo["tags"]): boolean =>
  Object.entries(rule.tags).every(([key, value]) => tags[key] === value)

async function abortUploads(
  needs: Needs,
  namespace: Namespace,
  rules: LifecycleRule[],
  now: number,
  signal?: AbortSignal,
): Promise<number> {
  let aborted = 0
  for (const { prefix, abortDays } of rules) {
    if (abortDays === undefined) continue
    for (let from: Place | undefined = { key: "", including: true }; from !== undefined;) {
      if (signal?.aborted) return aborted
      const page = await needs.uploads.list(namespace, { prefix, delimiter: "", from, limit: pageSize })
      for (const upload of page.objects) if (isDue(upload.createdAt, abortDays, now) && (await needs.uploads.abort(upload))) aborted++
      from = page.next
    }
  }
  return aborted
}

function commonPrefix(prefixes: string[]): string {
  const [first = [], ...rest] = prefixes.map((prefix) => Array.from(prefix))
  const length = first.findIndex((char, i) => rest.some((prefix) => prefix[i] !== char))
  return (length < 0 ? first : first.slice(0, length)).join("")
}
