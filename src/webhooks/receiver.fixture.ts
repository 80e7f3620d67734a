import { createServer, type AddressInfo, type Server, type Socket } from "node:net"
import { createServer as createTlsServer } from "node:tls"
import { InternalCa } from "../acme/internal-ca"

/** A CA of the tests' own, and certificates of it. */
export class TestCa {
  private ca = new InternalCa({ load: async () => undefined, save: async () => {} })

  rootPem = () => this.ca.rootPem()

  async certificate(hostname: string): Promise<{ cert: string; key: string }> {
    const { chainPem, keyPem } = await this.ca.issue(hostname)
    return { cert: chainPem, key: keyPem }
  }
}

/** One request as it came over the wire. */
export type Received = { line: string; headers: Record<string, string>; body: string; serverName: string | undefined }

/** What a receiver does once it has a whole request; the socket is its own from then on. */
export type Behaviour = (socket: Socket, request: Received, number: number) => void

/** An answer without a body, after which the connection ends. */
export const answer =
  (status: number, ...fields: string[]): Behaviour =>
  (socket) =>
    void socket.end(`HTTP/1.1 ${status} So\r\nContent-Length: 0\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`)

export const hang: Behaviour = () => {}

/** A small real server on a free port of loopback, with TLS where it has a certificate, that answers as the test says. */
export class Receiver {
  readonly received: Received[] = []
  /** Requests that wait for an answer, now and at most. */
  open = 0
  mostOpen = 0
  connections = 0
  private sockets = new Set<Socket>()

  private constructor(
    private server: Server,
    readonly port: number,
    public behave: Behaviour,
  ) {}

  static async start(behave: Behaviour, certificate?: { cert: string; key: string }): Promise<Receiver> {
    const take = (socket: Socket) => receiver.take(socket)
    const server = certificate === undefined ? createServer(take) : createTlsServer(certificate, take)
    // Whoever does not trust us hangs up in the handshake.
    server.on("tlsClientError", () => {})
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const receiver: Receiver = new Receiver(server, (server.address() as AddressInfo).port, behave)
    server.on("connection", () => receiver.connections++)
    return receiver
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private take(socket: Socket): void {
    this.sockets.add(socket)
    let text = ""
    let isDone = false
    const serverName = (socket as Socket & { servername?: string | false }).servername
    socket.on("error", () => {})
    socket.on("close", () => {
      this.sockets.delete(socket)
      if (isDone) this.open--
    })
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1")
      const [head = "", body] = text.split("\r\n\r\n", 2)
      const [line = "", ...fields] = head.split("\r\n")
      const headers = Object.fromEntries(
        fields.map((field) => [field.slice(0, field.indexOf(":")).toLowerCase(), field.replace(/^[^:]*: */, "")]),
      )
      if (isDone || body === undefined || body.length < Number(headers["content-length"] ?? 0)) return
      isDone = true
      this.mostOpen = Math.max(this.mostOpen, ++this.open)
      const request = { line, headers, body: Buffer.from(body, "latin1").toString("utf8"), serverName: serverName || undefined }
      this.received.push(request)
      this.behave(socket, request, this.received.length)
    })
  }
}
