import { IssuanceError } from "../acme/issuer"
import type { Log } from "../log"
import type { OrderCounts } from "./order-counts"

export type HandshakeBudgetNeeds = {
  /** Takes an order from the budgets. Throws IssuanceError with `putOffUntil` where they are used up. */
  book: (hostname: string) => Promise<void>
  counts: Pick<OrderCounts, "overBudget">
  log: Pick<Log, "warn">
  now: () => number
}

/** A crowd of refused handshakes makes one line of the log in this time. */
const tellEveryMs = 10 * 60_000

/** What handshakes of names without a certificate may order. */
export class HandshakeBudget {
  private toldAt = Number.NEGATIVE_INFINITY
  private untold = 0

  constructor(private needs: HandshakeBudgetNeeds) {}

  /** Takes an order at a directory from the budgets; where they are used up, until when, and why. */
  async admit(hostname: string, directory: string): Promise<{ until: number; problem: string } | undefined> {
    try {
      await this.needs.book(hostname)
      return undefined
    } catch (error) {
      if (!(error instanceof IssuanceError) || error.putOffUntil === undefined) throw error
      this.needs.counts.overBudget(directory)
      this.tell(hostname, error.problem)
      return { until: error.putOffUntil, problem: error.problem }
    }
  }

  private tell(hostname: string, problem: string): void {
    const { log, now } = this.needs
    this.untold++
    if (Math.abs(now() - this.toldAt) < tellEveryMs) return
    log.warn("handshakes ask for more certificates than their budget", { hostname, problem, refused: this.untold })
    this.toldAt = now()
    this.untold = 0
  }
}
