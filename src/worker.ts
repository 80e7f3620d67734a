import type { Log } from "./log"

/** Runs a job again and again, one at a time, with a pause between; a job that throws is logged and tried again at the next turn. */
export class Worker {
  private timer: Timer | undefined
  private running: Promise<void> | undefined
  private abort = new AbortController()

  constructor(
    private job: (signal: AbortSignal) => Promise<void>,
    private pauseMs: number,
    private log: Log,
  ) {}

  start(): void {
    this.timer = setTimeout(() => {
      this.running = this.turn()
    }, this.pauseMs)
  }

  private async turn(): Promise<void> {
    try {
      await this.job(this.abort.signal)
    } catch (error) {
      this.log.error("background job failed", { error })
    }
    if (!this.abort.signal.aborted) this.start()
  }

  /** Waits for the turn that is under way. */
  async stop(): Promise<void> {
    this.abort.abort()
    clearTimeout(this.timer)
    await this.running
  }
}
