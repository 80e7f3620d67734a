import { ApiFault } from "../../data/api"
import { eventsOf } from "../../data/events"
import type { WatchedRequest } from "./model"

/** A request, or how many were left out at this place. */
export type WatchEntry = { key: number; request: WatchedRequest } | { key: number; leftOut: number }

export type WatchView = {
  state: "opening" | "open" | "lost" | "refused"
  why?: string | undefined
  isPaused: boolean
  /** The newest first. */
  entries: WatchEntry[]
  /** What came while it was paused. */
  waiting: number
}

export const maxEntries = 200
const leastPauseMs = 1000
const mostPauseMs = 15_000
/** A page that nobody sees watches no more after this long. */
const unseenMs = 30_000

/** Requests of a hostname as they end, the newest bounded; comes again by itself when the watch ends or is lost, and rests while the page is not seen. */
export class RequestWatch {
  private view: WatchView = { state: "opening", isPaused: false, entries: [], waiting: 0 }
  private watchers = new Set<() => void>()
  private come: WatchEntry[] = []
  private asking: AbortController | undefined
  private again: ReturnType<typeof setTimeout> | undefined
  private resting: ReturnType<typeof setTimeout> | undefined
  private pauseMs = leastPauseMs
  private next = 1

  constructor(private path: string) {}

  subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher)
    return () => this.watchers.delete(watcher)
  }

  snapshot = (): WatchView => this.view

  /** Watches until the answer is called. */
  begin = (): (() => void) => {
    this.open()
    document.addEventListener("visibilitychange", this.onSeen)
    return () => {
      document.removeEventListener("visibilitychange", this.onSeen)
      clearTimeout(this.resting)
      this.close()
    }
  }

  open(): void {
    this.close()
    this.show({ state: "opening", why: undefined })
    const asking = (this.asking = new AbortController())
    void this.read(asking.signal)
  }

  setPaused(isPaused: boolean): void {
    this.show({ isPaused })
    if (!isPaused) this.take()
  }

  clear(): void {
    this.come = []
    this.show({ entries: [], waiting: 0 })
  }

  private onSeen = () => {
    clearTimeout(this.resting)
    if (document.hidden) this.resting = setTimeout(() => this.close(), unseenMs)
    else if (this.asking === undefined && this.view.state !== "refused") this.open()
  }

  private close(): void {
    this.asking?.abort()
    this.asking = undefined
    clearTimeout(this.again)
  }

  private async read(signal: AbortSignal): Promise<void> {
    try {
      for await (const { event, data } of eventsOf(this.path, signal)) {
        if (signal.aborted) return
        this.pauseMs = leastPauseMs
        if (event === "ready") this.show({ state: "open" })
        if (event === "requests") this.add(data as { requests: WatchedRequest[]; left_out: number })
      }
    } catch (error) {
      if (signal.aborted) return
      // Another try would be refused as well, but for one that asks for patience.
      if (error instanceof ApiFault && error.status >= 400 && error.status < 500) return this.show({ state: "refused", why: error.message })
      this.show({ state: "lost" })
    }
    if (signal.aborted) return
    this.again = setTimeout(() => this.open(), this.pauseMs)
    this.pauseMs = Math.min(this.pauseMs * 2, mostPauseMs)
  }

  private add({ requests, left_out }: { requests: WatchedRequest[]; left_out: number }): void {
    for (const request of requests) this.come.push({ key: this.next++, request })
    if (left_out > 0) this.come.push({ key: this.next++, leftOut: left_out })
    this.take()
  }

  private take(): void {
    if (this.come.length > maxEntries) this.come.splice(0, this.come.length - maxEntries)
    if (this.view.isPaused) return this.show({ waiting: this.come.length })
    const entries = [...this.come.splice(0).reverse(), ...this.view.entries].slice(0, maxEntries)
    this.show({ entries, waiting: 0 })
  }

  private show(part: Partial<WatchView>): void {
    this.view = { ...this.view, ...part }
    for (const watcher of this.watchers) watcher()
  }
}
