import type { Socket } from "bun"
import { clientTls } from "./client-tls"
import type { Server } from "./server"

export type NewConnections = { perSecond: number; failed: number }

const answered = "HTTP/1.1 200"

/**
 * Requests a second of which each has a connection of its own, with a full TLS 1.3 handshake, closed after the answer. Every connection is a
 * new TLS object of Bun without a session to offer, and each is asked for its version and whether it was resumed: one that was not full
 * TLS 1.3 throws. (wrk and h2load keep one TLS object a slot, and with it the session, so from the second connection on they resume.)
 */
export async function runNewConnections(
  server: Server,
  load: { host: string; connections: number; seconds: number; ca: string },
): Promise<NewConnections> {
  const request = Buffer.from(`GET / HTTP/1.1\r\nHost: ${load.host}\r\nConnection: close\r\n\r\n`)
  const ended = Promise.withResolvers<void>()
  const began = performance.now()
  const end = began + load.seconds * 1000
  let [done, failed, live] = [0, 0, load.connections]
  let wrong: string | undefined
  const next = (isGood: boolean) => {
    if (isGood) done++
    else failed++
    // A server that refuses is not asked without end.
    if (performance.now() < end && failed < 1000) connect()
    else if (--live === 0) ended.resolve()
  }
  type Visit = { isAnswered: boolean }
  const handlers = {
    handshake(socket: Socket<Visit>, _isAuthorized: boolean, error: Error | null) {
      if (error !== null || socket.getTLSVersion() !== "TLSv1.3" || socket.isSessionReused()) {
        wrong ??= error?.message ?? `${socket.getTLSVersion()}, ${socket.isSessionReused() ? "resumed" : "not resumed"}`
      }
      socket.write(request)
    },
    data(socket: Socket<Visit>, chunk: Buffer) {
      socket.data.isAnswered ||= chunk.toString("latin1", 0, answered.length) === answered
    },
    close: (socket: Socket<Visit>) => next(socket.data.isAnswered),
    error: () => {},
    connectError: () => next(false),
  }
  const connect = () => {
    const { address: hostname, port } = server
    void Bun.connect({ hostname, port, tls: clientTls(load.host, load.ca), socket: handlers, data: { isAnswered: false } }).catch(() => {})
  }
  for (let index = 0; index < load.connections; index++) connect()
  await ended.promise
  if (wrong !== undefined) throw new Error(`${server.name} made no full TLS 1.3 handshake: ${wrong}`)
  if (done === 0) throw new Error(`${server.name} answered none of ${failed} connections`)
  return { perSecond: (done / (performance.now() - began)) * 1000, failed }
}
