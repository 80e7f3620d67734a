const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 4000

/**
 * What connecting to an upstream has come to lately. One that lets connections time out is left alone for a growing pause, so that its
 * visitors hear of it at once instead of after the time-out each; then a single connection is the probe. One that refuses does so at once,
 * and is asked each time.
 */
export class UpstreamHealth {
  private failures = 0
  private pausedUntil = 0
  private probing = false
  private hasAccepted = false
  private awaySince: number | undefined

  /** Whether a connection may be tried now; the first after a pause is the probe for all. Times are of the monotonic clock. */
  mayTry(now: number): boolean {
    if (this.failures === 0) return true
    if (this.probing || now < this.pausedUntil) return false
    this.probing = true
    return true
  }

  /** A connection came about. */
  accepted(): void {
    this.failures = 0
    this.probing = false
    this.hasAccepted = true
    this.awaySince = undefined
  }

  /** A connection was refused, so that somebody is there. */
  refused(now: number): void {
    this.failures = 0
    this.probing = false
    this.awaySince ??= now
  }

  /** Whether it took connections and has not for less than `limitMs`, as one does that is just being restarted. */
  isExpectedBack(now: number, limitMs: number): boolean {
    return this.hasAccepted && this.awaySince !== undefined && now - this.awaySince < limitMs
  }

  timedOut(now: number): void {
    this.awaySince ??= now
    this.failures++
    this.probing = false
    this.pausedUntil = now + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.failures - 1, 10))
  }
}
