import type { Log } from "../log"
import type { BufferBudget } from "./buffer-budget"

/** Whoever a connection's bytes belong to at the moment. */
export interface WireUser {
  /** The chunk is the receiver's to keep. */
  onData(chunk: Buffer): void
  /** The peer has ended its side. */
  onEnd(): void
  /** `write` said false before, and everything has gone out since. */
  onDrain(): void
  /** Called once, last. */
  onClosed(): void
}

/** Bun's socket, as far as a Wire needs it. */
export interface RawSocket {
  write(bytes: Uint8Array, offset: number, length: number): number
  shutdown(): void
  close(): void
  terminate(): void
  pause(): void
  resume(): void
}

/** What was not sent, and the memory that it holds, which is a whole buffer where it was not copied. */
type Piece = { bytes: Buffer; cost: number }

/** From here on, what was not sent is kept in its own buffer rather than copied, though that holds the whole buffer. */
const KEPT_BYTES = 64 * 1024

/**
 * A TCP, TLS or Unix connection on Bun's own socket, without the streams of node:net: a write goes to the network at once and from any buffer,
 * and only what the network does not take is copied and kept. May be written to before it is open.
 */
export class Wire {
  /** No more can be written: our side has ended or the connection is gone. */
  closed = false
  private socket: RawSocket | undefined
  private queue: Piece[] = []
  private queuedBytes = 0
  private ending = false
  private paused = false
  private behind = false
  private shutDown = false

  /** Of the queue, what the budget was told of. */
  private counted = 0

  /** Set before anything can happen to the connection. */
  user!: WireUser

  /** What is kept is counted against the budget. */
  constructor(private budget?: BufferBudget) {}

  /** What was written before a socket was there, which may be never: takes it out, so that it can be sent elsewhere. */
  takeUnsent(): Buffer[] {
    const { queue } = this
    if (this.socket) return []
    this.queue = []
    this.queuedBytes = 0
    this.uncount(this.counted)
    return queue.map(({ bytes }) => bytes)
  }

  /** The memory that they hold. */
  get heldBytes(): number {
    return this.counted
  }

  /** Bytes that the network has not taken yet. */
  get writableLength(): number {
    return this.queuedBytes
  }

  /** Called once when the socket is there. */
  open(socket: RawSocket): void {
    if (this.closed) return socket.terminate()
    this.socket = socket
    if (this.paused) socket.pause()
    if (this.behind) this.onDrain()
    else if (this.ending) this.shut()
  }

  /**
   * Sends bytes of a buffer, which may be reused as soon as this returns unless it is `lasting`. False when some had to be kept: `onDrain`
   * tells when they are gone.
   */
  write(bytes: Buffer, from = 0, to = bytes.length, lasting = false): boolean {
    if (this.closed || this.ending) return true
    let sent = from
    if (this.socket && this.queuedBytes === 0) {
      const taken = to > from ? this.socket.write(bytes, from, to - from) : 0
      if (taken < 0) return true
      sent += taken
      if (sent >= to) return true
    }
    const keep = lasting && to - sent >= KEPT_BYTES
    const rest = keep ? bytes.subarray(sent, to) : Buffer.from(bytes.subarray(sent, to))
    const cost = keep ? rest.buffer.byteLength : rest.length
    this.queue.push({ bytes: rest, cost })
    this.queuedBytes += rest.length
    this.counted += cost
    this.budget?.add(cost)
    this.behind = true
    return false
  }

  /** Writes a short text of Latin-1 characters. */
  writeText(text: string): boolean {
    return this.write(Buffer.from(text, "latin1"))
  }

  /** Ends our side after what was written; the peer may go on with its own. */
  end(): void {
    if (this.closed || this.ending) return
    this.ending = true
    if (this.queuedBytes === 0) this.shut()
  }

  /** Closes both sides at once; what was not sent yet is lost. Over TLS, and with a peer that may not read, only `reset` is sure to. */
  destroy(): void {
    // Over TLS, a close waits for a record that the network took only in part, as long as the peer likes; a reset does not.
    if (this.queuedBytes > 0) return this.reset()
    this.socket?.close()
    this.onClosed()
  }

  /** Closes with a reset, so that the peer sees that something broke off. */
  reset(): void {
    this.drop()
    this.socket?.terminate()
    this.onClosed()
  }

  pause(): void {
    if (this.paused) return
    this.paused = true
    this.socket?.pause()
  }

  resume(): void {
    if (!this.paused) return
    this.paused = false
    this.socket?.resume()
  }

  /** The network takes bytes again. */
  onDrain(): void {
    if (!this.behind || this.flush()) return
    this.behind = false
    this.user.onDrain()
  }

  /** The connection is gone. */
  onClosed(): void {
    if (this.closed) return
    this.closed = true
    this.drop()
    this.uncount(this.counted)
    this.user.onClosed()
  }

  private shut(): void {
    if (this.shutDown || !this.socket) return
    this.shutDown = true
    this.socket.shutdown()
  }

  private drop(): void {
    // Nobody has seen what was never sent.
    if (!this.socket) return
    this.queue = []
    this.queuedBytes = 0
    this.uncount(this.counted)
  }

  private uncount(bytes: number): void {
    this.counted -= bytes
    this.budget?.remove(bytes)
  }

  /** True while something is left. */
  private flush(): boolean {
    const { socket } = this
    if (!socket) return true
    while (this.queue.length > 0) {
      const first = this.queue[0]!
      const { bytes, cost } = first
      const taken = socket.write(bytes, 0, bytes.length)
      if (taken < 0) return true
      this.queuedBytes -= taken
      if (taken < bytes.length) {
        first.bytes = bytes.subarray(taken)
        return true
      }
      this.uncount(cost)
      this.queue.shift()
    }
    if (this.ending) this.shut()
    return false
  }
}

/** The handlers of `Bun.listen` and `Bun.connect` for sockets whose `data` is their Wire. */
export const wireHandlers = (log: Log) => ({
  binaryType: "buffer" as const,
  data: (socket: { data: Wire }, chunk: Buffer) => socket.data?.user.onData(chunk),
  drain: (socket: { data: Wire }) => socket.data?.onDrain(),
  end: (socket: { data: Wire }) => socket.data?.user.onEnd(),
  // Faults of the network are a close without an end. What comes here is what a handler threw, and nobody else hears of it.
  error: (socket: { data: Wire }, error: unknown) => {
    log.error("a connection's handler failed", { error })
    socket.data?.destroy()
  },
  close: (socket: { data: Wire }) => socket.data?.onClosed(),
})
