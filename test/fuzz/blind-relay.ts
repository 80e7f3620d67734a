import { connect } from "node:net"
import { createServer, type Server, type TLSSocket } from "node:tls"
import { selfSigned } from "../../src/edge/edge.fixture"

/** A relay that reads nothing of what it passes on: the fuzzer must find it wanting, else the fuzzer is blind itself. */
export class BlindRelay {
  private constructor(
    private server: Server,
    private sockets: Set<TLSSocket>,
    readonly port: number,
    readonly certificate: string,
  ) {}

  static async start(this: void, upstreamPort: number): Promise<BlindRelay> {
    const pair = await selfSigned()
    const sockets = new Set<TLSSocket>()
    const server = createServer({ ...pair, ALPNProtocols: ["http/1.1"] }, (client) => {
      const upstream = connect(upstreamPort, "127.0.0.1")
      sockets.add(client)
      client.on("data", (chunk) => upstream.write(chunk))
      upstream.on("data", (chunk) => client.write(chunk))
      upstream.on("end", () => client.end())
      for (const socket of [client, upstream]) {
        socket.on("error", () => socket.destroy())
        socket.on("close", () => {
          sockets.delete(client)
          client.destroy()
          upstream.destroy()
        })
      }
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()))
    const address = server.address()
    return new BlindRelay(server, sockets, typeof address === "object" && address ? address.port : 0, pair.cert)
  }

  isIdle = () => this.sockets.size === 0

  stop(): void {
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
  }
}
