import { isIPv6 } from "node:net"

const maxAddresses = 10_000

/** How often each address failed to log in of late. An IPv6 network of 64 bits counts as one address, since whoever has one has them all. */
export class FailureCount {
  private failures = new Map<string, { count: number; since: number }>()

  constructor(
    private most: number,
    private windowMs: number,
    private now: () => number,
  ) {}

  /** Whether the address has to wait. */
  isOver(address: string): boolean {
    const entry = this.failures.get(networkOf(address))
    return entry !== undefined && entry.count >= this.most && this.now() - entry.since < this.windowMs
  }

  note(address: string): void {
    const [network, now] = [networkOf(address), this.now()]
    const entry = this.failures.get(network)
    if (entry !== undefined && now - entry.since < this.windowMs) entry.count++
    else {
      // The oldest first, so that a flood of addresses forgets the longest known ones.
      this.failures.delete(network)
      this.failures.set(network, { count: 1, since: now })
    }
    for (const [oldest, { since }] of this.failures) {
      if (this.failures.size <= maxAddresses && now - since < this.windowMs) break
      this.failures.delete(oldest)
    }
  }

  /** After a login the address starts anew. */
  forget(address: string): void {
    this.failures.delete(networkOf(address))
  }
}

function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const [head = "", tail] = address.split("%")[0]?.split("::") ?? []
  const groups = head === "" ? [] : head.split(":")
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === "" ? 0 : tail.split(":").length)
  const all = [...groups, ...Array<string>(Math.max(missing, 0)).fill("0"), ...(tail ? tail.split(":") : [])]
  return all.slice(0, 4).join(":")
}
