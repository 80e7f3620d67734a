import type { Failure } from "./error-page"
import type { ClientFacts, OwnAnswer, RelayContext } from "./relay-context"
import type { RequestHead } from "./request-head"
import type { Route, Upstream } from "./route-table"

/** What becomes of a request: the listener's own answer, a failure to tell, or an upstream. */
export type Admission = { own: OwnAnswer } | { failure: Failure; route?: Route } | { route: Route; upstream: Upstream }

/**
 * Own answer → host check → route. A request for another host than the connection's is misdirected (RFC 9110 section 15.5.20), unless one wildcard
 * serves both: clients reuse a connection for every name of its certificate (RFC 9113 section 9.1.1), and here all of them are one application's.
 */
export function admit(head: RequestHead, facts: ClientFacts, context: RelayContext): Admission {
  const { serverName } = facts
  if (serverName !== "" && head.host !== serverName && !context.routes.shareWildcard(head.host, serverName))
    return { failure: "misdirected" }
  const own = context.answer?.(head)
  if (own) return { own }
  const route = context.routes.match(head.host)
  if (!route) return { failure: "not_mapped" }
  const { target } = route
  return target.kind === "stopped" ? { failure: "stopped", route } : { route, upstream: target.upstream }
}
