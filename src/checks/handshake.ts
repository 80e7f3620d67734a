import { connect } from "node:tls"

/** What came of a TLS handshake: the certificate that the other side showed, or why there was none. */
export type Handshake = { certificate: string; subject: string } | { failure: "refused" | "timeout" | "other"; reason: string }

/** One handshake with a server name at an address; whose certificate it is decides the caller, so none is refused here. Never throws. */
export function shakeHands(host: string, port: number, serverName: string, limitMs = 3000): Promise<Handshake> {
  const { promise, resolve } = Promise.withResolvers<Handshake>()
  const socket = connect({ host, port, servername: serverName, rejectUnauthorized: false })
  const timer = setTimeout(() => resolve({ failure: "timeout", reason: "no answer" }), limitMs)
  socket.once("secureConnect", () => {
    const { fingerprint256, subject, subjectaltname } = socket.getPeerCertificate()
    const name = subjectaltname?.split(", ")[0]?.replace(/^DNS:/, "") ?? subject?.CN
    resolve({ certificate: fingerprint256, subject: (Array.isArray(name) ? name[0] : name) ?? "another name" })
  })
  socket.once("error", (error: NodeJS.ErrnoException) =>
    resolve({ failure: error.code === "ECONNREFUSED" ? "refused" : "other", reason: error.code ?? error.message }),
  )
  socket.once("close", () => resolve({ failure: "other", reason: "the connection was closed" }))
  return promise.finally(() => {
    clearTimeout(timer)
    socket.destroy()
  })
}
