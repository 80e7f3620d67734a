/** Something with a deadline on the monotonic clock (`performance.now`). */
export interface Timed {
  deadline: number
  onDeadline(): void
}

/** The open connections of a listener: bounded, and swept for deadlines by one timer, which costs less than a timer for each request. */
export class ConnectionSet<T extends Timed> {
  private members = new Set<T>()
  private timer: Timer | undefined
  private whenEmpty: (() => void) | undefined

  constructor(
    private limit: number,
    private sweepMs: number,
  ) {}

  get size(): number {
    return this.members.size
  }

  get full(): boolean {
    return this.members.size >= this.limit
  }

  add(member: T): void {
    this.members.add(member)
    this.timer ??= setInterval(() => this.sweep(), this.sweepMs)
  }

  /** Takes a member out; what it has become takes its place. */
  delete(member: T, successor?: T): void {
    if (successor) this.members.add(successor)
    this.members.delete(member)
    if (this.members.size > 0) return
    this.whenEmpty?.()
    clearInterval(this.timer)
    this.timer = undefined
  }

  /** Resolves when no member is left, and after `ms` at the latest. */
  async emptied(ms: number): Promise<void> {
    if (this.members.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.whenEmpty = resolve
    const timer = setTimeout(resolve, Math.max(ms, 0))
    await promise
    clearTimeout(timer)
    this.whenEmpty = undefined
  }

  [Symbol.iterator](): IterableIterator<T> {
    return [...this.members].values()
  }

  private sweep(): void {
    const now = performance.now()
    for (const member of this.members) if (member.deadline <= now) member.onDeadline()
  }
}
