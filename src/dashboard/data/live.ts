import { useSyncExternalStore } from "react"
import { apiOrigin } from "./api"
import { queryClient, refresh, type Topic } from "./queries"

/** `away` is said only after a moment, so that a restart does not make every page blink. */
export type LiveState = "on" | "away"

const awayAfterMs = 4000
const mostPauseMs = 15_000

let state: LiveState = "on"
const watchers = new Set<() => void>()
let source: EventSource | undefined
let again: ReturnType<typeof setTimeout> | undefined
let away: ReturnType<typeof setTimeout> | undefined
let pauseMs = 1000

/** Opens the one event stream of this page; it comes again by itself until `endLive`. */
export function beginLive(): void {
  if (source !== undefined) return
  clearTimeout(again)
  source = new EventSource(`${apiOrigin}/api/events`, { withCredentials: true })
  let isFirst = true
  source.addEventListener("ready", () => {
    pauseMs = 1000
    clearTimeout(away)
    away = undefined
    // What happened while nobody listened nobody was told.
    if (!isFirst || state === "away") void queryClient.invalidateQueries()
    isFirst = false
    become("on")
  })
  source.addEventListener("changed", ({ data }: MessageEvent<string>) => {
    const { topics } = JSON.parse(data) as { topics: Topic[] }
    void refresh(...topics)
  })
  source.addEventListener("error", () => {
    away ??= setTimeout(() => become("away"), awayAfterMs)
    // The browser tries again by itself, but for an answer that is none.
    if (source?.readyState !== EventSource.CLOSED) return
    source = undefined
    // It may be that nobody is signed in any more.
    void refresh("session")
    again = setTimeout(beginLive, pauseMs)
    pauseMs = Math.min(pauseMs * 2, mostPauseMs)
  })
}

export function endLive(): void {
  source?.close()
  source = undefined
  clearTimeout(again)
  clearTimeout(away)
  away = undefined
  state = "on"
}

function become(next: LiveState): void {
  if (state === next) return
  state = next
  for (const watcher of watchers) watcher()
}

/** Whether the server is heard. */
export const useLive = (): LiveState =>
  useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    () => state,
  )
