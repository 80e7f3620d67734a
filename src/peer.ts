/** The far end of an open WebSocket (RFC 6455). */
export interface Peer {
  /** A text frame for a string, else a binary one. False says that the peer does not keep up: nothing more should come before `onDrain`. */
  send(message: string | Uint8Array): boolean
  /** Lets the peer wait, by not reading from it. */
  pause(): void
  resume(): void
  /** Ends with a close frame; `onClosed` follows. The reason has at most 123 bytes. */
  close(code: number, reason: string): void
}

/** Who deals with a peer. Bytes that come belong to the receiver. */
export interface PeerUser {
  onMessage(message: string | Buffer): void
  onDrain(): void
  /** The last call, whoever closed. */
  onClosed(): void
}

/** A path at which WebSockets are opened. */
export interface SocketRoute {
  /** With `:name` for a segment: `/compute/containers/:id/terminal`. */
  path: string
  /** Whether each opening goes on record, as what changes something does. */
  isOnRecord: boolean
  /** A plain `GET` of the path is an ordinary request, which is answered elsewhere; otherwise it is told what opening a socket would be. */
  isAlsoPlain?: boolean
  /** How many one person may have open. */
  maxPerPerson: number
  /** Subprotocols that are understood (RFC 6455 section 1.9), the preferred first; a client that offers none of them is served too. */
  protocols?: string[]
  /** Who asks, and that they may; asked again while the socket is open. Throws AppError. */
  authorize(request: Request, params: Record<string, string>): Promise<{ personId: string; isAdmin: boolean }>
  /**
   * What else decides before the socket opens, and what then deals with it. Throws AppError, which becomes an HTTP answer. It may start something
   * only where `isAlsoPlain`; when the handshake fails after it, the answer is called for a peer that is gone already.
   */
  prepare(opening: SocketOpening): Promise<(peer: Peer) => PeerUser>
  /** Resolves when what the peers had started is at its end; they are closed before. */
  stop?(): Promise<void>
}

/** What a client asks for when it opens a socket. */
export type SocketOpening = {
  caller: { personId: string; isAdmin: boolean }
  params: Record<string, string>
  query: URLSearchParams
  /** The subprotocol in force. */
  protocol: string | undefined
}
