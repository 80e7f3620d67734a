import { createServer, type Server, type Socket } from "node:net"
import type { Log } from "../log"
import { ConnectionSet, type Timed } from "./connection-set"
import { errorPage, type Failure, failureOf } from "./error-page"
import { MessageError } from "./field-lines"
import { defaultLimits, type EdgeLimits } from "./limits"
import { parseRequestHead, type RequestHead } from "./request-head"
import type { RouteTable } from "./route-table"

/** What the plain HTTP port is made of: `challenge` answers the key authorization of an HTTP-01 token, `httpsPort` the port to redirect to. */
export type PlainOptions = {
  routes: RouteTable
  challenge: (token: string) => string | undefined
  httpsPort: () => number
  log: Log
  limits?: Partial<EdgeLimits>
}

const CHALLENGE_PATH = "/.well-known/acme-challenge/"

/** Plain HTTP: HTTP-01 challenges (RFC 8555 section 8.3), redirects of mapped hosts to HTTPS, 404 for the rest; one request a connection. */
export class PlainListener {
  private server: Server | undefined
  private limits: EdgeLimits
  private clients: ConnectionSet<PlainConnection>

  constructor(private options: PlainOptions) {
    this.limits = { ...defaultLimits, ...options.limits }
    this.clients = new ConnectionSet(this.limits.connections, this.limits.sweepMs)
  }

  /** Listens; throws when the address is taken. Port 0 takes a free one. */
  async start(at: { host: string; port: number }): Promise<{ port: number }> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      if (this.clients.full) return void socket.destroy()
      this.clients.add(
        new PlainConnection(
          socket,
          this.limits,
          (head) => this.answer(head),
          (gone) => this.clients.delete(gone),
        ),
      )
    })
    this.server = server
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(at.port, at.host, () => {
        server.off("error", reject)
        server.on("error", (error) => this.options.log.error("the plain listener failed", { error }))
        resolve()
      })
    })
    const address = server.address()
    return { port: typeof address === "object" && address ? address.port : at.port }
  }

  /** Ends everything at once. */
  async stop(): Promise<void> {
    const { server } = this
    this.server = undefined
    const closed = server ? new Promise<void>((resolve) => server.close(() => resolve())) : undefined
    for (const client of this.clients) client.destroy()
    await closed
  }

  private answer(head: RequestHead): string {
    const token = head.target.startsWith(CHALLENGE_PATH) ? head.target.slice(CHALLENGE_PATH.length) : ""
    const reading = head.method === "GET" || head.method === "HEAD"
    const proof = reading && /^[A-Za-z0-9_-]{1,256}$/.test(token) ? this.options.challenge(token) : undefined
    if (proof !== undefined) {
      const length = Buffer.byteLength(proof)
      return reply(head, `200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${length}\r\nCache-Control: no-store`, proof)
    }
    if (!this.options.routes.match(head.host)) return refusal("not_mapped", head)
    const port = this.options.httpsPort()
    const path = head.target === "*" ? "/" : head.target
    const location = `https://${head.host}${port === 443 ? "" : `:${port}`}${path}`
    return reply(head, `301 Moved Permanently\r\nLocation: ${location}\r\nContent-Length: 0\r\nCache-Control: no-store`, "")
  }
}

const reply = (head: RequestHead, fields: string, body: string) =>
  `HTTP/1.1 ${fields}\r\nConnection: close\r\n\r\n${head.method === "HEAD" ? "" : body}`

function refusal(failure: Failure, head?: RequestHead): string {
  const accept = head?.fields.find((field) => field.name === "accept")?.value ?? ""
  return errorPage(failure, { requestId: crypto.randomUUID(), accept, method: head?.method ?? "GET", close: true })
}

class PlainConnection implements Timed {
  deadline: number
  private input: Buffer = Buffer.alloc(0)
  private searched = 0
  private answered = false

  constructor(
    private socket: Socket,
    private limits: EdgeLimits,
    private answer: (head: RequestHead) => string,
    onClosed: (connection: PlainConnection) => void,
  ) {
    this.deadline = performance.now() + limits.headMs
    socket.on("data", (chunk: Buffer) => this.onData(chunk))
    socket.on("end", () => socket.end())
    socket.on("error", () => socket.destroy())
    socket.on("close", () => onClosed(this))
  }

  onDeadline(): void {
    if (this.answered || this.input.length === 0) this.socket.destroy()
    else this.finish(refusal("too_slow_request"))
  }

  destroy(): void {
    this.socket.destroy()
  }

  private onData(chunk: Buffer): void {
    if (this.answered) return
    this.input = this.input.length === 0 ? chunk : Buffer.concat([this.input, chunk])
    try {
      const head = parseRequestHead(this.input, this.searched, this.limits)
      this.searched = this.input.length
      if (head) this.finish(this.answer(head))
    } catch (error) {
      if (!(error instanceof MessageError)) throw error
      this.finish(refusal(failureOf(error.status)))
    }
  }

  private finish(response: string): void {
    this.answered = true
    this.input = Buffer.alloc(0)
    this.deadline = performance.now() + this.limits.lingerMs
    this.socket.end(response, "latin1")
  }
}
