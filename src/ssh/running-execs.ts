import type { Exec } from "../engine/exec"

/** Commands that were started and have not ended: when a client leaves, what it started is still being ended for a moment. */
export class RunningExecs {
  private endings = new Set<Promise<unknown>>()

  /** The same command, known from now on until it has ended. */
  track(exec: Exec): Exec {
    const ending: Promise<unknown> = exec.exit.catch(() => undefined).finally(() => this.endings.delete(ending))
    this.endings.add(ending)
    return exec
  }

  /** Resolves when all of them have ended, or when the time is over. */
  async settled(limitMs: number): Promise<void> {
    const limit = Promise.withResolvers<void>()
    const timer = setTimeout(limit.resolve, limitMs)
    await Promise.race([Promise.all(this.endings), limit.promise])
    clearTimeout(timer)
  }
}
