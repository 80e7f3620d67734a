import type { ChallengeCertificate } from "../acme/challenges"
import type { LogFields, LogLevel } from "../log"
import type { ListenAt } from "./acceptor"
import type { CertificatePair } from "./certificates"
import type { RouteChange } from "./route-change"
import type { RequestBatch } from "../traffic/requests"
import type { PackedMinute } from "./traffic-counters"

/** Settings that may change while a thread runs; `maxConnections` is the thread's own share. */
export type ThreadSettings = {
  maxConnections: number
  trustedProxies: string[]
  isLogged: boolean
  logLevel: LogLevel
  holdMs: number
}

/** All that a thread begins with. */
export type ThreadStart = {
  at: ListenAt
  routes: RouteChange
  challenges: [hostname: string, certificate: ChallengeCertificate][]
  settings: ThreadSettings
  /** Hosts whose requests somebody watches. */
  watched: string[]
  proxyProtocol: string[]
  handshakeMs: number
  /** What the thread's connections may hold for peers who do not take it. */
  bufferBytes: number
}

/** What the main thread asks; each is answered with `done`, in the order in which they came. */
export type ThreadRequest =
  | { kind: "start"; start: ThreadStart }
  | { kind: "routes"; change: RouteChange }
  /** Without a certificate the challenge is over. */
  | { kind: "challenge"; hostname: string; certificate: ChallengeCertificate | undefined }
  /** Asks for what was counted since the last time. */
  | { kind: "traffic"; minuteStart: number }
  /** Asks for the counts of all hostnames together alone. */
  | { kind: "totals" }
  /** Requests of these hosts are wanted, and of no others. */
  | { kind: "watch"; hosts: string[] }
  | { kind: "drain"; limitMs: number }
  | { kind: "stop" }

/** What the answers of a thread hold: its port or why it does not listen after `start`, counts after `traffic`, `totals` and `stop`. */
export type ThreadAnswer = {
  port?: number
  fault?: { message: string; code?: string }
  minute?: PackedMinute
  /** As `EdgeTotals.take` hands it over. */
  totals?: Float64Array<ArrayBuffer>
  load?: EdgeLoad
}

/** What a listener has in hand at the moment: connections, and requests that wait for an application to come up. */
export type EdgeLoad = { connections: number; held: number }

/** To a thread of the edge. */
export type ToThread =
  | { kind: "ask"; id: number; request: ThreadRequest }
  | { kind: "settings"; settings: ThreadSettings }
  | { kind: "certificate"; hostname: string; answer: CertificatePair | { refusal: string } }
  /** The certificate of a name was replaced or taken away. */
  | { kind: "forget"; hostname: string }
  /** What became of the lines last sent. */
  | { kind: "written"; isLost: boolean }

/** From a thread of the edge; `access` is sent again only after `written`. */
export type FromThread =
  | { kind: "done"; id: number; answer: ThreadAnswer }
  | { kind: "certificate"; hostname: string }
  | { kind: "access"; lines: Uint8Array<ArrayBuffer> }
  | { kind: "requests"; batches: RequestBatch[] }
  | { kind: "log"; level: LogLevel; message: string; fields: LogFields | undefined }
