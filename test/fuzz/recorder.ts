import { createServer, type Server, type Socket } from "node:net"
import { valuesOf } from "./strict-message"
import { readRequest, type Seen } from "./strict-request"

/** A connection to the recorder and what of a request it holds. */
type Line = { socket: Socket; bytes: Buffer; told: boolean }

/** What a recorder heard since it was last asked. */
export type Heard = {
  /** Whole requests, in the order in which they were complete. */
  seen: Seen[]
  /** Bytes that were no request, each with the reason. */
  faults: string[]
  /** Beginnings of requests whose connection then ended. */
  cut: string[]
}

/**
 * An upstream that notes every request it gets and answers each with a 204 whose X-Seen counts them, so that an answer has one length
 * whatever the method. Whatever does not follow the rules to the letter is a fault: it is noted, and the connection is closed.
 */
export class Recorder {
  private heard: Heard = { seen: [], faults: [], cut: [] }
  private lines = new Set<Line>()
  private count = 0

  private constructor(
    private server: Server,
    private lenient: boolean,
    readonly port: number,
  ) {}

  /** Listens on a free loopback port, or at the path of a Unix socket; `lenient` is for what nginx passes on. */
  static async start(options: { lenient: boolean; path?: string }): Promise<Recorder> {
    const server = createServer({ noDelay: true })
    await new Promise<void>((resolve) =>
      options.path === undefined ? server.listen(0, "127.0.0.1", () => resolve()) : server.listen(options.path, () => resolve()),
    )
    const address = server.address()
    const recorder = new Recorder(server, options.lenient, typeof address === "object" && address ? address.port : 0)
    server.on("connection", (socket) => recorder.hear(socket))
    return recorder
  }

  /** Whether a connection holds a part of a request. */
  get holdsPart(): boolean {
    for (const line of this.lines) if (line.bytes.length > 0) return true
    return false
  }

  /** Requests since the last `take`. */
  get countSeen(): number {
    return this.heard.seen.length
  }

  hasSeen(which: (seen: Seen) => boolean): boolean {
    return this.heard.seen.some(which)
  }

  /** What it heard since the last call. */
  take(): Heard {
    const { heard } = this
    this.heard = { seen: [], faults: [], cut: [] }
    this.count = 0
    return heard
  }

  /** Ends the connections that hold a part of a request, so that nothing of it is left for the next case. */
  dropParts(): void {
    for (const line of this.lines) {
      if (line.bytes.length === 0) continue
      this.lines.delete(line)
      line.socket.destroy()
    }
  }

  stop(): void {
    for (const line of this.lines) line.socket.destroy()
    this.server.close()
  }

  private hear(socket: Socket): void {
    const line: Line = { socket, bytes: Buffer.alloc(0), told: false }
    this.lines.add(line)
    socket.on("data", (chunk: Buffer) => {
      if (!this.lines.has(line)) return
      line.bytes = line.bytes.length === 0 ? chunk : Buffer.concat([line.bytes, chunk])
      this.read(line)
    })
    socket.on("error", () => socket.destroy())
    socket.on("close", () => {
      if (this.lines.delete(line) && line.bytes.length > 0) this.heard.cut.push(line.bytes.toString("latin1"))
    })
  }

  private read(line: Line): void {
    while (line.bytes.length > 0) {
      const reading = readRequest(line.bytes, this.lenient)
      if (reading.kind === "malformed") {
        this.heard.faults.push(`${reading.why} in ${JSON.stringify(line.bytes.toString("latin1", 0, 2000))}`)
        this.lines.delete(line)
        return void line.socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
      }
      if (reading.kind === "incomplete") {
        if (!line.told && reading.head && valuesOf(reading.head.fields, "expect").length > 0)
          line.socket.write("HTTP/1.1 100 Continue\r\n\r\n")
        line.told ||= reading.head !== undefined
        return
      }
      line.bytes = line.bytes.subarray(reading.size)
      line.told = false
      this.heard.seen.push(reading.seen)
      line.socket.write(`HTTP/1.1 204 No Content\r\nX-Seen: ${this.count++}\r\n\r\n`)
    }
  }
}
