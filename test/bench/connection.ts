import type { Socket } from "bun"
import { clientTls } from "./client-tls"
import type { Server } from "./server"

/** What is asked of a connection that is kept: one small request at a time. */
export type Visit = { server: Server; host: string; ca: string; path?: string }

/** One kept HTTP/1.1 connection over TLS whose answers have a Content-Length; cheap enough that the client is not what is measured. */
export class Connection {
  private socket: Socket<Connection> | undefined
  private request: Buffer
  private pending: ((isGood: boolean) => void) | undefined
  private received = ""
  /** The certificate did not verify, or the connection ended; it is of no use any more. */
  isClosed = false

  private constructor(visit: Visit) {
    this.request = Buffer.from(`GET ${visit.path ?? "/"} HTTP/1.1\r\nHost: ${visit.host}\r\n\r\n`)
  }

  /** Resolves after the handshake; rejects when there is none within ten seconds. */
  static async open(visit: Visit): Promise<Connection> {
    const connection = new Connection(visit)
    const ready = Promise.withResolvers<void>()
    const timer = setTimeout(() => ready.reject(new Error(`no handshake with ${visit.server.name} in 10 s`)), 10_000)
    try {
      connection.socket = await Bun.connect<Connection>({
        hostname: visit.server.address,
        port: visit.server.port,
        tls: clientTls(visit.host, visit.ca),
        data: connection,
        socket: {
          handshake: (_socket, _isAuthorized, error) => (error ? ready.reject(error) : ready.resolve()),
          data: (_socket, chunk) => connection.take(chunk),
          close: () => {
            ready.reject(new Error(`${visit.server.name} closed the connection`))
            connection.end()
          },
          error: (_socket, error) => ready.reject(error),
        },
      })
      await ready.promise
      return connection
    } finally {
      clearTimeout(timer)
    }
  }

  /** `done` hears whether the answer was a whole 200; nothing else may be asked before. */
  ask(done: (isGood: boolean) => void): void {
    if (this.isClosed) return done(false)
    this.pending = done
    this.socket?.write(this.request)
  }

  /** `ask` as a promise. */
  get = (): Promise<boolean> => new Promise((resolve) => this.ask(resolve))

  close(): void {
    this.socket?.terminate()
  }

  private take(chunk: Buffer): void {
    const text = this.received + chunk.toString("latin1")
    const head = text.indexOf("\r\n\r\n")
    const length = head < 0 ? undefined : /\r\ncontent-length: *(\d+)/i.exec(text)?.[1]
    if (length === undefined || text.length < head + 4 + Number(length)) {
      this.received = text
      return
    }
    this.received = ""
    const { pending } = this
    this.pending = undefined
    pending?.(text.startsWith("HTTP/1.1 200"))
  }

  private end(): void {
    this.isClosed = true
    const { pending } = this
    this.pending = undefined
    pending?.(false)
  }
}

/** Opens one connection for each visit, some at a time; when one fails the others are closed and it is thrown. */
export async function openAll(visits: Visit[], atOnce = 64): Promise<Connection[]> {
  const queue = [...visits]
  const open: Connection[] = []
  const lane = async () => {
    for (let visit = queue.pop(); visit !== undefined; visit = queue.pop()) open.push(await Connection.open(visit))
  }
  try {
    await Promise.all(Array.from({ length: atOnce }, lane))
    return open
  } catch (error) {
    queue.length = 0
    for (const connection of open) connection.close()
    throw error
  }
}

/** Each connection asks again as soon as it has its answer; requests a second of all, and how many failed. */
export async function runClosedLoop(connections: Connection[], seconds: number): Promise<{ perSecond: number; failed: number }> {
  const began = performance.now()
  const end = began + seconds * 1000
  let [done, failed] = [0, 0]
  const loop = (connection: Connection) =>
    new Promise<void>((resolve) => {
      const next = (isGood: boolean) => {
        if (isGood) done++
        else failed++
        if (performance.now() < end && !connection.isClosed) connection.ask(next)
        else resolve()
      }
      connection.ask(next)
    })
  await Promise.all(connections.map(loop))
  return { perSecond: (done / (performance.now() - began)) * 1000, failed }
}
