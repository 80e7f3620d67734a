import { createServer, type Server, type Socket } from "node:net"
import { deliver, type Delivery, whole } from "./delivery"
import { readRequest } from "./strict-request"

/** What an upstream answers, how it is written, and what becomes of the connection after it. */
export type Script = { bytes: Buffer; delivery: Delivery; after: "keep" | "end" | "reset" }

/** The answer to every request for `/marked`. */
export const markedAnswer = Buffer.from("HTTP/1.1 200 OK\r\nX-Marked: yes\r\nContent-Length: 6\r\n\r\nmarked")

/** An upstream that answers `/marked` as it should and everything else with the script of the moment, once. */
export class ScriptedUpstream {
  private sockets = new Set<Socket>()
  private script: Script | undefined

  private constructor(
    private server: Server,
    readonly port: number,
  ) {}

  static async start(): Promise<ScriptedUpstream> {
    const server = createServer({ noDelay: true, allowHalfOpen: true })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()))
    const address = server.address()
    const upstream = new ScriptedUpstream(server, typeof address === "object" && address ? address.port : 0)
    server.on("connection", (socket) => upstream.serve(socket))
    return upstream
  }

  /** The next request that is not `/marked` gets this; later ones get 503, so that a repetition by the relay shows. */
  play(script: Script): void {
    this.script = script
  }

  /** Ends all connections, so that the next case begins with none. */
  dropAll(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  stop(): void {
    this.dropAll()
    this.server.close()
  }

  private serve(socket: Socket): void {
    let bytes = Buffer.alloc(0)
    this.sockets.add(socket)
    socket.on("error", () => socket.destroy())
    socket.on("end", () => socket.end())
    socket.on("close", () => this.sockets.delete(socket))
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      const reading = readRequest(bytes, false)
      if (reading.kind !== "whole") return
      bytes = bytes.subarray(reading.size)
      if (reading.seen.target === "/marked") return void socket.write(markedAnswer)
      const script = this.script ?? {
        bytes: Buffer.from("HTTP/1.1 503 Again\r\nContent-Length: 0\r\n\r\n"),
        delivery: whole,
        after: "keep",
      }
      this.script = undefined
      void this.answer(socket, script)
    })
  }

  private async answer(socket: Socket, script: Script): Promise<void> {
    await deliver(script.bytes, script.delivery, { send: (piece) => void (socket.destroyed || socket.write(piece)) })
    if (script.after === "end") socket.end()
    if (script.after === "reset") socket.resetAndDestroy()
  }
}
