import { t } from "elysia"
import { integer, json, maybe, moment, named, number, oneOf, type Operations, said, text } from "./operation"

const minutes = t.Object({
  step: maybe(oneOf(["minute", "hour"], { default: "minute" })),
  from: maybe(said("ISO 8601 with a zone, or Unix milliseconds; the last hour, or for hours the last day, where it is left out.")),
  to: maybe(said("As `from`; not included.")),
})

const counted = {
  step: oneOf(["minute", "hour"]),
  from: moment(),
  to: moment(),
  rows: t.Array(
    t.Object({
      time: moment(),
      requests: integer(),
      statuses: t.Record(t.String(), integer(), { description: "`1xx` to `5xx`." }),
      bytes_in: integer(),
      bytes_out: integer(),
      p50_ms: number(),
      p95_ms: number(),
      p99_ms: number(),
      partial: maybe(t.Literal(true, { description: "The step that is still being counted." })),
    }),
    { description: "A step without requests has none." },
  ),
}

/** `name` is what the family calls a hostname. */
const traffic = <N extends "domain" | "hostname">(title: string, name: N) => named(title, t.Object({ [name]: t.String(), ...counted }))

const day = t.Object({
  id: t.String(),
  requests: t.Array(integer(), { description: "Of 24 hours, the oldest first." }),
  failed: t.Array(integer(), { description: "Answers of 5xx." }),
})

const ofHours = "Minutes are kept for 48 hours and hours for 90 days."
const wrongQuery = "Says which field is wrong; also for more than 10000 rows."
const gone = { 404: "`not found`, also for what is another's." }

const watch = {
  text: 'Server-sent events: `ready` says that from here on every request is told of, each `requests` has `{"requests":[…],"left_out":n}`, and `end`, after a quarter of an hour, that the watch is to be asked for anew. A request is `time` (of its end), `duration_ms`, `host`, `method`, `path`, `protocol`, `tls`, `status`, `bytes_in`, `bytes_out`, `client`, `request_id` and `failure`, a sentence or null. Of a query the names of its parameters are told and never their values. Of a hundred requests in a second, and of 25 in a fifth of a second in one thread of the edge, the rest is counted in `left_out`. Nothing is kept, and while nobody watches nothing is recorded.',
  good: text("Server-sent events.", "text/event-stream"),
}
const watched = { 429: "One person watches ten hostnames already, or all together a hundred." }

/** Traffic of hostnames, of mappings and connections alike. */
export const mappingTraffic: Operations = {
  "GET /api/domain-mappings/traffic": {
    summary: "The last day of all one's hostnames",
    text: "For lists. Mappings without a request are left out; at most half a minute behind the last whole minute.",
    good: json(t.Object({ from: moment(), to: moment(), domains: t.Array(day) })),
  },
  "GET /api/domain-mappings/:id/traffic": {
    summary: "Traffic of a hostname by minute or hour",
    text: ofHours,
    query: minutes,
    good: json(traffic("Traffic", "domain")),
    errors: { ...gone, 400: wrongQuery },
  },
  "GET /api/domain-mappings/:id/requests": { summary: "Requests of a hostname, live", ...watch, errors: { ...gone, ...watched } },
}

export const connectionTraffic: Operations = {
  "GET /v1/connection-traffic": {
    summary: "The last day of all one's connections",
    text: "For lists. Connections without a request are left out; at most half a minute behind the last whole minute.",
    good: json(t.Object({ from: moment(), to: moment(), data: t.Array(day) })),
  },
  "GET /v1/connections/:id/traffic": {
    summary: "Traffic of a connection by minute or hour",
    text: ofHours,
    query: minutes,
    good: json(traffic("ConnectionTraffic", "hostname")),
    errors: { 400: wrongQuery, 404: "`connection not found`, also for what is another's." },
  },
  "GET /v1/connections/:id/requests": {
    summary: "Requests of a connection's hostname, live",
    ...watch,
    errors: { 404: "`connection not found`, also for what is another's.", ...watched },
  },
}
