import type { IssuanceError } from "../acme/issuer"
import { failuresPerHour } from "../acme/order-ledger"

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

const UNREADY_MS = 5 * MINUTE_MS

const REMEMBERED_HOSTNAMES = 10_000

/**
 * How long to leave a hostname alone after failures. In memory; what must outlive the process is the time it answers with, which the caller keeps with the
 * attempt. The limits of a CA are on the books of `ledger/`, where a failure comes back every twelve minutes as at Let's Encrypt; here no hour holds more
 * than `failuresPerHour`, whoever the issuer is, for other CAs may count whole hours.
 */
export class CertificateBackOff {
  /** Times of failed validations within the last hour. Outlives the attempt row, so that mapping a name anew does not refill its allowance. */
  private failedAt = new Map<string, number[]>()

  constructor(
    private now: () => number,
    private random: () => number,
  ) {}

  /** Notes a failure, the `failures`th in a row, and answers when the hostname may be tried again. */
  failed(hostname: string, failures: number, error: IssuanceError): number {
    const now = this.now()
    const recent = this.recentFailures(hostname)
    for (let n = 0; n < error.failedValidations; n++) recent.push(now)
    this.failedAt.delete(hostname)
    this.failedAt.set(hostname, recent.slice(-failuresPerHour))
    for (const oldest of this.failedAt.keys()) {
      if (this.failedAt.size <= REMEMBERED_HOSTNAMES) break
      this.failedAt.delete(oldest)
    }
    // A record that its owner has yet to make costs no CA anything: whoever makes it does not wait long.
    const longest = error.isUnready && error.failedValidations === 0 ? UNREADY_MS : DAY_MS
    const doubled = Math.min(MINUTE_MS * 2 ** Math.min(failures - 1, 20), longest)
    // Up to a tenth more, so that names that failed together do not come back together.
    const own = now + Math.max(doubled * (1 + this.random() / 10), error.retryAfterMs ?? 0)
    return Math.max(own, this.openAt(hostname, Math.max(error.failedValidations, 1)))
  }

  /** When an order that may fail `validations` times leaves it at that: a time in the past where it does now. */
  openAt(hostname: string, validations = 1): number {
    const recent = this.recentFailures(hostname)
    const spare = failuresPerHour - validations
    return recent.length > spare ? (recent[recent.length - 1 - spare] ?? 0) + HOUR_MS : 0
  }

  private recentFailures(hostname: string): number[] {
    const since = this.now() - HOUR_MS
    return (this.failedAt.get(hostname) ?? []).filter((at) => at > since)
  }
}
