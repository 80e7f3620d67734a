import type { Socket } from "node:net"
import type { ServerChannel } from "ssh2"

const fullBytes = 256 * 1024
const maxUnsentBytes = 1024 * 1024

type Piece = { bytes: Uint8Array; stream: "stdout" | "stderr" }

/**
 * What goes out on one channel, in order and one write at a time. The writer is told to wait while the client's window is used up or the network
 * does not keep up, which ssh2 by itself does not look at.
 */
export class ChannelOutput {
  /** Called when there is room again after `write` said that there is none. */
  onRoom: () => void = () => {}
  private queue: Piece[] = []
  private queuedBytes = 0
  private isWriting = false
  private isFull = false
  private isClosed = false
  private drained: (() => void) | undefined
  private awaitsSocket = false

  constructor(
    private channel: ServerChannel,
    private socket: Socket,
  ) {}

  /** Takes all bytes; false asks for no more before `onRoom`. */
  write(bytes: Uint8Array, stream: "stdout" | "stderr" = "stdout"): boolean {
    if (this.isClosed || bytes.length === 0) return true
    this.queue.push({ bytes, stream })
    this.queuedBytes += bytes.length
    this.next()
    this.isFull ||= this.queuedBytes > fullBytes
    return !this.isFull
  }

  /** Resolves when ssh2 has taken everything, or when nothing more can be sent. */
  flush(): Promise<void> {
    if (this.isClosed || this.queuedBytes === 0) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.drained = resolve
    return promise
  }

  /** Drops what waits: the channel is gone. */
  close(): void {
    this.isClosed = true
    this.queue = []
    this.queuedBytes = 0
    this.socket.off("drain", this.continue)
    this.drained?.()
  }

  private continue = () => {
    this.awaitsSocket = false
    this.next()
  }

  private next(): void {
    if (this.isWriting || this.isClosed || this.awaitsSocket) return
    if (this.socket.writableLength > maxUnsentBytes) {
      this.awaitsSocket = true
      this.socket.once("drain", this.continue)
      return
    }
    const piece = this.queue.shift()
    if (piece === undefined) return
    this.isWriting = true
    const target = piece.stream === "stderr" ? this.channel.stderr : this.channel
    target.write(piece.bytes, () => this.wrote(piece.bytes.length))
  }

  private wrote(length: number): void {
    this.isWriting = false
    // ssh2 keeps what once waited for the window, and would send it again when something of the other stream waits.
    Object.assign(this.channel, { _chunk: undefined, _chunkErr: undefined, _chunkcb: undefined, _chunkcbErr: undefined })
    if (this.isClosed) return
    this.queuedBytes -= length
    this.next()
    if (this.queuedBytes === 0) this.drained?.()
    if (!this.isFull || this.queuedBytes > fullBytes / 4) return
    this.isFull = false
    this.onRoom()
  }
}
