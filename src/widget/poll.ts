/** What came of one look: whether something moved, and whether that was the last. */
export type Outcome = { moved: boolean; over: boolean; waitMs?: number }

const firstMs = 3000
const slowestMs = 20_000
const growth = 1.3

/** Looks again and again, at first every three seconds and then less often, sooner again once something moved; rests while the page is not seen. */
export class Poll {
  private timer: ReturnType<typeof setTimeout> | undefined
  private pauseMs = firstMs
  private running = false
  private ended = false

  /** `look` never rejects. */
  constructor(private look: () => Promise<Outcome>) {
    document.addEventListener("visibilitychange", this.onVisible)
    void this.now()
  }

  /** Looks at once, unless it is looking already. */
  now = async (): Promise<void> => {
    if (this.running || this.ended) return
    clearTimeout(this.timer)
    this.timer = undefined
    this.running = true
    const { moved, over, waitMs = 0 } = await this.look()
    this.running = false
    if (over) this.stop()
    if (this.ended) return
    this.pauseMs = moved ? firstMs : Math.min(slowestMs, this.pauseMs * growth)
    this.timer = setTimeout(
      () => {
        this.timer = undefined
        if (!document.hidden) void this.now()
      },
      Math.max(waitMs, this.pauseMs),
    )
  }

  stop(): void {
    this.ended = true
    clearTimeout(this.timer)
    document.removeEventListener("visibilitychange", this.onVisible)
  }

  private onVisible = (): void => {
    if (!document.hidden && this.timer === undefined) void this.now()
  }
}
