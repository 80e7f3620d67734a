import type { Log } from "./log"

/**
 * Runs a job again and again, one at a time, with a pause between; a job that throws is logged as `failure` and tried
 * again at the next turn.
 */
export class Worker {
  private timer: Timer | undefined
  private running: Promise<void> | undefined
  private abort = new AbortController()

  constructor(
    private job: (signal: AbortSignal) => Promise<void>,
    private pauseMs: () => number,
    private log: Log,
    private failure: string,
  ) {}

  /** Does nothing once stopped. */
  start(firstPauseMs = this.pauseMs()): void {
    if (this.abort.signal.aborted) return
    this.timer = setTimeout(() => {
      this.running = this.turn()
    }, firstPauseMs)
  }

  private async turn(): Promise<void> {
    try {
      await this.job(this.abort.signal)
    } catch (error) {
      this.log.error(this.failure, { error })
    }
    this.start()
  }

  /** Waits for the turn that is under way. */
  async stop(): Promise<void> {
    this.abort.abort()
    clearTimeout(this.timer)
    await this.running
  }
}
