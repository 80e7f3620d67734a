import type { Exchange } from "./exchange"
import { type Origin, originOf } from "./origin"
import { type Ending, recordRequest } from "./record"
import type { ClientFacts, RelayContext } from "./relay-context"
import type { RequestHead } from "./request-head"
import type { Route } from "./route-table"

/** What is known of one request from its first line to its last byte; without a head it was not understood. */
export class RequestInHand {
  readonly id = crypto.randomUUID()
  /** The hostname's route, once it is found. */
  route: Route | undefined
  /** Why it was not answered in full. */
  ending: Ending | undefined
  private readonly startedAt = performance.now()
  private visitor: string

  constructor(
    private context: RelayContext,
    private facts: ClientFacts,
    public head: RequestHead | undefined,
  ) {
    this.visitor = facts.address
  }

  /** What the upstream is told of the client; the log names the same visitor. */
  origin(head: RequestHead): Origin {
    const { client, ...origin } = originOf(head, this.facts, this.context, this.id)
    this.visitor = client
    return origin
  }

  /** Counts and logs the request, which is over; `version` is the connection's. */
  record(status: number, exchange: Exchange | undefined, version: number): void {
    const { head, route, visitor: client, startedAt, id: requestId, ending } = this
    recordRequest(this.context, this.facts, { head, route, exchange, status, client, startedAt, requestId, version, ending })
  }
}
