/** One lane for each container: what changes it runs one after the other, however many requests and events ask. */
export class Lanes {
  private tails = new Map<string, Promise<unknown>>()
  private aborts = new Map<string, AbortController>()
  private stopped = false

  /** Runs `work` when the lane is free. Its signal says that something else wants the lane: stop at the next step. */
  async run<T>(id: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.stopped) throw new Error("the lanes are closed")
    const abort = this.aborts.get(id) ?? new AbortController()
    this.aborts.set(id, abort)
    const before = this.tails.get(id)
    const turn = (async () => {
      await before?.catch(() => undefined)
      return work(abort.signal)
    })()
    this.tails.set(id, turn)
    try {
      return await turn
    } finally {
      if (this.tails.get(id) === turn) {
        this.tails.delete(id)
        this.aborts.delete(id)
      }
    }
  }

  isBusy(id: string): boolean {
    return this.tails.has(id)
  }

  /** Signals the work that runs and waits; work that comes later is not touched. */
  interrupt(id: string): void {
    this.aborts.get(id)?.abort()
    this.aborts.delete(id)
  }

  /** Signals everything, takes nothing new, and waits for what is under way. */
  async stop(): Promise<void> {
    this.stopped = true
    for (const abort of this.aborts.values()) abort.abort()
    await Promise.allSettled(this.tails.values())
  }
}
