import { createServer, type Server, type Socket } from "node:net"
import { AppError } from "../errors"
import { answer, cut } from "./answer"
import { type AnswerKind, kindOf, networkOf, ResponseRate, type ResponseRateOptions } from "./response-rate"
import { TcpSession } from "./tcp-session"
import type { AuthoritativeZone } from "./zone"

export type DnsListenerOptions = {
  /** Read at each query, so that zones can come and go. */
  zones: () => Iterable<AuthoritativeZone>
  /** A TCP client gets this long for each whole message (RFC 7766 section 6.2.3), and to take our answer. */
  idleTimeoutMs?: number
  maxConnections?: number
  /** TCP connections from one network. */
  maxFromNetwork?: number
  /** Queries over one TCP connection, after which it ends. */
  maxQueries?: number
  /** How many answers over UDP a network gets. */
  rate?: ResponseRateOptions
  /** Told of faults that are ours, not the client's. */
  onFault?: (error: unknown) => void
}

type UdpSocket = { readonly port: number; close(): void }
const PORT_TRIES = 8

const transports = ["udp", "tcp"] as const
const kinds = ["answer", "nodata", "nxdomain", "refused", "fault"] as const satisfies AnswerKind[]

/** Queries since the start. `unanswered`: nothing that could be answered, or a fault of ours. */
export type DnsAnswerCounts = {
  answers: { transport: "udp" | "tcp"; kind: AnswerKind; count: number }[]
  unanswered: number
  /** Answers over UDP that the limit of a network left out, or cut so that the client asks over TCP. */
  limited: { drop: number; cut: number }
}

/** Serves zones over UDP and TCP on one port; answers over UDP are limited by network, over TCP connections and queries are. */
export class DnsListener {
  private udp: UdpSocket | undefined
  private tcp: Server | undefined
  private connections = new Set<Socket>()
  private tcpClients = new Map<string, number>()
  private rate: ResponseRate
  private answers = { udp: noAnswers(), tcp: noAnswers() }
  private unanswered = 0
  private limited = { drop: 0, cut: 0 }
  private options: Required<DnsListenerOptions>

  constructor(options: DnsListenerOptions) {
    const bounds = { idleTimeoutMs: 5000, maxConnections: 256, maxFromNetwork: 32, maxQueries: 1000 }
    this.options = { ...bounds, rate: {}, onFault: () => {}, ...options }
    this.rate = new ResponseRate(this.options.rate)
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

  /** Every transport and kind, also those that never came. */
  counts(): DnsAnswerCounts {
    const answers = transports.flatMap((transport) => kinds.map((kind) => ({ transport, kind, count: this.answers[transport][kind] })))
    return { answers, unanswered: this.unanswered, limited: { ...this.limited } }
  }

  private reply(query: Uint8Array, transport: "udp" | "tcp"): Uint8Array | undefined {
    let reply: Uint8Array | undefined
    try {
      reply = answer(query, this.options.zones(), { transport })
    } catch (error) {
      this.options.onFault(error)
    }
    if (reply === undefined) this.unanswered++
    else this.answers[transport][kindOf(reply)]++
    return reply
  }

  private bindUdp(hostname: string, port: number): Promise<UdpSocket> {
    return Bun.udpSocket({
      hostname,
      port,
      socket: {
        data: (socket, query, fromPort, fromAddress) => {
          const reply = fromPort === 0 ? undefined : this.reply(query, "udp")
          if (reply === undefined) return
          const verdict = this.rate.decide(fromAddress, kindOf(reply))
          // An answer that the kernel cannot take is lost, as any datagram may be; the client asks again.
          if (verdict !== "send") this.limited[verdict]++
          if (verdict !== "drop") socket.send(verdict === "cut" ? cut(reply) : reply, fromPort, fromAddress)
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
    const network = networkOf(socket.remoteAddress ?? "::")
    const ofNetwork = this.tcpClients.get(network) ?? 0
    const { maxConnections, maxFromNetwork, idleTimeoutMs, maxQueries } = this.options
    if (this.connections.size >= maxConnections || ofNetwork >= maxFromNetwork) return void socket.destroy()
    this.connections.add(socket)
    this.tcpClients.set(network, ofNetwork + 1)
    const session = new TcpSession(socket, { idleTimeoutMs, maxQueries, reply: (query) => this.reply(query, "tcp") })
    socket.on("close", () => {
      session.end()
      this.connections.delete(socket)
      const left = (this.tcpClients.get(network) ?? 1) - 1
      if (left > 0) this.tcpClients.set(network, left)
      else this.tcpClients.delete(network)
    })
  }
}

const noAnswers = (): Record<AnswerKind, number> => ({ answer: 0, nodata: 0, nxdomain: 0, refused: 0, fault: 0 })
