// Listening on a socket that systemd opened. By hand: bun test/probes/socket-activation.ts (it starts itself again under systemd-socket-activate)
import { createServer as createTcpServer } from "node:net"
import { connect, createSecureContext, createServer as createTlsServer } from "node:tls"
import { certificateFor, within } from "./certificate"

const ways = ["Bun.listen", "Bun.listen with tls", "net.Server", "tls.Server", "Bun.serve"]
const own = process.argv[2]
if (own === undefined) await parent()
else await child(own)

/** The activated program: takes descriptor 3 in one way and greets. */
async function child(way: string): Promise<void> {
  const greeting = `hello from ${way}`
  const mine = process.env.LISTEN_PID === String(process.pid)
  console.log(`${way}: LISTEN_FDS=${process.env.LISTEN_FDS}, LISTEN_PID is ours: ${mine}`)
  const context = createSecureContext(await certificateFor("a.test")) as any
  const socket = {
    open() {},
    close() {},
    error() {},
    handshake() {},
    serverName: () => context.context,
    data: (peer: any) => peer.write(greeting),
  }
  const tls = way === "Bun.listen with tls" ? { requestCert: false, rejectUnauthorized: false } : undefined
  if (way.startsWith("Bun.listen")) {
    const server = Bun.listen({ fd: 3, tls, socket } as any) as any
    const name = {}
    server.getsockname(name)
    console.log(`${way}: port is ${server.port}, getsockname says ${JSON.stringify(name)}`)
    try {
      Bun.listen({ fd: 77, socket } as any)
    } catch (error) {
      console.log(`${way}: a descriptor that is no socket: ${(error as any).code} ${(error as Error).message}`)
    }
  }
  if (way === "net.Server") createTcpServer((peer) => peer.on("data", () => peer.write(greeting))).listen({ fd: 3 })
  if (way === "tls.Server") {
    const options = { ...(await certificateFor("default.test")), SNICallback: (_: string, done: any) => done(null, context) }
    createTlsServer(options, (peer) => peer.on("data", () => peer.write(greeting))).listen({ fd: 3 })
  }
  if (way === "Bun.serve")
    console.log(`${way}: listens on port ${Bun.serve({ fd: 3, port: 0, fetch: () => new Response(greeting) } as any).port}`)
  setTimeout(() => process.exit(0), 3000)
}

async function parent(): Promise<void> {
  for (const way of ways) {
    const port = await freePort()
    const activate = ["systemd-socket-activate", "-l", `127.0.0.1:${port}`, process.execPath, import.meta.path, way]
    const program = Bun.spawn(activate, { stdout: "inherit", stderr: "ignore" })
    await Bun.sleep(300)
    console.log(`${way}: a visitor of the socket hears: ${await within("visit", visit(port, way.includes("tls")), 2000)}`)
    program.kill()
    await program.exited
  }
}

async function visit(port: number, secure: boolean): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  if (secure) {
    const peer = connect({ port, host: "127.0.0.1", servername: "a.test", rejectUnauthorized: false }, () =>
      peer.write("GET / HTTP/1.1\r\n\r\n"),
    )
    peer.on("data", (chunk) => {
      resolve(`${chunk}, certificate ${peer.getPeerCertificate().subject?.CN}`)
      peer.destroy()
    })
    peer.on("error", reject)
  } else {
    const data = (_: unknown, chunk: Buffer) => resolve(chunk.toString().split("\r\n").at(-1) ?? "")
    const peer = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data, error: (_, error) => reject(error) } })
    peer.write("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
  }
  return promise
}

async function freePort(): Promise<number> {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } })
  const { port } = server
  server.stop(true)
  return port
}
