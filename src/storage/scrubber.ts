import { statSync } from "node:fs"
import type { StorageScrubRow } from "../db/storage-schema"
import type { Log } from "../log"
import type { Blobs } from "./blobs"
import type { ReferenceStore } from "./reference-store"
import { reportFault } from "./sweep"

export type ScrubberNeeds = {
  blobs: Blobs
  references: ReferenceStore
  /** Bytes a second that are read; a smaller file counts as 64 KiB. */
  rate: () => number
  /** From the start of one reading to the start of the next. */
  intervalMs: () => number
  log: Log
  now: () => number
}

const chunkBytes = 256 * 1024
/** What a file counts at least: looking one up takes as long as reading so much, and a core would be busy with a thousand small ones a second. */
const leastBytes = 64 * 1024
const pageSize = 100
const saveEveryMs = 5000

/** Reads all stored bytes again, slowly, and compares them with their hashes; goes on where it was when the process ended. */
export class Scrubber {
  private wantsNow = false

  constructor(private needs: ScrubberNeeds) {}

  /** Begins a reading at the next turn, due or not. */
  request(): void {
    this.wantsNow = true
  }

  /** One turn: a whole reading, or the rest of one, where one is due. */
  run = async (signal: AbortSignal): Promise<void> => {
    const { references, intervalMs, now, log } = this.needs
    await this.lookAgain(signal)
    const last = await references.lastScrub()
    const isUnfinished = last !== undefined && last.finishedAt === null
    const isDue = last === undefined || now() - last.startedAt >= intervalMs()
    if (!isUnfinished && !isDue && !this.wantsNow) return
    this.wantsNow = false
    const scrub = isUnfinished ? last : await references.startScrub(now())
    await this.read(scrub, signal)
    if (signal.aborted) return
    scrub.finishedAt = now()
    await references.saveScrub(scrub)
    log.info("all stored bytes were read again", { blobs: scrub.blobs, bytes: scrub.bytes, faults: scrub.faults })
  }

  /** Faults end without a whole reading where nothing refers to the bytes any more, or they were written anew. */
  private async lookAgain(signal: AbortSignal): Promise<void> {
    const { references, blobs, rate } = this.needs
    await references.clearForgottenFaults()
    for (const { hash, foundAt } of await references.faults()) {
      const file = statSync(blobs.path(hash), { throwIfNoEntry: false })
      if (file !== undefined && file.mtimeMs > foundAt) await this.check(hash, file.size, new Pace(rate), signal)
    }
  }

  private async read(scrub: StorageScrubRow, signal: AbortSignal): Promise<void> {
    const { references } = this.needs
    const pace = new Pace(this.needs.rate)
    let savedAt = performance.now()
    for (;;) {
      const page = await references.referenced(scrub.position, "g", pageSize)
      if (page.length === 0) return
      for (const { hash, size } of page) {
        if (signal.aborted) return references.saveScrub(scrub)
        const isWhole = await this.check(hash, size, pace, signal)
        if (isWhole === undefined) return references.saveScrub(scrub)
        scrub.position = hash
        scrub.blobs++
        scrub.bytes += size
        if (!isWhole) scrub.faults++
        if (performance.now() - savedAt < saveEveryMs) continue
        savedAt = performance.now()
        await references.saveScrub(scrub)
      }
    }
  }

  /** Undefined when it was told to end. */
  private async check(hash: string, size: number, pace: Pace, signal: AbortSignal): Promise<boolean | undefined> {
    const { blobs, references, log, now } = this.needs
    const unpin = blobs.pin([hash])
    try {
      const path = blobs.file(hash, size)
      const hasher = new Bun.CryptoHasher("sha256")
      if (path !== undefined) {
        for (let at = 0; at < size; at += chunkBytes) {
          if (signal.aborted) return undefined
          const bytes = await Bun.file(path)
            .slice(at, at + chunkBytes)
            .arrayBuffer()
          hasher.update(bytes)
          await pace.spend(bytes.byteLength, signal)
        }
      }
      await pace.spend(Math.max(0, leastBytes - size), signal)
      const isWhole = path !== undefined && hasher.digest("hex") === hash
      if (isWhole) {
        await references.clearFault(hash)
        return true
      }
      // Nobody misses what nothing refers to any more.
      if (!(await references.isReferenced(hash))) {
        await references.clearFault(hash)
        return true
      }
      const kind = path === undefined ? ("missing" as const) : ("damaged" as const)
      const detail = path === undefined ? "the file is missing or has another size" : "the bytes are not those that were written"
      await reportFault(references, log, { hash, kind, detail, foundAt: now() })
      return false
    } catch (error) {
      const detail = `it cannot be read: ${error instanceof Error ? error.message : String(error)}`
      await reportFault(references, log, { hash, kind: "damaged", detail, foundAt: now() })
      return false
    } finally {
      unpin()
    }
  }
}

/** Keeps to so many bytes a second. */
class Pace {
  private aheadMs = 0
  private at = performance.now()

  constructor(private rate: () => number) {}

  async spend(bytes: number, signal: AbortSignal): Promise<void> {
    const now = performance.now()
    this.aheadMs = Math.max(0, this.aheadMs - (now - this.at)) + (bytes / this.rate()) * 1000
    this.at = now
    while (this.aheadMs > 20 && !signal.aborted) {
      const pause = Math.min(this.aheadMs, 250)
      await Bun.sleep(pause)
      const after = performance.now()
      this.aheadMs = Math.max(0, this.aheadMs - (after - this.at))
      this.at = after
    }
  }
}
