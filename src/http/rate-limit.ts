import { AppError } from "../errors"

const maxKeys = 20_000

/** A token bucket for each key: `burst` requests at once, then `perSecond`; the key that was quiet longest is forgotten first. */
export class RateLimit {
  private buckets = new Map<string, { left: number; at: number }>()

  constructor(
    private burst: number,
    private perSecond: number,
    private now: () => number = Date.now,
  ) {}

  /** Counts a request; throws `rate_limited` with the seconds to wait. */
  take(key: string): void {
    const at = this.now()
    const known = this.buckets.get(key) ?? { left: this.burst, at }
    const left = Math.min(this.burst, known.left + ((at - known.at) / 1000) * this.perSecond)
    if (left < 1) {
      throw new AppError("rate_limited", "too many requests with this token, try again in a moment", {
        retryAfterSeconds: Math.ceil((1 - left) / this.perSecond),
      })
    }
    this.buckets.delete(key)
    this.buckets.set(key, { left: left - 1, at })
    if (this.buckets.size > maxKeys) this.buckets.delete(this.buckets.keys().next().value ?? key)
  }
}
