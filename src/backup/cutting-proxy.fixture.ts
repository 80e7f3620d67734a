import { connect, createServer, type Server, type Socket } from "node:net"

/** A line to a server that breaks when it is told to. */
export class CuttingProxy {
  /** So many bytes in all go each way before every connection is cut, once for each number. */
  cutsUp: number[] = []
  cutsDown: number[] = []
  cuts = 0
  private sockets = new Set<Socket>()

  private constructor(
    private server: Server,
    readonly port: number,
  ) {}

  static async open(target: number): Promise<CuttingProxy> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const proxy = new CuttingProxy(server, (server.address() as { port: number }).port)
    server.on("connection", (client) => proxy.relay(client, connect(target, "127.0.0.1")))
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  private relay(client: Socket, upstream: Socket): void {
    let [up, down] = [0, 0]
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    const isCut = (cuts: number[], passed: number) => {
      const [next] = cuts
      if (next === undefined || passed < next) return false
      cuts.shift()
      this.cuts++
      end()
      return true
    }
    for (const socket of [client, upstream]) {
      this.sockets.add(socket)
      socket.on("error", end)
      socket.on("close", () => {
        this.sockets.delete(socket)
        end()
      })
    }
    client.on("data", (bytes) => {
      up += bytes.length
      if (!isCut(this.cutsUp, up) && !upstream.write(bytes)) client.pause()
    })
    upstream.on("data", (bytes) => {
      down += bytes.length
      if (!isCut(this.cutsDown, down) && !client.write(bytes)) upstream.pause()
    })
    client.on("drain", () => upstream.resume())
    upstream.on("drain", () => client.resume())
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
