import { AppError } from "../errors"
import type { Namespace } from "./model"
import type { NamespaceStore } from "./namespace-store"

/** How much may be written: quotas of the namespace and of its owner, which count every version and every part of an upload. */
export class Allowance {
  /** `defaultBytes` is what a person has without a bound of their own; 0 for no bound. */
  constructor(
    private namespaces: NamespaceStore,
    private defaultBytes: () => number,
  ) {}

  /** Undefined for no bound. */
  async quotaOf(personId: string): Promise<number | undefined> {
    return this.inForce(await this.namespaces.quotaOf(personId))
  }

  /** What bounds a person with this bound of their own, or with none. */
  inForce = (own: number | undefined): number | undefined => own ?? (this.defaultBytes() || undefined)

  /**
   * What to call with the size so far while bytes come in: throws `out_of_space` as soon as they cannot fit. `freed` bytes go when they are there; it
   * is asked where anything is bounded.
   */
  async watch(namespace: Namespace, freed: () => Promise<number> = async () => 0): Promise<(size: number) => void> {
    const bounds = await this.bounds(namespace, this.namespaces)
    const gone = bounds.length > 0 ? await freed() : 0
    return (size) => {
      const met = bounds.find(({ most, used }) => used - gone + size > most)
      if (met !== undefined) throw over(met)
    }
  }

  /** Decides at the end, within the transaction that wrote: throws `out_of_space`, which undoes it. `namespaces` is of that transaction. */
  async check(namespace: Namespace, namespaces: NamespaceStore): Promise<void> {
    const met = (await this.bounds(namespace, namespaces)).find(({ most, used }) => used > most)
    if (met !== undefined) throw over(met)
  }

  /** Whether anything bounds what is written there, so that `check` has something to say. */
  isBounded = ({ namespace, personBytes }: { namespace: Namespace; personBytes: number | undefined }): boolean =>
    namespace.quotaBytes !== undefined || personBytes !== undefined || this.defaultBytes() > 0

  private async bounds({ id, personId }: Namespace, namespaces: NamespaceStore): Promise<Bound[]> {
    const bounds: Bound[] = []
    const found = await namespaces.withQuota(id)
    const now = found?.namespace
    if (now?.quotaBytes !== undefined) bounds.push({ of: `the namespace ${now.name}`, most: now.quotaBytes, used: now.bytes })
    const quota = this.inForce(found?.personBytes)
    if (quota !== undefined) bounds.push({ of: "its owner", most: quota, used: await namespaces.bytesOf(personId) })
    return bounds
  }
}

type Bound = { of: string; most: number; used: number }

const over = ({ of, most }: Bound) =>
  new AppError("out_of_space", `quota reached: ${of} may have ${most} bytes, with all versions and unfinished uploads`, {
    reason: "QuotaExceeded",
  })
