import { count } from "../parts/time"

/** Words of traffic. */
export const traffic = {
  title: "Traffic",
  ranges: { hour: "Hour", day: "Day", week: "Week" } as Record<string, string>,
  range: "Time shown",
  requests: "Requests",
  statuses: "Answers by class",
  latency: "Time to the end of the answer",
  bytes: "Bytes",
  received: "received",
  sent: "sent",
  none: "No request in this time.",
  total: (n: number) => `${count(n)} ${n === 1 ? "request" : "requests"}`,
  failed: (n: number) => `${count(n)} answered 5xx`,
}

/** Words of the requests that are told of while one watches. */
export const requests = {
  title: "Recent requests",
  list: "Recent requests, the newest first",
  columns: ["Time", "Status", "Request", "Took", "Sent", "Client"],
  state: {
    opening: "Beginning to watch…",
    open: "Watching",
    paused: "Paused",
    lost: "Connection lost. Trying again…",
    refused: "Not watching",
  },
  waiting: (n: number) => `${count(n)} since`,
  pause: "Pause",
  goOn: "Go on",
  clear: "Clear",
  retry: "Try again",
  filter: "Filter by path, client or status",
  failedOnly: "Errors only",
  emptyTitle: "Requests appear here as they end",
  empty: (name: string) =>
    `Open ${name} in another tab and watch. Nothing is recorded while nobody watches, and nothing of this list is kept. Values in queries are left out.`,
  noneShown: "None of the requests so far matches.",
  leftOut: (n: number) => `${count(n)} more ${n === 1 ? "request was" : "requests were"} left out: too many at once`,
  requestId: "Request ID",
  received: (size: string) => `${size} received`,
}
