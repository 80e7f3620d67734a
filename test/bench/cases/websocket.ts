import type { Socket } from "bun"
import { echoLabel } from "../backend"
import { type Bench, type Case, startServers } from "../bench"
import { zone } from "../certificate"
import { clientTls } from "../client-tls"
import { compare, interleave } from "../measure"
import { atLeast } from "../report"
import type { Server } from "../server"

const connectionCount = 500
const payload = Buffer.from("thirty-two bytes that come back.")

/** Messages a second echoed through 500 connections, one under way on each; the client counts bytes of frames and parses nothing else. */
export const websocket: Case = {
  name: "websocket",
  async run(bench) {
    const servers = await startServers(bench, "websocket", ["nginx", "haproxy", "caddy"])
    for (const server of servers) await echo(bench, server, 1)
    const figures = await interleave(servers, bench.runs, async (server) => {
      const perSecond = await echo(bench, server, bench.seconds)
      bench.say(`${server.name} ${Math.round(perSecond)} messages/s`)
      return perSecond
    })
    for (const { name: peer } of servers.slice(1)) {
      bench.add(compare({ case: "websocket", peer, unit: "msg/s", goal: peer === "nginx" ? atLeast(1) : undefined }, figures))
    }
  },
}

/** A text frame of the client (RFC 6455 section 5.2) with the masking key 0, which leaves the payload as it is. */
const frame = Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload])
const echoedLength = 2 + payload.length

async function echo(bench: Bench, server: Server, seconds: number): Promise<number> {
  const host = `${echoLabel}.${zone}`
  const fields = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhpcnR5LXR3byBieXRlcw=="]
  const request = ["GET / HTTP/1.1", `Host: ${host}`, ...fields, "", ""].join("\r\n")
  const opened = Promise.withResolvers<void>()
  const sockets: Socket<Stream>[] = []
  let [messages, upgraded, isRunning] = [0, 0, false]
  const open = () =>
    Bun.connect<Stream>({
      hostname: server.address,
      port: server.port,
      tls: clientTls(host, bench.certificate.certificatePem),
      data: { isOpen: false, received: 0, head: "" },
      socket: {
        handshake: (socket, _isAuthorized, error) => (error ? opened.reject(error) : void socket.write(request)),
        data(socket, chunk) {
          const stream = socket.data
          if (!stream.isOpen) {
            stream.head += chunk.toString("latin1")
            if (!stream.head.endsWith("\r\n\r\n")) return
            if (!stream.head.startsWith("HTTP/1.1 101"))
              return opened.reject(new Error(`${server.name} answered ${stream.head.slice(0, 40)}`))
            stream.isOpen = true
            if (++upgraded === connectionCount) opened.resolve()
            return
          }
          stream.received += chunk.length
          for (; stream.received >= echoedLength; stream.received -= echoedLength) {
            messages++
            if (isRunning) socket.write(frame)
          }
        },
        close: () => opened.reject(new Error(`${server.name} closed a connection`)),
        error: (_socket, error) => opened.reject(error),
      },
    })
  const limit = setTimeout(
    () => opened.reject(new Error(`${upgraded} of ${connectionCount} upgrades through ${server.name} in 20 s`)),
    20_000,
  )
  try {
    for (let made = 0; made < connectionCount; made += 50) sockets.push(...(await Promise.all(Array.from({ length: 50 }, open))))
    await opened.promise
    isRunning = true
    const began = performance.now()
    for (const socket of sockets) socket.write(frame)
    await Bun.sleep(seconds * 1000)
    return (messages / (performance.now() - began)) * 1000
  } finally {
    isRunning = false
    clearTimeout(limit)
    for (const socket of sockets) socket.terminate()
  }
}

type Stream = { isOpen: boolean; received: number; head: string }
