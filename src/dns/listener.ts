import { createServer, type Server, type Socket } from "node:net"
import { AppError } from "../errors"
import { answer } from "./answer"
import type { AuthoritativeZone } from "./zone"

export type DnsListenerOptions = {
  /** Read at each query, so that zones can come and go. */
  zones: () => Iterable<AuthoritativeZone>
  /** A TCP client gets this long for each whole message (RFC 7766 section 6.2.3), and to take our answer. */
  idleTimeoutMs?: number
  maxConnections?: number
  /** Told of faults that are ours, not the client's. */
  onFault?: (error: unknown) => void
}

type UdpSocket = { readonly port: number; close(): void }
const PORT_TRIES = 8

/** Serves zones over UDP and TCP on one port. No rate limit on answers: meant for the demo and for small houses. */
export class DnsListener {
  private udp: UdpSocket | undefined
  private tcp: Server | undefined
  private connections = new Set<Socket>()
  private options: Required<DnsListenerOptions>

  constructor(options: DnsListenerOptions) {
    this.options = { idleTimeoutMs: 5000, maxConnections: 64, onFault: () => {}, ...options }
  }

  /** Binds both; port 0 picks a free one. Throws AppError("conflict") where the port is taken. */
  async start(at: { host: string; port: number }): Promise<{ port: number }> {
    if (this.udp) throw new Error("the DNS listener was started twice")
    for (let tries = 1; ; tries++) {
      try {
        this.udp = await this.bindUdp(at.host, at.port)
        this.tcp = await this.bindTcp(at.host, this.udp.port)
        return { port: this.udp.port }
      } catch (error) {
        await this.stop()
        // UDP found a free port that TCP does not have: try another.
        if (at.port === 0 && tries < PORT_TRIES) continue
        throw new AppError("conflict", `cannot serve DNS at ${at.host} port ${at.port}: it is taken or not ours to use`, { cause: error })
      }
    }
  }

  /** Closes the sockets and every connection. */
  async stop(): Promise<void> {
    this.udp?.close()
    this.udp = undefined
    for (const socket of this.connections) socket.destroy()
    const tcp = this.tcp
    this.tcp = undefined
    if (tcp) await new Promise((done) => tcp.close(done))
  }

  private reply(query: Uint8Array, transport: "udp" | "tcp"): Uint8Array | undefined {
    try {
      return answer(query, this.options.zones(), { transport })
    } catch (error) {
      this.options.onFault(error)
      return undefined
    }
  }

  private bindUdp(hostname: string, port: number): Promise<UdpSocket> {
    return Bun.udpSocket({
      hostname,
      port,
      socket: {
        data: (socket, query, fromPort, fromAddress) => {
          const reply = this.reply(query, "udp")
          // An answer that the kernel cannot take is lost, as any datagram may be; the client asks again.
          if (reply && fromPort !== 0) socket.send(reply, fromPort, fromAddress)
        },
        // A client that left before its answer came; nothing of ours.
        error: () => {},
      },
    })
  }

  private async bindTcp(host: string, port: number): Promise<Server> {
    const server = createServer((socket) => this.serve(socket))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once("error", reject)
    server.listen({ host, port }, resolve)
    await promise
    server.removeListener("error", reject)
    server.on("error", this.options.onFault)
    return server
  }

  private serve(socket: Socket): void {
    if (this.connections.size >= this.options.maxConnections) return void socket.destroy()
    this.connections.add(socket)
    let waiting = Buffer.alloc(0)
    let timer = setTimeout(() => socket.destroy(), this.options.idleTimeoutMs)
    const restartTimer = () => {
      clearTimeout(timer)
      timer = setTimeout(() => socket.destroy(), this.options.idleTimeoutMs)
    }
    // One answer at a time, and none while the client does not read: what is unread stays in the kernel.
    const work = () => {
      while (waiting.length >= 2 && waiting.length >= 2 + waiting.readUInt16BE(0)) {
        const size = waiting.readUInt16BE(0)
        const reply = this.reply(waiting.subarray(2, 2 + size), "tcp")
        waiting = waiting.subarray(2 + size)
        if (!reply) return void socket.destroy()
        restartTimer()
        if (!socket.write(Buffer.concat([Buffer.from([reply.length >>> 8, reply.length & 0xff]), reply]))) return void socket.pause()
      }
    }
    socket.on("data", (chunk: Buffer) => {
      waiting = Buffer.concat([waiting, chunk])
      if (!socket.isPaused()) work()
    })
    socket.on("drain", () => {
      socket.resume()
      work()
    })
    socket.on("error", () => socket.destroy())
    socket.on("close", () => {
      clearTimeout(timer)
      this.connections.delete(socket)
    })
  }
}
