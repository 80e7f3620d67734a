import type { EdgeTotals } from "../../edge/edge-totals"
import type { HostCount } from "../../edge/host-counts"
import type { EdgeLoad } from "../../edge/thread-messages"
import { byLabel, counter, type Family, gauge } from "../../metrics/family"

export type EdgeReadings = {
  totals: EdgeTotals
  load: () => { https: EdgeLoad; http: EdgeLoad }
  /** At ports of ingress rules. */
  ruleConnections: () => number
  maxConnections: () => number
  serving: () => { threads: number; wanted: number }
  hostnames: () => number
  /** Those that the settings name. */
  named: () => HostCount[]
}

/**
 * What visitors meet. There may be 100,000 hostnames, so only those that the settings name are a label: figures of each are in the API and on the
 * dashboard.
 */
export function edgeFamilies({ totals, load, ruleConnections, maxConnections, serving, hostnames, named }: EdgeReadings): Family[] {
  return [
    {
      name: "freehold_edge_requests_total",
      help: "Requests of visitors that have ended, by scheme, version of HTTP, class of status and who answered: the application, the platform (our own API) or the edge itself (error pages, redirects). One that its client gave up before an answer is a 4xx.",
      labels: ["scheme", "protocol", "code", "answered_by"],
      type: "counter",
      read: () =>
        totals.requests().map(({ scheme, protocol, code, answeredBy, count }) => ({
          labels: { scheme, protocol, code, answered_by: answeredBy },
          value: count,
        })),
    },
    {
      name: "freehold_edge_request_duration_seconds",
      help: "Time from a request's first line to the last byte of its answer, by who answered; a WebSocket's until it was opened.",
      labels: ["answered_by"],
      type: "histogram",
      read: () => totals.durations().map(({ answeredBy, times }) => ({ labels: { answered_by: answeredBy }, times })),
    },
    {
      name: "freehold_edge_first_byte_seconds",
      help: "Time from the moment an application was asked to the first byte of its answer.",
      labels: [],
      type: "histogram",
      read: () => [{ times: totals.firstBytes() }],
    },
    counter("freehold_edge_received_bytes_total", "Bytes of request bodies that came from visitors.", () => totals.bytes.received),
    counter("freehold_edge_sent_bytes_total", "Bytes of answers' bodies that went to visitors.", () => totals.bytes.sent),
    byLabel(
      "counter",
      "freehold_edge_connections_total",
      "Connections of visitors by what became of them: accepted, turned_away at the bound of connections, failed before the first request, as when a handshake is refused, or cut_off since it held most of what other ends do not take; the last two were accepted before.",
      "outcome",
      () => Object.fromEntries(totals.connections().map(({ outcome, count }) => [outcome, count])),
    ),
    byLabel(
      "gauge",
      "freehold_edge_connections",
      "Open connections of visitors by listener; rules is every port of an ingress rule.",
      "listener",
      () => {
        const { https, http } = load()
        return { https: https.connections, http: http.connections, rules: ruleConnections() }
      },
    ),
    gauge("freehold_edge_connections_limit", "Bound of open connections at each listener.", maxConnections),
    gauge("freehold_edge_held_requests", "Requests that wait for an application that is on its way up.", () => {
      const { https, http } = load()
      return https.held + http.held
    }),
    gauge("freehold_edge_threads", "Threads that serve HTTPS.", () => serving().threads),
    gauge("freehold_edge_threads_wanted", "Threads that should serve HTTPS.", () => serving().wanted),
    gauge("freehold_edge_hostnames", "Hostnames that the edge serves.", hostnames),
    {
      name: "freehold_hostname_requests_total",
      help: "Requests of the hostnames that FREEHOLD_METRICS_HOSTNAMES names, by class of status; from the moment when they were named.",
      labels: ["hostname", "code"],
      type: "counter",
      read: () =>
        named().flatMap(({ host, classes }) =>
          Object.entries(classes).map(([code, value]) => ({ labels: { hostname: host, code }, value })),
        ),
    },
    byLabel("counter", "freehold_hostname_sent_bytes_total", "Bytes of answers' bodies of those hostnames.", "hostname", () =>
      Object.fromEntries(named().map(({ host, bytesOut }) => [host, bytesOut])),
    ),
  ]
}
