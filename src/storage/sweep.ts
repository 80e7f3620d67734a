import type { Log } from "../log"
import type { Blobs } from "./blobs"
import type { ReferenceStore } from "./reference-store"

/** What one look at the disk found. */
export type Swept = { blobs: number; removed: number; missing: number }

const pageSize = 1000

/** Compares what lies on disk with what the store refers to: what nothing refers to is removed, what is missing is reported. */
export async function sweep(blobs: Blobs, references: ReferenceStore, log: Log, now: () => number, signal?: AbortSignal): Promise<Swept> {
  const swept: Swept = { blobs: 0, removed: 0, missing: 0 }
  for (let shard = 0; shard < 256; shard++) {
    if (signal?.aborted) return swept
    const name = shard.toString(16).padStart(2, "0")
    // The disk first: what is written in between is referred to when the store is asked.
    const present = new Set(blobs.names(name))
    const unknown = new Set(present)
    // "g" is behind every hexadecimal digit.
    for (let after = name, more = true; more;) {
      const page = await references.referenced(after, `${name}g`, pageSize)
      for (const { hash, size } of page) {
        swept.blobs++
        unknown.delete(hash)
        if (present.has(hash) || blobs.file(hash, size) !== undefined) continue
        // Removed since the page was read.
        if (!(await references.isReferenced(hash))) continue
        swept.missing++
        await reportFault(references, log, { hash, kind: "missing", detail: "the file is not on disk", foundAt: now() })
      }
      more = page.length === pageSize
      after = page.at(-1)?.hash ?? after
    }
    // What this process released itself may be about to be read: it goes when its time has come.
    for (const hash of unknown) if (!blobs.isReleased(hash) && (await blobs.removeUnreferenced(hash))) swept.removed++
    await Bun.sleep(0)
  }
  return swept
}

/** Puts a fault on record, and in the log when it is new, with the objects that it concerns. */
export async function reportFault(
  references: ReferenceStore,
  log: Log,
  fault: { hash: string; kind: "missing" | "damaged"; detail: string; foundAt: number },
): Promise<void> {
  if (!(await references.addFault(fault))) return
  const objects = await references.namesOf(fault.hash, 5)
  log.error("stored bytes are not whole", { hash: fault.hash, kind: fault.kind, detail: fault.detail, objects })
}
