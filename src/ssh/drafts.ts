import { mkdir, rm, statfs } from "node:fs/promises"
import { AppError } from "../errors"

export type DraftLimits = { bytesPerPerson: number; bytes: number; leastFreeBytes: number }

const gib = 1024 ** 3
const standardLimits: DraftLimits = { bytesPerPerson: 8 * gib, bytes: 32 * gib, leastFreeBytes: gib }

/** One person's part of the room for drafts. */
export type DraftRoom = {
  folder: string
  /** Throws AppError("too_large") where so many bytes more have no room. */
  take(bytes: number): Promise<void>
  give(bytes: number): void
}

/** The files that are on their way into containers: a folder of this machine, which no person and not all together may fill. */
export class Drafts {
  private used = new Map<string, number>()
  private total = 0

  constructor(
    readonly folder: string,
    private limits: DraftLimits = standardLimits,
  ) {}

  /** Makes the folder, and removes what a crash left in it. */
  async prepare(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
  }

  roomOf(personId: string): DraftRoom {
    return {
      folder: this.folder,
      take: (bytes) => this.take(personId, bytes),
      give: (bytes) => this.give(personId, bytes),
    }
  }

  private async take(personId: string, bytes: number): Promise<void> {
    const { bytesPerPerson, bytes: most, leastFreeBytes } = this.limits
    const own = (this.used.get(personId) ?? 0) + bytes
    if (own > bytesPerPerson) throw new AppError("too_large", `the files on their way into containers may have ${bytesPerPerson} bytes`)
    if (this.total + bytes > most) throw new AppError("too_large", "too much is on its way into containers")
    this.used.set(personId, own)
    this.total += bytes
    try {
      const { bavail, bsize } = await statfs(this.folder)
      if (bavail * bsize < leastFreeBytes + bytes) throw new AppError("too_large", "the server's disk is full")
    } catch (error) {
      this.give(personId, bytes)
      throw error
    }
  }

  private give(personId: string, bytes: number): void {
    const left = (this.used.get(personId) ?? 0) - bytes
    if (left > 0) this.used.set(personId, left)
    else this.used.delete(personId)
    this.total -= bytes
  }
}
