import type { Log } from "../log"
import type { AccessLog } from "./access-log"
import { BufferBudget, DEFAULT_BUFFER_BYTES } from "./buffer-budget"
import type { EdgeTotals } from "./edge-totals"
import { FieldLines } from "./fields"
import { BufferPool } from "./http2/buffer-pool"
import { Holds } from "./holds"
import { defaultHttp2Limits } from "./http2/limits"
import { defaultLimits, type EdgeLimits } from "./limits"
import { Outbox } from "./outbox"
import type { RequestHead } from "./request-head"
import type { RequestTap } from "./request-tap"
import type { RouteTable } from "./route-table"
import type { TrustedProxies } from "./trusted-proxies"
import { UpstreamPool } from "./upstream-pool"
import { UpstreamSessions } from "./upstream-sessions"

/** What a relay is made of. */
export type RelayParts = {
  routes: RouteTable
  log: Log
  accessLog: AccessLog
  limits?: Partial<EdgeLimits>
  now?: () => number
  isDraining: () => boolean
  isLogged?: () => boolean
  trusted?: () => TrustedProxies | undefined
  traffic?: Traffic
  tap?: RequestTap
  holdMs?: () => number
  budget?: BufferBudget
  answer?: RelayContext["answer"]
}

/** Counts a request of a mapped name; the hostname is kept. */
export interface Traffic {
  /** Counts every request, and connections, whatever their hostname. */
  readonly totals?: EdgeTotals
  note(hostname: string, status: number, bytesIn: number, bytesOut: number, totalMs: number): void
}

/** What all client connections of a listener share. */
export type RelayContext = {
  routes: RouteTable
  pool: UpstreamPool
  sessions: UpstreamSessions
  /** What all of them together may hold for peers who do not take it. */
  budget: BufferBudget
  holds: Holds
  limits: EdgeLimits
  accessLog: AccessLog
  now: () => number
  isDraining: () => boolean
  isLogged: () => boolean
  /** The proxies whose word about a client counts at the moment. */
  trusted?: () => TrustedProxies | undefined
  traffic?: Traffic
  /** Takes down requests of names that somebody watches. */
  tap?: RequestTap
  outbox: Outbox
  /** Where the response head that is just being passed on is parsed into. */
  responseLines: FieldLines
  /** Used again and again by request heads, one of them at a time. */
  requestLines: FieldLines[]
  /** What HTTP/2 connections gather their frames in. */
  buffers: BufferPool
  /** An answer of the listener's own to a request, instead of the route's. */
  answer?: (head: RequestHead, facts: ClientFacts) => OwnAnswer | undefined
}

/** Makes what connections share, with limits and clock by default. */
export function relayContext(parts: RelayParts): RelayContext {
  const limits = { ...defaultLimits, ...parts.limits }
  const { now = Date.now, holdMs = () => limits.holdMs, budget = new BufferBudget(DEFAULT_BUFFER_BYTES, parts.log) } = parts
  const pool = new UpstreamPool(limits, parts.log, budget)
  return {
    ...parts,
    limits,
    pool,
    sessions: new UpstreamSessions(pool, limits, budget),
    budget,
    holds: new Holds({ routes: parts.routes, pool, limits, holdMs, now }),
    now,
    isLogged: parts.isLogged ?? (() => true),
    outbox: new Outbox(),
    responseLines: new FieldLines(limits.fieldCount),
    requestLines: [],
    buffers: new BufferPool(defaultHttp2Limits.outputBytes),
  }
}

/** A whole response of HTTP/1.1, after which the connection ends. */
export type OwnAnswer = { status: number; response: string }

/** What is known of a client connection before its first request; `serverName` and `tls` are empty without TLS. */
export type ClientFacts = { serverName: string; address: string; tls: string }
