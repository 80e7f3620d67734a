import { createSocket } from "node:dgram"
import { createServer } from "node:net"

/** Below the ports that Linux takes for outgoing connections (32768 on, ip(7)), of which one could take a port between its choice and its use. */
const firstPort = 16_384
const portCount = 16_000
const given = new Set<number>()

/** A port at which nothing listens now, neither TCP nor UDP, and that was not answered before; it is not held, so use it soon. */
export async function freePort(address = "127.0.0.1"): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = firstPort + Math.floor(Math.random() * portCount)
    if (given.has(port) || !(await mayListen(address, port))) continue
    given.add(port)
    return port
  }
  throw new Error(`no free port at ${address}`)
}

/** Whether this process may listen at the address and port for TCP and UDP, and nobody else does. */
export async function mayListen(address: string, port: number): Promise<boolean> {
  return (await tcpPort(address, port)) !== undefined && (await udpIsFree(address, port))
}

/** Loopback addresses of one run; `address(1)` to `address(254)`. */
export type LoopbackBlock = { readonly network: string; address(host: number): string }

/**
 * A random /24 of 127.0.0.0/8 in which nobody uses `port` on the first `hosts` addresses, so that parallel runs do not meet; throws when
 * this process may not listen at that port at all.
 */
export async function loopbackBlock(port: number, hosts: number): Promise<LoopbackBlock> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const network = `127.${1 + Math.floor(Math.random() * 254)}.${Math.floor(Math.random() * 256)}`
    const address = (host: number) => `${network}.${host}`
    const free = await Promise.all(Array.from({ length: hosts }, (_, index) => mayListen(address(index + 1), port)))
    if (free.every(Boolean)) return { network, address }
  }
  throw new Error(`no block of loopback addresses with port ${port} free for this user`)
}

/** The port that was bound and released again, or undefined when it could not be. */
function tcpPort(address: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(undefined))
    server.listen({ host: address, port, exclusive: true }, () => {
      const bound = server.address()
      server.close(() => resolve(typeof bound === "object" && bound !== null ? bound.port : undefined))
    })
  })
}

function udpIsFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4")
    socket.once("error", () => {
      socket.close()
      resolve(false)
    })
    socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve(true)))
  })
}
