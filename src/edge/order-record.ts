import { IssuanceError, type Issuer } from "../acme/issuer"
import type { CertificateAttemptRow } from "../db/schema"
import { describeError } from "../errors"
import type { Log } from "../log"
import { CertificateBackOff } from "./certificate-backoff"
import type { CertificateStore } from "./certificate-store"
import { isRateLimited, type OrderCounts } from "./order-counts"

export type OrderRecordNeeds = {
  store: Pick<CertificateStore, "saveAttempt" | "forgetAttempt">
  gate: (hostname: string) => boolean
  log: Log
  counts: OrderCounts
  now: () => number
  random: () => number
  isStopping: () => boolean
}

/** Puts on record what became of orders that brought no certificate, and when they may be tried again. */
export class OrderRecord {
  private backOff: CertificateBackOff

  constructor(private needs: OrderRecordNeeds) {
    this.backOff = new CertificateBackOff(needs.now, needs.random)
  }

  /** When a name may be tried again as far as its failed validations say, in Unix milliseconds. */
  openAt(hostname: string): number {
    return this.backOff.openAt(hostname)
  }

  /** After the clock was set back. */
  forgetBackOff(): void {
    this.backOff = new CertificateBackOff(this.needs.now, this.needs.random)
  }

  /** An order the limits do not allow yet is no failure; it is put on record as due at the time they do. */
  async putOff(
    hostname: string,
    issuer: Issuer,
    attempt: CertificateAttemptRow | undefined,
    put: { until: number; problem: string },
  ): Promise<CertificateAttemptRow> {
    const { store, log, counts } = this.needs
    const { until: nextAttemptAt, problem } = put
    const { failures = 0, lastAttemptAt = 0 } = attempt ?? {}
    const row = { hostname, failures, lastAttemptAt, nextAttemptAt, problem, putOff: 1 }
    log.info("certificate not ordered yet", { hostname, nextAttemptAt: new Date(nextAttemptAt).toISOString(), problem })
    await store.saveAttempt(row)
    counts.putOff(issuer.name)
    return row
  }

  /** A failure, or with `advised` an order that was not made since it would have failed. Undefined where our own end cut it short. */
  async failed(
    hostname: string,
    issuer: Issuer,
    failuresBefore: number,
    error: unknown,
    advised = false,
  ): Promise<CertificateAttemptRow | undefined> {
    // Cut short by our own end: the row stays due, for the next start.
    const { store, gate, log, counts, now, isStopping } = this.needs
    if (isStopping()) return undefined
    const fault = error instanceof IssuanceError ? error : new IssuanceError(describeError(error), { cause: error })
    counts.failed(issuer.name, fault, advised)
    const failures = failuresBefore + 1
    const nextAttemptAt = Math.ceil(this.backOff.failed(hostname, failures, fault))
    // What the CA itself puts off is counted, so that it is left alone for longer each time, but it is no fault of the name.
    const putOff = isRateLimited(fault) ? 1 : 0
    const row = { hostname, failures, lastAttemptAt: now(), nextAttemptAt, problem: fault.problem, putOff }
    const fields = { hostname, issuer: issuer.name, failures, nextAttemptAt: new Date(nextAttemptAt).toISOString(), error }
    if (error instanceof IssuanceError) log.warn("certificate not issued", fields)
    else log.error("certificate not issued", fields)
    // A name that was removed meanwhile leaves no row behind.
    if (gate(hostname)) await store.saveAttempt(row)
    else await store.forgetAttempt(hostname)
    return row
  }
}
