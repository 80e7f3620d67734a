/** What a peer may do so often: spent by the deed, refilled by time and by useful work, never above `burst`. */
export class AbuseBudget {
  private left: number
  private countedAt: number

  constructor(
    private burst: number,
    private perSecond: number,
    private now: () => number,
  ) {
    this.left = burst
    this.countedAt = now()
  }

  /** False when the budget is overdrawn: the session then ends with ENHANCE_YOUR_CALM. */
  spend(): boolean {
    const now = this.now()
    // A clock that was set back refills nothing.
    if (now > this.countedAt) this.left = Math.min(this.burst, this.left + ((now - this.countedAt) / 1000) * this.perSecond)
    this.countedAt = now
    this.left--
    return this.left >= 0
  }

  /** Useful work gives back. */
  earn(amount: number): void {
    this.left = Math.min(this.burst, this.left + amount)
  }
}
