// Whether two listeners can share the keys of their session tickets. By hand: bun test/probes/session-tickets.ts
import { connect, createSecureContext } from "node:tls"
import { certificateFor, within } from "./certificate"

const ticketKeys = Buffer.alloc(48, 7)
const certificate = await certificateFor("a.test")
for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
  await tell(version, "no option", {}, {})
  await tell(version, "ticketKeys of Bun.listen", { ticketKeys }, {})
  await tell(version, "ticketKeys of createSecureContext", {}, { ticketKeys })
}
process.exit(0)

async function tell(version: "TLSv1.2" | "TLSv1.3", what: string, ofListener: object, ofContext: object): Promise<void> {
  const [one, other] = [listen(ofListener, ofContext), listen(ofListener, ofContext)]
  const resumed = async (port: number) => {
    const { session } = await visit(one.port, version)
    return (await visit(port, version, session)).isReused
  }
  const answers = await Promise.all([within("visit", resumed(one.port)), within("visit", resumed(other.port))])
  console.log(`${version}, ${what}: resumed at the same listener: ${answers[0]}, at the other: ${answers[1]}`)
  for (const server of [one, other]) server.stop(true)
}

function listen(ofListener: object, ofContext: object): { port: number; stop: (close: boolean) => void } {
  const context = createSecureContext({ ...certificate, ...ofContext }) as any
  const socket = {
    serverName: () => context.context,
    handshake: (peer: any) => peer.write("hello"),
    open() {},
    data() {},
    close() {},
    error() {},
  }
  const tls = { requestCert: false, rejectUnauthorized: false, ...ofListener }
  return Bun.listen({ hostname: "127.0.0.1", port: 0, tls, socket } as any) as any
}

function visit(port: number, maxVersion: "TLSv1.2" | "TLSv1.3", session?: Buffer): Promise<{ session?: Buffer; isReused: boolean }> {
  return new Promise((resolve, reject) => {
    const peer = connect({ port, host: "127.0.0.1", servername: "a.test", rejectUnauthorized: false, session, maxVersion })
    let ticket: Buffer | undefined
    peer.on("session", (given) => (ticket = given))
    peer.on("error", reject)
    // Tickets of TLS 1.3 may come behind the first bytes.
    peer.on("data", () =>
      setTimeout(() => {
        resolve({ session: ticket, isReused: peer.isSessionReused() })
        peer.destroy()
      }, 30),
    )
  })
}
