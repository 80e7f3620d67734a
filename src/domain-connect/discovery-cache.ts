import type { Discovery } from "./model"

/** Milliseconds; what is not there may be there soon, when somebody moves a zone. */
export type CacheTimes = { foundMs: number; absentMs: number }

type Entry = { value: Discovery | undefined; endsAt: number }

/** What was found out about zones: at most `max` of them, the oldest goes first. One look at a time for each zone, whoever waits for it. */
export class DiscoveryCache {
  private entries = new Map<string, Entry>()
  private underWay = new Map<string, Promise<Discovery | undefined>>()

  constructor(
    private max: number,
    private times: CacheTimes,
    private now: () => number,
  ) {}

  /** What is known, or what `look` finds; a look that throws is not kept. */
  async get(zone: string, look: () => Promise<Discovery | undefined>): Promise<Discovery | undefined> {
    const known = this.entries.get(zone)
    if (known !== undefined && known.endsAt > this.now()) return known.value
    const waiting = this.underWay.get(zone)
    if (waiting !== undefined) return waiting
    const looking = look()
    this.underWay.set(zone, looking)
    try {
      const value = await looking
      this.put(zone, value)
      return value
    } finally {
      this.underWay.delete(zone)
    }
  }

  /** How many looks are under way. */
  get busy(): number {
    return this.underWay.size
  }

  /** Whether an answer is at hand, or on its way, without another look. */
  has(zone: string): boolean {
    const known = this.entries.get(zone)
    return this.underWay.has(zone) || (known !== undefined && known.endsAt > this.now())
  }

  private put(zone: string, value: Discovery | undefined): void {
    const { foundMs, absentMs } = this.times
    this.entries.delete(zone)
    this.entries.set(zone, { value, endsAt: this.now() + (value === undefined ? absentMs : foundMs) })
    const oldest = this.entries.keys().next().value
    if (this.entries.size > this.max && oldest !== undefined) this.entries.delete(oldest)
  }
}
