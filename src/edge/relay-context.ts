import type { AccessLog } from "./access-log"
import type { EdgeLimits } from "./limits"
import type { RouteTable } from "./route-table"
import type { UpstreamPool } from "./upstream-pool"

/** What all client connections of a listener share. */
export type RelayContext = {
  routes: RouteTable
  pool: UpstreamPool
  limits: EdgeLimits
  accessLog: AccessLog
  now: () => number
  isDraining: () => boolean
}

/** What is known of a client connection before its first request. */
export type ClientFacts = { serverName: string; address: string; tls: string }
