import type { Timed } from "./connection-set"

/** A client connection after its handshake, whatever protocol it speaks. */
export interface Client extends Timed {
  /** Where it comes from. */
  readonly address: string
  /** Bytes held for the client that the network has not taken. */
  readonly bufferedBytes: number
  /** Memory held on its behalf for what an other end has not taken: answers, and what it sends to its application. */
  readonly heldBytes: number
  /** Takes no further requests, and ends when those under way have. */
  drain(): void
  /** The name that it belongs to; empty for one that may ask for any. */
  readonly serverName: string
  /** Its name is not mapped any more: ends as by `drain`, a tunnel at once. */
  retire(): void
  destroy(): void
}
