// One request, in this order: taken at the edge only while its hostname is watched → in batches to this thread → who holds the name now → to those of the
// watchers who watch what holds it. Nothing is kept: who comes later sees what comes later.

import type { HeldName } from "../db/held-names"
import { AppError } from "../errors"
import type { Log } from "../log"
import type { RequestBatch, WatchedRequest } from "./requests"

export type RequestFeedNeeds = {
  /** Has the edge tell of these hostnames' requests and of no others; resolves when it does so everywhere. */
  watch: (hostnames: string[]) => Promise<void>
  /** Who holds these names, and since when. */
  holders: (hostnames: string[]) => Promise<HeldName[]>
  log: Log
  now: () => number
  limits?: Partial<FeedLimits>
}

/** Watchers of a person and of all, requests of a hostname that are told in a second, and how long one watch lasts before it has to be asked for anew. */
export type FeedLimits = { ofPerson: number; ofAll: number; perSecond: number; watchMs: number }

const defaults: FeedLimits = { ofPerson: 10, ofAll: 100, perSecond: 100, watchMs: 15 * 60_000 }

/** Whose watch it is, and what of: a mapping or a connection, and its hostname. */
export type Watched = { personId: string; id: string; hostname: string }

/** Somebody who watches; none of these waits. */
export type RequestWatcher = {
  /** From here on every request is told of. */
  onReady: () => void
  onRequests: (requests: WatchedRequest[], leftOut: number) => void
  /** The watch has lasted long enough. */
  onOver: () => void
}

type Watch = Watched & RequestWatcher & { timer: Timer }

/** Requests of hostnames as they end, for whoever watches; while nobody does, the edge records nothing. */
export class RequestFeed {
  private limits: FeedLimits
  private watches = new Set<Watch>()
  private waiting = new Map<string, RequestBatch>()
  private seconds = new Map<string, { second: number; told: number }>()
  private isDelivering = false

  constructor(private needs: RequestFeedNeeds) {
    this.limits = { ...defaults, ...needs.limits }
  }

  /** How many watch. */
  get size(): number {
    return this.watches.size
  }

  /** Throws `rate_limited` where a person, or all together, watch too much already. */
  mayWatch(personId: string): void {
    const { ofPerson, ofAll } = this.limits
    const own = [...this.watches].filter((watch) => watch.personId === personId).length
    const retry = { retryAfterSeconds: 30 }
    if (own >= ofPerson) throw new AppError("rate_limited", `no more than ${ofPerson} hostnames are watched by one person at a time`, retry)
    if (this.watches.size >= ofAll) throw new AppError("rate_limited", `no more than ${ofAll} hostnames are watched at a time`, retry)
  }

  /** Tells of the hostname's requests until the answer is called; `mayWatch` has been asked before. */
  watch(watched: Watched, watcher: RequestWatcher): () => void {
    const watch: Watch = { ...watched, ...watcher, timer: setTimeout(() => watch.onOver(), this.limits.watchMs) }
    this.watches.add(watch)
    void this.tellEdge().then(() => this.watches.has(watch) && watch.onReady())
    return () => {
      clearTimeout(watch.timer)
      if (this.watches.delete(watch)) void this.tellEdge()
    }
  }

  /** Takes what the edge saw. Never blocks and never throws; what comes faster than it may be told is counted only. */
  take(batches: RequestBatch[]): void {
    for (const batch of batches) {
      const { hostname } = batch
      if (![...this.watches].some((watch) => watch.hostname === hostname)) continue
      const room = this.room(hostname, batch.requests.length)
      const before = this.waiting.get(hostname) ?? { hostname, requests: [], leftOut: 0 }
      before.requests.push(...batch.requests.slice(0, room))
      before.leftOut += batch.leftOut + batch.requests.length - room
      this.waiting.set(hostname, before)
    }
    if (!this.isDelivering && this.waiting.size > 0) void this.deliver()
  }

  /** Ends every watch. */
  stop(): void {
    for (const watch of this.watches) watch.onOver()
  }

  private tellEdge(): Promise<void> {
    const hostnames = new Set([...this.watches].map((watch) => watch.hostname))
    for (const known of this.seconds.keys()) if (!hostnames.has(known)) this.seconds.delete(known)
    return this.needs.watch([...hostnames])
  }

  private room(hostname: string, wanted: number): number {
    const second = Math.floor(this.needs.now() / 1000)
    const known = this.seconds.get(hostname)
    const told = known?.second === second ? known.told : 0
    const room = Math.max(0, Math.min(wanted, this.limits.perSecond - told))
    this.seconds.set(hostname, { second, told: told + room })
    return room
  }

  private async deliver(): Promise<void> {
    this.isDelivering = true
    try {
      while (this.waiting.size > 0) {
        const batches = [...this.waiting.values()]
        this.waiting.clear()
        const holders = await this.needs.holders(batches.map(({ hostname }) => hostname))
        for (const batch of batches) {
          const holder = holders.find(({ hostname }) => hostname === batch.hostname)
          if (holder !== undefined) this.tell(batch, holder)
        }
      }
    } catch (error) {
      this.needs.log.error("watched requests could not be told", { error })
    } finally {
      this.isDelivering = false
    }
  }

  /** A request from before the holder had the name is not theirs to see. */
  private tell({ hostname, requests, leftOut }: RequestBatch, { id, since }: HeldName): void {
    const own = requests.filter(({ endedAt, durationMs }) => endedAt - durationMs >= since)
    if (own.length === 0 && requests.length > 0) return
    for (const watch of this.watches) if (watch.id === id && watch.hostname === hostname) watch.onRequests(own, leftOut)
  }
}
