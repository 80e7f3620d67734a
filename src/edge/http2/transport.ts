/** Where a session's bytes go: a socket, TLS or not. */
export interface Transport {
  /**
   * Takes the bytes; they may be reused by the caller as soon as it returns, so that the transport copies what it cannot send at once. False
   * when it is backed up: `session.onTransportDrained()` tells when it is not any more.
   */
  write(bytes: Buffer): boolean
  /** Ends after what was written. */
  end(): void
  /** Cuts off. */
  destroy(): void
}
