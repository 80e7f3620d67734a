import type { Exchange, ExchangeClient } from "./exchange"
import type { Origin } from "./origin"
import { upgradeProtocol } from "./forwarded-head"
import { Http1Exchange } from "./http1-exchange"
import { Http2Exchange } from "./http2-exchange"
import type { RelayContext } from "./relay-context"
import type { RequestHead } from "./request-head"
import { speaksHttp2, type Upstream } from "./route-table"

/** The exchange that speaks what the upstream speaks. An upgrade needs HTTP/1.1; an upstream of HTTP/2 gets the request without it. */
export function openExchange(
  client: ExchangeClient,
  head: RequestHead,
  upstream: Upstream,
  origin: Origin,
  context: RelayContext,
  upgrade: string | undefined = upgradeProtocol(head),
): Exchange {
  if (speaksHttp2(upstream)) return new Http2Exchange(client, head, upstream, origin, context)
  return new Http1Exchange(client, head, upstream, origin, context, upgrade)
}
