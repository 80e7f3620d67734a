const maxEntries = 10_000

/** Values that live for a set time in memory and no longer; past 10 000 of them the oldest is forgotten first. A restart forgets all. */
export class ExpiringMap<T> {
  private entries = new Map<string, { value: T; expiresAt: number }>()

  constructor(
    private lifetimeMs: number,
    private now: () => number,
  ) {}

  /** Takes the place of what stood there, with a new lifetime. */
  set(key: string, value: T): void {
    const now = this.now()
    this.entries.delete(key)
    this.entries.set(key, { value, expiresAt: now + this.lifetimeMs })
    // All live equally long, so the map's own order is that of their ends.
    for (const [oldest, { expiresAt }] of this.entries) {
      if (expiresAt > now && this.entries.size <= maxEntries) break
      this.entries.delete(oldest)
    }
  }

  get(key: string): T | undefined {
    const entry = this.entries.get(key)
    return entry === undefined || entry.expiresAt <= this.now() ? undefined : entry.value
  }

  /** Removes the value and gives it, to one caller only. */
  take(key: string): T | undefined {
    const value = this.get(key)
    this.entries.delete(key)
    return value
  }
}
