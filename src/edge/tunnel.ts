import type { UpstreamConnection, UpstreamUser } from "./upstream-pool"

/** The client's end of a tunnel: a Wire, or a stream of HTTP/2. */
export interface TunnelEnd {
  write(chunk: Buffer): boolean
  end(): void
  pause(): void
  resume(): void
}

/** Bytes both ways after a 101 (RFC 9110 section 7.8), with back-pressure and half-close; ends when both ways have ended, or on a fault of either. */
export class Tunnel implements UpstreamUser {
  bytesIn = 0
  bytesOut = 0

  constructor(
    private client: TunnelEnd,
    private upstream: UpstreamConnection,
    private options: { onActivity: () => void; onClosed: () => void },
  ) {
    upstream.user = this
  }

  /** Memory held for what the upstream does not take. */
  get heldBytes(): number {
    return this.upstream.wire.heldBytes
  }

  fromClient(chunk: Buffer): void {
    this.bytesIn += chunk.length
    this.options.onActivity()
    if (!this.upstream.wire.write(chunk)) this.client.pause()
  }

  clientEnded(): void {
    this.upstream.wire.end()
  }

  clientDrained(): void {
    this.upstream.wire.resume()
  }

  onUpstreamConnected(): void {}

  onUpstreamData(chunk: Buffer): void {
    this.bytesOut += chunk.length
    this.options.onActivity()
    if (!this.client.write(chunk)) this.upstream.wire.pause()
  }

  onUpstreamDrain(): void {
    this.client.resume()
  }

  onUpstreamEnd(): void {
    this.client.end()
  }

  onUpstreamClosed(): void {
    this.options.onClosed()
  }

  stop(): void {
    this.upstream.discard()
  }
}
