import { withoutSecret } from "../secret-path"
import type { WatchedRequest } from "../traffic/requests"
import { type Failure, failures } from "./error-page"
import type { Exchange } from "./exchange"
import type { ClientFacts, RelayContext } from "./relay-context"
import type { RequestHead } from "./request-head"
import { isOwnApi, type Route } from "./route-table"
import { shownPath } from "./shown-path"

const longestMethod = 32
const protocols = ["HTTP/1.0", "HTTP/1.1", "HTTP/2"] as const

/** What became of a request that was not answered in full, besides the failures that have a page. */
export type Ending = Failure | "client_left" | "broken_off"

/** A request that has just ended; without a head it was not understood, without a route or an exchange it went nowhere. */
export type EndedRequest = {
  head: RequestHead | undefined
  route: Route | undefined
  exchange: Exchange | undefined
  status: number
  client: string
  startedAt: number
  requestId: string
  /** Of the connection, where there is no head to tell. */
  version: number
  ending?: Ending | undefined
}

/** Counts a request of a mapped name, tells whoever watches the name, and writes it to the access log where that is wanted. */
export function recordRequest(context: RelayContext, facts: ClientFacts, ended: EndedRequest): void {
  const { head, route, exchange, status } = ended
  const totalMs = performance.now() - ended.startedAt
  context.traffic?.totals?.request(ended, facts.tls !== "", totalMs)
  if (route) context.traffic?.note(route.host, status, exchange?.bytesIn ?? 0, exchange?.bytesOut ?? 0, totalMs)
  const watched = context.tap?.watched
  if (watched !== undefined && route !== undefined && watched.has(route.host))
    context.tap!.note(route.host, () => watchedRequest(context, facts, ended, route, totalMs))
  if (route?.unlogged || !context.isLogged()) return
  context.accessLog.add({
    time: context.now(),
    host: head?.host ?? facts.serverName,
    method: head?.method ?? "",
    path: head ? loggedPath(head.target, route) : "",
    protocol: protocols[head?.version ?? ended.version]!,
    status,
    bytesIn: exchange?.bytesIn ?? 0,
    bytesOut: exchange?.bytesOut ?? 0,
    upstream: exchange?.upstreamName ?? "",
    connectMs: exchange?.connectMs ?? 0,
    firstByteMs: exchange?.firstByteMs ?? 0,
    totalMs,
    tls: facts.tls,
    requestId: ended.requestId,
    client: ended.client,
  })
}

/** A path without its query. Our own one-time links have their secret in the path, and would be read here before they are used. */
function loggedPath(target: string, route: Route | undefined): string {
  const query = target.indexOf("?")
  const path = query < 0 ? target : target.slice(0, query)
  return isOwnApi(route) ? withoutSecret(path) : path
}

function watchedRequest(context: RelayContext, facts: ClientFacts, ended: EndedRequest, route: Route, durationMs: number): WatchedRequest {
  const { head, exchange } = ended
  const failure = failureInWords(ended, route)
  return {
    endedAt: context.now(),
    durationMs,
    host: head?.host ?? facts.serverName,
    method: (head?.method ?? "").slice(0, longestMethod),
    path: head === undefined ? "" : shownPath(head.target),
    protocol: protocols[head?.version ?? ended.version]!,
    tls: facts.tls,
    status: ended.status,
    bytesIn: exchange?.bytesIn ?? 0,
    bytesOut: exchange?.bytesOut ?? 0,
    client: ended.client,
    requestId: ended.requestId,
    ...(failure === undefined ? {} : { failure }),
  }
}

function failureInWords({ ending }: EndedRequest, { target }: Route): string | undefined {
  if (ending === undefined) return undefined
  if (ending === "client_left") return "The client left, or took nothing more, before the answer was complete."
  if (ending === "broken_off") return "The application broke off its answer."
  const { sentence } = failures[ending]
  return ending === "stopped" && target.kind === "stopped" ? `${sentence} Reason: ${target.reason}.` : sentence
}
