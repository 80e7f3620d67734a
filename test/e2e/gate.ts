import { connect, createServer, type Server, type Socket } from "node:net"

/** A door between two peers, byte for byte: shut, it accepts connections and carries nothing, so that whoever knocks hangs. */
export interface Gate {
  /** How many connections were made while it was shut. */
  readonly knocks: number
  shut(): void
  /** Opens it for new connections, and ends those that were kept waiting. */
  open(): void
  stop(): Promise<void>
}

/** Listens at `address` on each port and leads to the same port at `target`; open at first. */
export async function startGate(options: { address: string; target: string; ports: number[] }): Promise<Gate> {
  const { address, target, ports } = options
  const sockets = new Set<Socket>()
  const waiting = new Set<Socket>()
  let isShut = false
  let knocks = 0
  const admit = (port: number) => (socket: Socket) => {
    const held = (one: Socket, other?: Socket) => {
      sockets.add(one)
      one.on("error", () => one.destroy())
      one.on("close", () => {
        sockets.delete(one)
        waiting.delete(one)
        other?.destroy()
      })
    }
    if (isShut) {
      knocks++
      waiting.add(socket)
      return held(socket)
    }
    const onward = connect({ host: target, port })
    held(socket, onward)
    held(onward, socket)
    socket.pipe(onward)
    onward.pipe(socket)
  }
  const servers: Server[] = []
  const stop = async () => {
    const closed = servers.splice(0).map((server) => new Promise<void>((resolve) => server.close(() => resolve())))
    for (const socket of sockets) socket.destroy()
    await Promise.all(closed)
  }
  try {
    for (const port of ports) {
      const server = createServer(admit(port))
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject)
        server.listen(port, address, () => resolve())
      })
      servers.push(server)
    }
  } catch (error) {
    await stop()
    throw error
  }
  return {
    get knocks() {
      return knocks
    },
    shut: () => void (isShut = true),
    open: () => {
      isShut = false
      for (const socket of waiting) socket.destroy()
    },
    stop,
  }
}
