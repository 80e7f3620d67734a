import type { HeaderField } from "./hpack-table"
import type { Http2Stream, StreamUser } from "./stream"

/** What the receiving side of a session asks of the whole. */
export interface SessionEvents {
  /** A fault of the peer that ends the connection. */
  fail(code: number, message: string): void
  onRequest(stream: Http2Stream, fields: HeaderField[], ended: boolean, tooLarge: boolean): StreamUser | undefined
  onPingAnswer(): void
  onGoAway(lastId: number): void
  /** Requests that come now came too late: the last GOAWAY has left. */
  refusesStreams(): boolean
}
