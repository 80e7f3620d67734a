import { randomBytes } from "node:crypto"
import { existsSync, rmSync, statfsSync } from "node:fs"
import { rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Log } from "./log"

/** Its file's name in the data folder. */
export const ballastName = "ballast"

const MIB = 1024 * 1024
const ballastBytes = 8 * MIB
/** Below this a start has no room for the few files it makes. */
const tightBytes = 4 * MIB
/** It is taken only where it is a small part of what is left. */
const roomyBytes = 64 * MIB
const lookMs = 600_000

/**
 * Room that the data folder keeps for the day its disk is full: a file that a start gives up, so that an appliance that ended meanwhile comes up again
 * and serves what it served. It is made anew when there is room.
 */
export class Ballast {
  private file: string
  private timer: Timer | undefined

  constructor(
    private folder: string,
    private log: Log,
  ) {
    this.file = join(folder, ballastName)
  }

  /** Before anything else is opened. */
  release(): void {
    if (this.freeBytes() >= tightBytes || !existsSync(this.file)) return
    rmSync(this.file)
    this.log.warn("the disk is full: room that was kept for this start is given up; free some before the next", { folder: this.folder })
  }

  /** Makes it now and whenever there is room again. */
  start(): void {
    void this.take()
    this.timer = setInterval(() => void this.take(), lookMs)
    this.timer.unref()
  }

  stop(): void {
    clearInterval(this.timer)
  }

  private async take(): Promise<void> {
    if (existsSync(this.file) || this.freeBytes() < roomyBytes) return
    const draft = `${this.file}.new`
    try {
      // Not zeros, which some file systems keep as nothing.
      await writeFile(draft, randomBytes(ballastBytes), { mode: 0o600 })
      await rename(draft, this.file)
    } catch {
      await rm(draft, { force: true }).catch(() => {})
    }
  }

  private freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder)
    return bavail * bsize
  }
}
