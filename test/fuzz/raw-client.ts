import { connect as connectTcp, type Socket } from "node:net"
import { connect as connectTls } from "node:tls"

/** A client that writes bytes as it is told and keeps what comes back. */
export class RawClient {
  /** The far side ended its direction, or the connection is gone. */
  ended = false
  /** The connection went without an end in good order: a reset, or a TLS connection cut off. */
  broken = false
  private endedWell = false
  private left = false
  private pieces: Buffer[] = []
  private joined: Buffer = Buffer.alloc(0)
  private wake: () => void = () => {}

  private constructor(private socket: Socket) {
    socket.on("data", (chunk: Buffer) => {
      this.pieces.push(chunk)
      this.wake()
    })
    const end = () => {
      this.ended = true
      this.wake()
    }
    socket.on("end", () => {
      this.endedWell = true
      end()
    })
    socket.on("close", () => {
      this.broken ||= !this.endedWell && !this.left
      end()
    })
    socket.on("error", () => {
      this.broken = true
      socket.destroy()
      end()
    })
  }

  /** A TLS connection with a completed handshake; throws when it is refused. */
  static async tls(at: { port: number; certificate: string; serverName: string }): Promise<RawClient> {
    const options = {
      host: "127.0.0.1",
      port: at.port,
      servername: at.serverName,
      ca: at.certificate,
      ALPNProtocols: ["http/1.1"],
      allowHalfOpen: true,
    }
    const socket = connectTls(options as Parameters<typeof connectTls>[0])
    socket.setNoDelay(true)
    const client = new RawClient(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve)
      socket.once("close", () => reject(new Error("the handshake was refused")))
    })
    return client
  }

  static async unix(path: string): Promise<RawClient> {
    const socket = connectTcp({ path, allowHalfOpen: true })
    const client = new RawClient(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve)
      socket.once("close", () => reject(new Error(`nothing listens at ${path}`)))
    })
    return client
  }

  /** What came so far. */
  get received(): Buffer {
    if (this.pieces.length > 0) this.joined = Buffer.concat([this.joined, ...this.pieces.splice(0)])
    return this.joined
  }

  send(bytes: Buffer): void {
    if (!this.socket.destroyed && bytes.length > 0) this.socket.write(bytes)
  }

  /** Ends our direction. */
  finish(): void {
    if (!this.socket.destroyed) this.socket.end()
  }

  destroy(): void {
    this.left = true
    this.socket.destroy()
  }

  /** Waits until the condition holds or the far side ends: true; false when nothing came for `quietMs`. */
  waitFor(condition: () => boolean, quietMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      let timer: Timer | undefined
      const done = (answer: boolean) => {
        clearTimeout(timer)
        this.wake = () => {}
        resolve(answer)
      }
      this.wake = () => {
        clearTimeout(timer)
        if (this.ended || condition()) return done(true)
        timer = setTimeout(() => done(false), quietMs)
      }
      this.wake()
    })
  }
}
