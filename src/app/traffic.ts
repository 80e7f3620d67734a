import { holdersOf } from "../db/held-names"
import type { Db } from "../db/open"
import type { Log } from "../log"
import { type DayReply, TrafficDay } from "../traffic/day"
import type { TrafficReply, TrafficSource } from "../traffic/model"
import { RequestFeed } from "../traffic/request-feed"
import { TrafficService } from "../traffic/service"
import { TrafficStore } from "../traffic/store"

export type HostTrafficNeeds = {
  db: Db
  /** What the edge counts. */
  counters: TrafficSource
  /** Has the edge tell of these hosts' requests and of no others. */
  watchRequests: (hosts: string[]) => Promise<void>
  log: Log
  now: () => number
}

/** What hostnames are asked, of mappings and connections alike: counts by the minute, the last day, and requests live. */
export class HostTraffic {
  readonly requests: RequestFeed
  private service: TrafficService
  private days: TrafficDay

  constructor({ db, counters, watchRequests, log, now }: HostTrafficNeeds) {
    const store = new TrafficStore(db)
    const holders = (hostnames: string[]) => holdersOf(db, hostnames)
    this.service = new TrafficService({ store, source: counters, holders, log, now })
    this.days = new TrafficDay({ count: store.count, now })
    this.requests = new RequestFeed({ watch: watchRequests, holders, log, now })
  }

  /** Rows of a mapping or connection. Throws `invalid` for the query. */
  read = (holder: { id: string; hostname: string }, query: URLSearchParams): Promise<TrafficReply> => this.service.read(holder, query)

  /** The last day of these mappings or connections. */
  day = (ids: string[]): Promise<DayReply> => this.days.read(ids)

  start(): void {
    this.service.start()
  }

  /** Call it when the edge has counted its last request. */
  async stop(): Promise<void> {
    this.requests.stop()
    await this.service.stop()
  }
}
