import { addressBlock } from "../address-block"
import { AppError } from "../errors"

const windowMs = 15 * 60_000
const maxKeys = 20_000

/** Sliding windows of attempts by key, bounded in number: the key that was quiet longest is forgotten first. */
class Attempts {
  private seen = new Map<string, number[]>()

  constructor(private most: number) {}

  /** Milliseconds to wait, or 0 where this attempt is counted and may go on. */
  take(key: string, now: number): number {
    const times = (this.seen.get(key) ?? []).filter((time) => time > now - windowMs)
    const oldest = times[0]
    if (times.length >= this.most && oldest !== undefined) return oldest + windowMs - now
    times.push(now)
    this.seen.delete(key)
    this.seen.set(key, times)
    if (this.seen.size > maxKeys) this.seen.delete(this.seen.keys().next().value ?? key)
    return 0
  }
}

/** Attempts to log in, in any 15 minutes: 20 an address, 10 a username, the successful ones included. */
export class LoginLimit {
  private byAddress = new Attempts(20)
  private byUsername = new Attempts(10)

  constructor(private now: () => number = Date.now) {}

  /** Counts one attempt; throws `rate_limited` with the seconds to wait. */
  take(address: string, username: string): void {
    this.takeAddress(address)
    const wait = this.byUsername.take(username.toLowerCase().slice(0, 64), this.now())
    refuse(wait, "too many login attempts for this account, try again later")
  }

  /** The same for an attempt that names nobody. */
  takeAddress(address: string): void {
    refuse(this.byAddress.take(addressBlock(address), this.now()), "too many login attempts, try again later")
  }
}

function refuse(waitMs: number, message: string): void {
  if (waitMs > 0) throw new AppError("rate_limited", message, { retryAfterSeconds: Math.ceil(waitMs / 1000) })
}
