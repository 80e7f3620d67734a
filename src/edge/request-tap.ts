import type { RequestBatch, WatchedRequest } from "../traffic/requests"

export type TapOptions = {
  /** How long requests wait for others before they are handed over together. */
  batchMs: number
  /** Of one hostname that are handed over together; of more only the number is. */
  batchSize: number
}

const defaults: TapOptions = { batchMs: 200, batchSize: 25 }

/**
 * Takes down requests of hostnames that somebody watches. While nobody does, `watched` is undefined, and looking at it is all that a request costs;
 * there is no timer and nothing is held.
 */
export class RequestTap {
  /** Hosts of routes. */
  watched: ReadonlySet<string> | undefined
  private batches = new Map<string, RequestBatch>()
  private timer: Timer | undefined
  private options: TapOptions

  constructor(
    private sink: (batches: RequestBatch[]) => void,
    options: Partial<TapOptions> = {},
  ) {
    this.options = { ...defaults, ...options }
  }

  /** From now on requests of these hosts are taken down and of no others. */
  watch(hosts: readonly string[]): void {
    this.watched = hosts.length === 0 ? undefined : new Set(hosts)
    for (const host of this.batches.keys()) if (this.watched?.has(host) !== true) this.batches.delete(host)
    if (this.batches.size > 0) return
    clearTimeout(this.timer)
    this.timer = undefined
  }

  /** Takes down a request of a watched host; `describe` is called only where there is room. */
  note(host: string, describe: () => WatchedRequest): void {
    const batch = this.batches.get(host) ?? { hostname: host, requests: [], leftOut: 0 }
    this.batches.set(host, batch)
    if (batch.requests.length < this.options.batchSize) batch.requests.push(describe())
    else batch.leftOut++
    this.timer ??= setTimeout(this.handOver, this.options.batchMs)
  }

  private handOver = () => {
    this.timer = undefined
    const batches = [...this.batches.values()]
    this.batches.clear()
    this.sink(batches)
  }
}
