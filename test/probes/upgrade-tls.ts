// TLS as the server on a plain socket from which a PROXY header was read. By hand: bun test/probes/upgrade-tls.ts
import { connect as connectTcp, createServer, type Socket } from "node:net"
import { connect, createSecureContext, createServer as createTlsServer, TLSSocket } from "node:tls"
import { certificateFor, within } from "./certificate"

const header = Buffer.from("PROXY TCP4 203.0.113.5 192.0.2.1 56324 443\r\n")
const contexts = new Map<string, any>()
for (const name of ["a.test", "b.test"]) contexts.set(name, createSecureContext(await certificateFor(name)))
const shared = createSecureContext(await certificateFor("default.test")) as any

let ciphertextChunks = 0
const secureHandlers = {
  open() {},
  serverName(_: unknown, name: string, handle: any) {
    const chosen = contexts.get(name)
    // Later, as when a certificate is still being looked up; the other way is to return `context` at once.
    setTimeout(() => (chosen ? handle.resumeSNI(chosen.context, false) : handle.resumeSNI(undefined, true)), 10)
    return true
  },
  alpnCallback: () => "http/1.1",
  handshake() {},
  data: (socket: any, chunk: Buffer) => void socket.write(`${chunk} of ${socket.data.source}`),
  drain() {},
  error() {},
  close() {},
  end: (socket: any) => socket.end(),
}

const byUpgrade = Bun.listen<any>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open: (socket) => void (socket.data = { read: Buffer.alloc(0), secure: undefined }),
    data(socket, chunk) {
      const { data } = socket
      if (data.secure) return void ciphertextChunks++
      data.read = Buffer.concat([data.read, chunk])
      const end = data.read.indexOf("\r\n") + 2
      if (end < 2) return
      const rest = data.read.subarray(end)
      const [, secure] = (socket as any).upgradeTLS({
        data: { source: data.read.toString("latin1", 11, 22) },
        isServer: true,
        initialData: rest.length > 0 ? rest : undefined,
        tls: { secureContext: shared.context, requestCert: false, rejectUnauthorized: false },
        socket: secureHandlers,
      })
      data.secure = secure
    },
    drain() {},
    error() {},
    close() {},
  },
})

/** The same with node's classes: the rest is put back into the socket before TLS takes it. */
function nodeServer(wrap: (socket: Socket) => void) {
  const server = createServer((socket) => {
    let read = Buffer.alloc(0)
    const listen = (chunk: Buffer) => {
      read = Buffer.concat([read, chunk])
      const end = read.indexOf("\r\n") + 2
      if (end < 2) return
      socket.off("data", listen)
      socket.pause()
      if (read.length > end) socket.unshift(read.subarray(end))
      wrap(socket)
    }
    socket.on("data", listen)
    socket.on("error", () => {})
  })
  return new Promise<{ port: number; stop: () => void }>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve({ port: (server.address() as { port: number }).port, stop: () => server.close() })),
  )
}
const SNICallback = (name: string, done: (error: Error | null, context?: any) => void) =>
  void setTimeout(() => (contexts.has(name) ? done(null, contexts.get(name)) : done(new Error("unknown name"))), 10)
const answer = (secure: TLSSocket) => {
  secure.on("error", () => {})
  secure.on("data", (chunk) => secure.write(`${chunk} of node`))
}
const byTlsSocket = await nodeServer((socket) => {
  answer(new TLSSocket(socket, { isServer: true, secureContext: shared, SNICallback, ALPNProtocols: ["http/1.1"] } as any))
})
const tlsServer = createTlsServer({ ...(await certificateFor("default.test")), SNICallback, ALPNProtocols: ["http/1.1"] }, answer)
tlsServer.on("tlsClientError", () => {})
const byEmit = await nodeServer((socket) => void tlsServer.emit("connection", socket))

/** A client whose first bytes leave in the given portions: its ClientHello is caught by a listener in between. */
async function visit(port: number, servername: string, portions: (hello: Buffer) => Buffer[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const outer = connectTcp(port, "127.0.0.1")
  const between = createServer((inner) => {
    let sent: Promise<void> | undefined
    const sendHello = async (hello: Buffer) => {
      for (const portion of portions(hello)) {
        outer.write(portion)
        await Bun.sleep(20)
      }
    }
    inner.on("data", (chunk) => {
      sent = sent === undefined ? sendHello(Buffer.from(chunk)) : sent.then(() => void outer.write(chunk))
    })
    outer.pipe(inner)
    inner.on("error", () => {})
  })
  outer.on("error", () => {})
  outer.on("close", () => reject(new Error("closed")))
  await new Promise<void>((listening) => between.listen(0, "127.0.0.1", listening))
  const via = (between.address() as { port: number }).port
  const client = connect({ port: via, host: "127.0.0.1", servername, rejectUnauthorized: false, ALPNProtocols: ["h2", "http/1.1"] })
  client.on("secureConnect", () => client.write("hello"))
  client.on("data", (chunk) => resolve(`${client.getPeerCertificate().subject?.CN}, ${client.alpnProtocol}, "${chunk}"`))
  client.on("error", reject)
  const seen = await within("handshake", promise, 1500)
  for (const end of [client, outer]) end.destroy()
  between.close()
  return seen
}

const arrivals: [string, (hello: Buffer) => Buffer[]][] = [
  ["header, then ClientHello", (hello) => [header, hello]],
  ["both in one chunk", (hello) => [Buffer.concat([header, hello])]],
  ["cut inside the ClientHello", (hello) => [Buffer.concat([header, hello.subarray(0, 60)]), hello.subarray(60)]],
  ["cut inside the header", (hello) => [header.subarray(0, 9), Buffer.concat([header.subarray(9), hello])]],
]
for (const [way, port] of [
  ["upgradeTLS", byUpgrade.port],
  ["new TLSSocket", byTlsSocket.port],
  ['tlsServer.emit("connection")', byEmit.port],
] as const)
  for (const [arrival, portions] of arrivals)
    for (const name of ["a.test", "b.test", "unknown.test"])
      console.log(`${way}; ${arrival}; ${name}: ${await visit(port, name, portions)}`)
console.log(`chunks of ciphertext that the plain handlers were still given: ${ciphertextChunks}`)
byUpgrade.stop(true)
byTlsSocket.stop()
byEmit.stop()
process.exit(0)
