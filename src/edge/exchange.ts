import type { BodyPart } from "./body-framing"
import type { Failure } from "./error-page"
import type { RequestHead } from "./request-head"
import type { ResponseHead } from "./response-head"
import type { UpstreamConnection } from "./upstream-pool"

/** The client's side of an exchange, whatever protocol it speaks. */
export interface ExchangeClient {
  /** An interim response (RFC 9110 section 15.2). */
  interim(head: ResponseHead): void
  /** The response begins, with what has already arrived of its body. The head is only valid during the call. False: wait for `clientDrained`. */
  respond(head: ResponseHead, body: BodyPart): boolean
  /** More of the body. */
  body(part: BodyPart): boolean
  pauseReading(): void
  resumeReading(): void
  /** A later moment by which something must have moved. */
  expectWithin(ms: number): void
  /** The response is complete. */
  finished(): void
  /** No response was begun: the client gets an error page. */
  failed(failure: Failure): void
  /** The response was begun and cannot be completed: the client must see that. */
  aborted(): void
  /** The upstream has changed protocols; from now on there are only bytes. */
  upgraded(head: ResponseHead, connection: UpstreamConnection, firstBytes: Buffer): void
}

/** What every exchange shows of itself, whatever protocol its upstream speaks. */
export interface Exchange {
  readonly status: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly connectMs: number
  readonly firstByteMs: number
  readonly upstreamName: string
  readonly requestDone: boolean
  readonly responseBegun: boolean
  /** Memory held for what of the request the application does not take. */
  readonly heldBytes: number
  /** The application is not there, and awaited. */
  readonly isHeld: boolean
  /** Sends the head with what has already arrived of the body. */
  start(body: BodyPart): void
  /** Sends more of the request's body. */
  send(part: BodyPart): void
  /** The client is gone or its message broke off: nothing more is sent or reported. */
  cancel(): void
  /** The client takes bytes again. */
  clientDrained(): void
  /** Nothing moved for too long. */
  onDeadline(): void
}

/** Interim responses that an upstream may send before the final one. */
export const INTERIM_COUNT = 16
const repeatable = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])

/** Whether a request may be sent a second time when the first went to a connection that was just being closed (RFC 9110 section 9.2.2). */
export const mayRepeat = (head: RequestHead, upgrade: string | undefined) =>
  head.framing.kind === "none" && upgrade === undefined && repeatable.has(head.method)
