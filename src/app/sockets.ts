import { LogSockets } from "../compute/log-sockets"
import { Tickets } from "../compute/tickets"
import type { ClientAddresses } from "../http/client-address"
import type { Guards } from "../http/guards"
import type { RequestAudit } from "../http/request-audit"
import { Sockets } from "../http/sockets"
import type { Log } from "../log"
import type { Features } from "./features"

export type SocketParts = {
  features: Pick<Features, "parts" | "statusSockets" | "terminals">
  guards: Guards
  isAllowedOrigin: (origin: string) => boolean
  addresses: ClientAddresses
  audit: RequestAudit
  log: Log
}

/** The WebSockets of the API, and the tickets that open them. */
export function makeSockets({ features, guards, isAllowedOrigin, addresses, audit, log }: SocketParts): {
  sockets: Sockets
  tickets: Tickets
} {
  const tickets = new Tickets()
  const sockets = new Sockets({
    routes: [
      features.statusSockets.route((request) => guards.compute(request, undefined, undefined, "read")),
      features.terminals.route((request, id) => guards.compute(request, "containers", id, "update")),
      new LogSockets(features.parts.output, log).route((request, id) => guards.compute(request, "containers", id, "read")),
    ],
    isAllowedOrigin,
    redeem: (ticket, path) => tickets.redeem(ticket, path),
    onDecision: async ({ request, asked, route, params, status }) => {
      // The audit knows a request by the object that the guards have seen.
      addresses.note(asked, addresses.of(request))
      audit.routed(asked, route.path, params)
      await audit.finished(asked, status, route.isOnRecord)
    },
    log,
  })
  return { sockets, tickets }
}
