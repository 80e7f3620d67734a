import type { Failure } from "./error-page"
import type { ClientFacts, OwnAnswer, RelayContext } from "./relay-context"
import type { RequestHead } from "./request-head"
import type { Route, Upstream } from "./route-table"

/** What becomes of a request: the listener's own answer, a failure to tell, an upstream, or a wait for one that is on its way up. */
export type Admission =
  { own: OwnAnswer } | { failure: Failure; route?: Route } | { route: Route; upstream: Upstream } | { route: Route; isAwaited: true }

/**
 * Own answer → host check → route. A request for another host than the connection's is misdirected (RFC 9110 section 15.5.20), unless one wildcard
 * serves both: clients reuse a connection for every name of its certificate (RFC 9113 section 9.1.1), and here all of them are one application's.
 */
export function admit(head: RequestHead, facts: ClientFacts, context: RelayContext): Admission {
  const { serverName } = facts
  if (serverName !== "" && head.host !== serverName && !context.routes.shareWildcard(head.host, serverName))
    return { failure: "misdirected" }
  const own = context.answer?.(head, facts)
  if (own) return { own }
  const route = context.routes.match(head.host)
  if (!route) return { failure: "not_mapped" }
  const { target } = route
  if (target.kind === "upstream") return { route, upstream: target.upstream }
  return (target.awaitedUntil ?? 0) > context.now() ? { route, isAwaited: true } : { failure: "stopped", route }
}
