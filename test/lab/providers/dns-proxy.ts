import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { FaultPlan } from "./fault-plan"
import type { StandIn, StandInCall } from "./stand-in"
import type { ZoneServer } from "./zone-server"

/** DNS over TCP to a real name server, through a proxy that can fail as a stand-in does; `url` is its host and port. There are no rates to limit. */
export async function startDnsProxy(server: ZoneServer): Promise<StandIn> {
  const calls: StandInCall[] = []
  const sockets = new Set<Socket>()
  const faults = new FaultPlan(isWrite)

  const serve = async (socket: Socket, message: Buffer) => {
    calls.push({ method: isWrite(message) ? "UPDATE" : "QUERY", path: "", query: new URLSearchParams(), headers: new Headers(), body: "" })
    const kind = faults.meet(message)
    if (kind === "silent") return
    if (kind === "broken") return void socket.destroy()
    if (kind === "denied" || kind === "server_error") return void socket.write(framed(refusal(message, kind === "denied" ? 5 : 2)))
    const reply = await forward(server, message)
    if (kind === "cut") socket.destroy()
    else socket.write(framed(reply))
  }

  const listener = createServer((socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
    socket.on("error", () => socket.destroy())
    onMessages(socket, (message) => void serve(socket, message).catch(() => socket.destroy()))
  })
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve))
  return {
    url: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    calls,
    writes: () => calls.filter(({ method }) => method === "UPDATE").length,
    fail: faults.fail,
    heal: faults.heal,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => listener.close(() => resolve()))
    },
  }
}

/** An update with changes in it; one with prerequisites alone only asks. */
const isWrite = (message: Buffer) => ((message[2] ?? 0) & 0x78) === 5 << 3 && message.readUInt16BE(8) > 0

/** A header that answers the message with this code, without a signature. */
function refusal(message: Buffer, code: number): Buffer {
  const header = Buffer.alloc(12)
  message.copy(header, 0, 0, 2)
  header[2] = 0x80 | ((message[2] ?? 0) & 0x78)
  header[3] = code
  return header
}

const framed = (message: Buffer) => Buffer.concat([Buffer.from([message.length >>> 8, message.length & 0xff]), message])

function onMessages(socket: Socket, take: (message: Buffer) => void): void {
  let received = Buffer.alloc(0)
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0)
      take(received.subarray(2, end))
      received = received.subarray(end)
    }
  })
}

function forward({ address, port }: ZoneServer, message: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, address)
    onMessages(socket, (reply) => {
      resolve(reply)
      socket.destroy()
    })
    socket.on("connect", () => socket.write(framed(message)))
    socket.on("error", reject)
    socket.on("close", () => reject(new Error("the name server closed the connection")))
  })
}
