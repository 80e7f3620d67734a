import { createSocket, type Socket } from "node:dgram"
import { connect, createServer, type Socket as TcpSocket } from "node:net"
import { decodeMessage, encodeMessage, type Message, message, type Question } from "../../src/dns/wire"

/** A query as the front has it; `instead` makes the octets of an answer to it. */
export type DnsQuery = {
  question: Question
  overTcp: boolean
  /** An answer with authority to this very question, but for what is given. */
  instead(given: Partial<Message>): Uint8Array
  /** Sends octets over UDP to whoever asked, from another port of the front's address. */
  fromElsewhere(bytes: Uint8Array): void
}

/** Octets are the answer, `"pass"` asks the server behind, `"silence"` answers nothing, `"drip"` (TCP) sends an answer an octet a second. */
export type DnsBehaviour = (query: DnsQuery) => DnsDeed | Promise<DnsDeed>
export type DnsDeed = "pass" | "silence" | "drip" | Uint8Array

/** Stands at port 53 of its own address before a real name server, and can be told to misbehave. */
export interface DnsFront {
  readonly address: string
  /** Queries that came, misbehaved to or not. */
  readonly queries: () => number
  behave(behaviour: DnsBehaviour): void
  stop(): Promise<void>
}

export async function startDnsFront(address: string, behind: string, behaviour: DnsBehaviour = () => "pass"): Promise<DnsFront> {
  let current = behaviour
  let queries = 0
  const sockets = new Set<TcpSocket>()
  const elsewhere = createSocket("udp4")
  elsewhere.on("error", () => {})
  await new Promise<void>((resolve) => elsewhere.bind({ address, port: 0 }, () => resolve()))

  const decide = async (bytes: Uint8Array, overTcp: boolean, fromElsewhere: (bytes: Uint8Array) => void) => {
    queries++
    const asked = decodeMessage(bytes)
    const [question] = asked.questions
    if (question === undefined) return "silence" as const
    const instead = (given: Partial<Message>) =>
      encodeMessage(message({ id: asked.id, response: true, authoritative: true, questions: [question], ...given }))
    return current({ question, overTcp, instead, fromElsewhere })
  }

  const udp = createSocket("udp4")
  const passUdp = (bytes: Uint8Array, answer: (bytes: Uint8Array) => void) => {
    const through: Socket = createSocket("udp4")
    const end = setTimeout(() => through.close(), 5_000)
    through.on("error", () => {})
    through.on("message", (reply) => {
      answer(reply)
      clearTimeout(end)
      through.close()
    })
    through.send(bytes, 53, behind)
  }
  udp.on("error", () => {})
  udp.on("message", async (bytes, from) => {
    const answer = (reply: Uint8Array) => udp.send(reply, from.port, from.address)
    const what = await decide(bytes, false, (reply) => elsewhere.send(reply, from.port, from.address))
    if (what === "pass") passUdp(bytes, answer)
    else if (typeof what !== "string") answer(what)
  })
  const tcp = createServer((socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
    socket.on("error", () => {})
    let received = Buffer.alloc(0)
    socket.on("data", async (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      const what = await decide(received.subarray(2), true, () => {})
      if (what === "pass")
        connect(53, behind, () => {})
          .on("error", () => {})
          .end(received)
          .pipe(socket)
      else if (what === "drip") void drip(socket)
      else if (typeof what !== "string") socket.end(Buffer.concat([Buffer.from([what.length >>> 8, what.length & 0xff]), what]))
    })
  })
  await Promise.all([
    new Promise<void>((resolve) => udp.bind({ address, port: 53 }, () => resolve())),
    new Promise<void>((resolve) => tcp.listen({ host: address, port: 53 }, () => resolve())),
  ])
  return {
    address,
    queries: () => queries,
    behave: (next) => {
      current = next
    },
    stop: async () => {
      udp.close()
      elsewhere.close()
      tcp.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function drip(socket: TcpSocket): Promise<void> {
  while (!socket.destroyed) {
    socket.write(Buffer.from([1]))
    await Bun.sleep(500)
  }
}
