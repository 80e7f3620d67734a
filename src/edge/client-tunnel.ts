import type { Client } from "./client"
import type { EdgeLimits } from "./limits"
import { Tunnel } from "./tunnel"
import type { UpstreamConnection } from "./upstream-pool"
import type { Wire, WireUser } from "./wire"

/** What an HTTP/1 client connection becomes by an upgrade: bytes both ways, until both have ended or nothing moved for too long. */
export class ClientTunnel implements Client, WireUser {
  deadline = 0
  private tunnel: Tunnel

  constructor(
    private wire: Wire,
    readonly serverName: string,
    readonly address: string,
    upstream: UpstreamConnection,
    limits: EdgeLimits,
    private leave: (tunnel: ClientTunnel) => void,
  ) {
    this.expectWithin(limits.tunnelIdleMs)
    this.tunnel = new Tunnel(wire, upstream, {
      onActivity: () => this.expectWithin(limits.tunnelIdleMs),
      onClosed: () => {
        // What was received before the close still goes out; a client that does not take it is cut off.
        this.wire.end()
        this.expectWithin(this.wire.writableLength > 0 ? limits.responseIdleMs : limits.lingerMs)
      },
    })
    wire.user = this
  }

  /** What had come from either side before; `ended` where the client will say no more. */
  begin(fromUpstream: Buffer, fromClient: Buffer, ended: boolean): void {
    if (fromUpstream.length > 0) this.tunnel.onUpstreamData(fromUpstream)
    if (fromClient.length > 0) this.tunnel.fromClient(fromClient)
    if (ended) this.tunnel.clientEnded()
  }

  get bufferedBytes(): number {
    return this.wire.writableLength
  }

  get heldBytes(): number {
    return this.wire.heldBytes + this.tunnel.heldBytes
  }

  /** A tunnel has no requests to wait for: it ends with its listener. */
  drain(): void {}

  retire(): void {
    this.wire.reset()
  }

  destroy(): void {
    this.wire.reset()
  }

  onDeadline(): void {
    this.wire.reset()
  }

  onData(chunk: Buffer): void {
    this.tunnel.fromClient(chunk)
  }

  onEnd(): void {
    this.tunnel.clientEnded()
  }

  onDrain(): void {
    this.tunnel.clientDrained()
  }

  onClosed(): void {
    this.tunnel.stop()
    this.leave(this)
  }

  private expectWithin(ms: number): void {
    this.deadline = performance.now() + ms
  }
}
