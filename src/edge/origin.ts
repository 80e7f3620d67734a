import { FieldName } from "./field-name"
import type { ClientFacts, RelayContext } from "./relay-context"
import type { RequestHead } from "./request-head"

/** What the edge knows of a request and tells the upstream; `clientAddress` may be a chain, the visitor first. */
export type Origin = { clientAddress: string; requestId: string; proto: "https" | "http" }

/** Who asks, as the upstream is told: the connection's peer, or the visitor whom a proxy that we trust names. */
export function originOf(head: RequestHead, facts: ClientFacts, context: RelayContext, requestId: string): Origin & { client: string } {
  const proto = facts.tls === "" ? "http" : "https"
  const trusted = context.trusted?.()
  if (!trusted?.includes(facts.address)) return { client: facts.address, clientAddress: facts.address, proto, requestId }
  const { address, chain } = trusted.clientOf(facts.address, head.fields.all(FieldName.XForwardedFor))
  const told = trusted.protocolOf(facts.address, head.fields.all(FieldName.XForwardedProto), proto)
  return { client: address, clientAddress: chain, proto: told, requestId }
}
