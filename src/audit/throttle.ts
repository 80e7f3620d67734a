import { addressBlock } from "../address-block"

const windowMs = 60_000
const maxAddresses = 10_000

/** How many entries of unrecognised requests one address may cause in a minute; the addresses that it remembers are bounded too. */
export class AddressThrottle {
  private counts = new Map<string, { startedAt: number; count: number }>()

  constructor(private most: number) {}

  /** Whether another one may be written. A network of IPv6 counts as one address. */
  take(from: string, now: number): boolean {
    const address = addressBlock(from)
    const seen = this.counts.get(address)
    if (seen === undefined || now - seen.startedAt >= windowMs) {
      this.counts.delete(address)
      this.counts.set(address, { startedAt: now, count: 1 })
      if (this.counts.size > maxAddresses) this.counts.delete(this.counts.keys().next().value ?? address)
      return true
    }
    seen.count++
    return seen.count <= this.most
  }
}
