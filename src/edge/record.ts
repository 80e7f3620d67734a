import { withoutSecret } from "../secret-path"
import type { Exchange } from "./exchange"
import type { ClientFacts, RelayContext } from "./relay-context"
import type { RequestHead } from "./request-head"
import { isOwnApi, type Route } from "./route-table"

const protocols = ["HTTP/1.0", "HTTP/1.1", "HTTP/2"] as const

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
}

/** Counts a request of a mapped name, and writes it to the access log where that is wanted. */
export function recordRequest(context: RelayContext, facts: ClientFacts, ended: EndedRequest): void {
  const { head, route, exchange, status } = ended
  const totalMs = performance.now() - ended.startedAt
  context.traffic?.totals?.request(ended, facts.tls !== "", totalMs)
  if (route) context.traffic?.note(route.host, status, exchange?.bytesIn ?? 0, exchange?.bytesOut ?? 0, totalMs)
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
