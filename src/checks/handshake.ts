import { connect as connectTcp } from "node:net"
import { connect, type TLSSocket } from "node:tls"

/** Where somebody listens; `preface` is what has to be said before TLS begins, as behind a balancer that tells its clients' addresses. */
export type Place = { host: string; port: number; preface?: string }

/** What came of a TLS handshake: the certificate that the other side showed, or why there was none. */
export type Handshake = { certificate: string; subject: string } | { failure: "refused" | "timeout" | "other"; reason: string }

/** A TLS connection to a place, whoever's certificate it shows; `onFault` hears of what goes wrong below it too. `end` closes all of it. */
export function openTls({ host, port, preface }: Place, serverName: string, onFault: (error: NodeJS.ErrnoException) => void) {
  const below = preface === undefined ? undefined : connectTcp({ host, port })
  below?.write(preface ?? "")
  below?.once("error", onFault)
  const socket: TLSSocket = connect({
    ...(below === undefined ? { host, port } : { socket: below }),
    servername: serverName,
    rejectUnauthorized: false,
  })
  socket.once("error", onFault)
  const end = () => {
    socket.destroy()
    below?.destroy()
  }
  return { socket, end }
}

/** One handshake with a server name at an address; whose certificate it is decides the caller, so none is refused here. Never throws. */
export function shakeHands(place: Place, serverName: string, limitMs = 3000): Promise<Handshake> {
  const { promise, resolve } = Promise.withResolvers<Handshake>()
  const { socket, end } = openTls(place, serverName, (error) => resolve(faultOf(error)))
  const timer = setTimeout(() => resolve({ failure: "timeout", reason: "no answer" }), limitMs)
  socket.once("secureConnect", () => {
    const { fingerprint256, subject, subjectaltname } = socket.getPeerCertificate()
    const name = subjectaltname?.split(", ")[0]?.replace(/^DNS:/, "") ?? subject?.CN
    resolve({ certificate: fingerprint256, subject: (Array.isArray(name) ? name[0] : name) ?? "another name" })
  })
  socket.once("close", () => resolve({ failure: "other", reason: "the connection was closed" }))
  return promise.finally(() => {
    clearTimeout(timer)
    end()
  })
}

const faultOf = ({ code, message }: NodeJS.ErrnoException): Handshake => ({
  failure: code === "ECONNREFUSED" ? "refused" : "other",
  reason: code ?? message,
})
