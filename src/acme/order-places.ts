import { IssuanceError } from "./issuer"

const maxWaiting = 1000

/** How many orders are under way at once; the others wait their turn, renewals before new names, at most a thousand of each. */
export class OrderPlaces {
  private running = 0
  private waiting = { renewals: [] as (() => void)[], others: [] as (() => void)[] }

  constructor(private places: number) {}

  /** Resolves when there is a place; throws IssuanceError where too many wait already. */
  async take(isRenewal: boolean): Promise<void> {
    if (this.running < this.places) {
      this.running++
      return
    }
    const line = isRenewal ? this.waiting.renewals : this.waiting.others
    if (line.length >= maxWaiting) throw new IssuanceError(`${maxWaiting} orders are waiting already`)
    // The place of the order that ends is handed over, so `running` stays as it is.
    await new Promise<void>((resolve) => line.push(resolve))
  }

  /** Gives a place back, once for each that was taken. */
  free(): void {
    const next = this.waiting.renewals.shift() ?? this.waiting.others.shift()
    if (next) next()
    else this.running--
  }
}
