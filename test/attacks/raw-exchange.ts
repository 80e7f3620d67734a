import { connect } from "node:net"
import { connect as connectTls } from "node:tls"

export type RawAnswer = { status: number; head: string; body: string }

/** Where to: plain, or over TLS with a server name of one's own. */
export type RawPlace = { address: string; port: number; serverName?: string }

const limitMs = 10_000

/** Sends these bytes over a connection of their own and answers with all that came back; status 0 where nothing did, or the handshake was refused. */
export function rawExchange(place: RawPlace, bytes: string | Buffer): Promise<RawAnswer> {
  const { promise, resolve } = Promise.withResolvers<RawAnswer>()
  const { address: host, port, serverName } = place
  const pieces: Buffer[] = []
  const end = () => {
    clearTimeout(timer)
    socket.destroy()
    const text = Buffer.concat(pieces).toString("latin1")
    const at = text.indexOf("\r\n\r\n")
    const head = at < 0 ? text : text.slice(0, at)
    resolve({ status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? 0), head, body: at < 0 ? "" : text.slice(at + 4) })
  }
  const timer = setTimeout(end, limitMs)
  const send = () => socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes)
  const socket =
    serverName === undefined
      ? connect({ host, port }, send)
      : connectTls({ host, port, servername: serverName, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] }, send)
  socket.on("data", (piece: Buffer) => {
    pieces.push(piece)
    if (isWhole(Buffer.concat(pieces).toString("latin1"))) end()
  })
  socket.on("close", end)
  socket.on("error", end)
  return promise
}

/** Whether an answer with a length has come whole, or a connection has become another protocol's. */
function isWhole(text: string): boolean {
  const at = text.indexOf("\r\n\r\n")
  if (at < 0) return false
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, at))?.[1]
  return text.startsWith("HTTP/1.1 101") || (length !== undefined && text.length - at - 4 >= Number(length))
}

/** A request that ends its connection; fields are written as they are given. */
export const rawRequest = (line: string, fields: Record<string, string>, body = "") =>
  `${line} HTTP/1.1\r\n${Object.entries({ Connection: "close", ...fields })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}\r\n${body}`
