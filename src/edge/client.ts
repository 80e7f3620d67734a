import type { Timed } from "./connection-set"

/** A client connection after its handshake, whatever protocol it speaks. */
export interface Client extends Timed {
  /** Bytes held for the client that the network has not taken. */
  readonly bufferedBytes: number
  /** Takes no further requests, and ends when those under way have. */
  drain(): void
  destroy(): void
}
