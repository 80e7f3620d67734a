import { closeSync, fsync, openSync } from "node:fs"
import { promisify } from "node:util"

const syncFile = promisify(fsync)

/**
 * fsync of one file or folder (fsync(2)), shared: whoever asks while one is under way waits for the next, which serves all who came until it
 * began. The path is opened anew each time, so it may be replaced in between.
 */
export class Flusher {
  private running: Promise<void> | undefined
  private next: Promise<void> | undefined

  constructor(private path: string) {}

  /** Resolves when everything written before the call is on disk. */
  flush(): Promise<void> {
    if (this.running === undefined) return (this.running = this.sync())
    this.next ??= this.running
      .catch(() => {})
      .then(() => {
        this.next = undefined
        return (this.running = this.sync())
      })
    return this.next
  }

  private async sync(): Promise<void> {
    // Microseconds each, and shorter than the way to another thread.
    const handle = openSync(this.path, "r")
    try {
      await syncFile(handle)
    } finally {
      if (this.next === undefined) this.running = undefined
      closeSync(handle)
    }
  }
}
