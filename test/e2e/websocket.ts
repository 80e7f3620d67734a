import { createHash, randomBytes } from "node:crypto"
import { connect, type TLSSocket } from "node:tls"
import { waitUntil } from "../lab/process"

// A client of RFC 6455 by hand, since Bun's own cannot be sent to an address under another server name: handshake, masked frames out,
// unfragmented frames in, close. Nothing else.

const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/** One frame from the server. */
export type Frame = { opcode: number; payload: Buffer }

export const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** An open WebSocket over TLS; throws when the handshake is not a 101 with the right answer to our key. */
export async function openWebSocket(options: { address: string; port: number; hostname: string; path: string; ca: string }) {
  const { address, port, hostname, path, ca } = options
  const socket = connect({ host: address, port, servername: hostname, ca, ALPNProtocols: ["http/1.1"] })
  let input: Buffer = Buffer.alloc(0)
  let fault: Error | undefined
  let ended = false
  socket.on("data", (chunk: Buffer) => void (input = Buffer.concat([input, chunk])))
  socket.on("error", (error) => void (fault = error))
  socket.on("close", () => void (ended = true))
  const until = (isThere: () => boolean, what: string) =>
    waitUntil(
      () => {
        if (fault) throw fault
        if (!isThere() && ended) throw new Error(`the connection closed; unread: ${input.toString("latin1").slice(0, 400)}`)
        return isThere()
      },
      { what, everyMs: 2, fatal: (error) => error === fault || String(error).includes("the connection closed") },
    )
  try {
    await shakeHands()
  } catch (error) {
    socket.destroy()
    throw error
  }

  async function shakeHands(): Promise<void> {
    const key = randomBytes(16).toString("base64")
    const lines = [`GET ${path} HTTP/1.1`, `Host: ${hostname}`, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    socket.write(`${[...lines, `Sec-WebSocket-Key: ${key}`].join("\r\n")}\r\n\r\n`)
    await until(() => input.includes("\r\n\r\n"), "the answer to the WebSocket handshake")
    const end = input.indexOf("\r\n\r\n")
    const head = input.subarray(0, end).toString("latin1")
    input = input.subarray(end + 4)
    const accepted = createHash("sha1")
      .update(key + magic)
      .digest("base64")
    if (!head.startsWith("HTTP/1.1 101 ") || !head.toLowerCase().includes(`sec-websocket-accept: ${accepted.toLowerCase()}`)) {
      throw new Error(`the WebSocket handshake was answered with: ${head}`)
    }
  }

  return {
    send: (opcode: number, payload: Uint8Array) => sendFrame(socket, opcode, payload),
    /** The next frame, within ten seconds. */
    async receive(): Promise<Frame> {
      let frame: { frame: Frame; size: number } | undefined
      await until(() => (frame = readFrame(input)) !== undefined, "a WebSocket frame")
      input = input.subarray(frame!.size)
      return frame!.frame
    },
    /** Resolves when the other side has closed the connection. */
    closed: () => waitUntil(() => ended, { what: "the WebSocket to close" }),
    destroy: () => void socket.destroy(),
  }
}

function sendFrame(socket: TLSSocket, opcode: number, payload: Uint8Array): void {
  const size = payload.length
  const head = size < 126 ? Buffer.alloc(2) : size < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10)
  head[0] = 0x80 | opcode
  head[1] = 0x80 | (size < 126 ? size : size < 65_536 ? 126 : 127)
  if (head.length === 4) head.writeUInt16BE(size, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(size), 2)
  const mask = randomBytes(4)
  const masked = Buffer.from(payload)
  for (let i = 0; i < size; i++) masked[i]! ^= mask[i % 4]!
  socket.write(Buffer.concat([head, mask, masked]))
}

function readFrame(input: Buffer): { frame: Frame; size: number } | undefined {
  if (input.length < 2) return undefined
  const short = input[1]! & 0x7f
  const start = short < 126 ? 2 : short === 126 ? 4 : 10
  if (input.length < start) return undefined
  const length = short < 126 ? short : short === 126 ? input.readUInt16BE(2) : Number(input.readBigUInt64BE(2))
  if (input.length < start + length) return undefined
  return { frame: { opcode: input[0]! & 0x0f, payload: Buffer.from(input.subarray(start, start + length)) }, size: start + length }
}
