import type { Socket } from "node:net"

export type TcpSessionOptions = {
  /** Time for each whole query, and for the client to take an answer. */
  idleTimeoutMs: number
  maxQueries: number
  /** The answer to one message; undefined ends the connection. */
  reply: (query: Uint8Array) => Uint8Array | undefined
}

/** Queries answered in one go, before others have their turn. */
const QUERIES_A_TURN = 64

/**
 * One client over TCP (RFC 7766): queries may be pipelined and are answered in their order. One answer at a time, and none while the client does not read:
 * what is unread stays in the kernel.
 */
export class TcpSession {
  private waiting: Buffer = Buffer.alloc(0)
  private timer: Timer
  private queries = 0
  private isWaitingForTurn = false

  constructor(
    private socket: Socket,
    private options: TcpSessionOptions,
  ) {
    this.timer = this.startTimer()
    socket.on("data", (chunk: Buffer) => {
      this.waiting = this.waiting.length === 0 ? chunk : Buffer.concat([this.waiting, chunk])
      if (!socket.isPaused()) this.work()
    })
    socket.on("drain", () => this.goOn())
    socket.on("error", () => socket.destroy())
  }

  /** Once the connection is closed. */
  end(): void {
    clearTimeout(this.timer)
    this.waiting = Buffer.alloc(0)
  }

  private startTimer(): Timer {
    return setTimeout(() => this.socket.destroy(), this.options.idleTimeoutMs)
  }

  private work(): void {
    const { socket, options } = this
    for (let done = 0; this.hasQuery; done++) {
      if (done === QUERIES_A_TURN) return this.pauseForTurn()
      const size = this.waiting.readUInt16BE(0)
      const reply = options.reply(this.waiting.subarray(2, 2 + size))
      this.waiting = this.waiting.subarray(2 + size)
      if (reply === undefined) return void socket.destroy()
      clearTimeout(this.timer)
      this.timer = this.startTimer()
      const framed = Buffer.concat([Buffer.from([reply.length >>> 8, reply.length & 0xff]), reply])
      if (++this.queries >= options.maxQueries) return void socket.end(framed)
      if (!socket.write(framed)) return void socket.pause()
    }
  }

  private get hasQuery(): boolean {
    if (this.queries >= this.options.maxQueries) return false
    return this.waiting.length >= 2 && this.waiting.length >= 2 + this.waiting.readUInt16BE(0)
  }

  private pauseForTurn(): void {
    this.socket.pause()
    this.isWaitingForTurn = true
    setImmediate(() => {
      this.isWaitingForTurn = false
      this.goOn()
    })
  }

  private goOn(): void {
    if (this.isWaitingForTurn || this.socket.destroyed || this.socket.writableNeedDrain) return
    this.socket.resume()
    this.work()
  }
}
