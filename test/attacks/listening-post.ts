import { createServer, type Socket } from "node:net"

/** A TCP listener inside the house that nobody from outside shall reach; it answers as an HTTP server would, and counts who came. */
export type ListeningPost = { address: string; port: number; visits: () => string[]; stop(): Promise<void> }

export async function listeningPost(address: string, port = 0): Promise<ListeningPost> {
  const heard: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const at = heard.push("a connection") - 1
    sockets.add(socket)
    socket.on("error", () => {})
    socket.on("close", () => sockets.delete(socket))
    socket.on("data", (bytes) => {
      heard[at] = bytes.toString("latin1").split("\r\n", 1)[0] ?? ""
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret")
    })
  })
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen({ host: address, port, exclusive: true }, resolve))
  const bound = server.address()
  if (bound === null || typeof bound === "string") throw new Error("no port")
  const stop = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  return { address, port: bound.port, visits: () => heard, stop }
}
