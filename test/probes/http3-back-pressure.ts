// Whether a proxy could hold back who sends too fast: HTTP/3 of node:quic and of Bun.serve. By hand: bun test/probes/http3-back-pressure.ts
import { createPrivateKey } from "node:crypto"
import { certificateFor } from "./certificate"

const { connect, listen } = (await import("node:quic" as string)) as any
const { cert, key } = await certificateFor("a.test")
const small = {
  transportParams: { initialMaxStreamDataBidiRemote: 65_536, initialMaxData: 262_144 },
  maxStreamWindow: 131_072,
  maxWindow: 262_144,
}

for (const [limits, options] of [
  ["default windows", {}],
  ["windows of 128 and 256 KiB", small],
] as const)
  for (const reads of ["never", "one chunk"]) {
    let received: () => bigint = () => 0n
    const onsession = (session: any) => {
      session.opened.catch(() => {})
      session.closed.catch(() => {})
      session.onstream = (stream: any) => {
        stream.closed.catch(() => {})
        received = () => stream.stats.bytesReceived
        stream.onheaders = async () => {
          if (reads === "one chunk") await stream[Symbol.asyncIterator]().next()
        }
      }
    }
    const sni = { "*": { keys: [createPrivateKey(key)], certs: [Buffer.from(cert)] } }
    const endpoint = await listen(onsession, { endpoint: { address: "127.0.0.1:0" }, alpn: ["h3"], sni, ...options })
    const [session] = await upload(endpoint.address.port)
    const taken: string[] = []
    for (let second = 0; second < 3; second++) {
      await Bun.sleep(1000)
      taken.push((Number(received()) / 2 ** 20).toFixed(1))
    }
    console.log(`node:quic, ${limits}, server reads ${reads}: MiB received after 1, 2, 3 s: ${taken.join(", ")}`)
    session.destroy()
    endpoint.destroy()
  }

const never = async () => {
  await Bun.sleep(10_000)
  return new Response()
}
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, tls: { cert, key }, http3: true, http1: false, fetch: never } as any)
const [session, offered] = await upload(server.port ?? 0)
await Bun.sleep(3000)
console.log(`Bun.serve, server reads never: MiB that the client could send in 3 s: ${offered().toFixed(1)}`)
session.destroy()
server.stop(true)

// The other way: a client in another process reads one chunk of 256 MiB and then stands still.
let written = 0
async function* blocks(): AsyncGenerator<Buffer> {
  for (; written < 4096; written++) yield Buffer.alloc(65_536, 7)
}
const identity = { keys: [createPrivateKey(key)], certs: [Buffer.from(cert)] }
const onrequest = (peer: any) => {
  peer.opened.catch(() => {})
  peer.closed.catch(() => {})
  peer.onstream = (stream: any) => {
    stream.closed.catch(() => {})
    stream.onheaders = () => {
      stream.sendHeaders({ ":status": "200" })
      stream.setBody(blocks())
    }
  }
}
const endpoint = await listen(onrequest, { endpoint: { address: "127.0.0.1:0" }, alpn: ["h3"], sni: { "*": identity } })
const options = '{ protocol: "http3", tls: { rejectUnauthorized: false } }'
const reading = `const res = await fetch("https://127.0.0.1:${endpoint.address.port}/", ${options}); await res.body.getReader().read(); Bun.sleepSync(2500)`
const client = Bun.spawn([process.execPath, "-e", reading], { stdout: "ignore", stderr: "inherit" })
await Bun.sleep(2500)
console.log(`node:quic, client that stands still: MiB written: ${(written / 16).toFixed(1)}`)
client.kill()
process.exit(0)

async function upload(port: number): Promise<[session: any, offeredMiB: () => number]> {
  const address = { address: "127.0.0.1", port, family: "ipv4" }
  const opened = await connect(address, { alpn: "h3", servername: "a.test", verifyPeer: "manual", reuseEndpoint: false })
  opened.closed.catch(() => {})
  await opened.opened
  const stream = await opened.createBidirectionalStream()
  stream.closed.catch(() => {})
  stream.sendHeaders({ ":method": "POST", ":path": "/", ":scheme": "https", ":authority": "a.test" }, { terminal: false })
  let count = 0
  stream.setBody(
    (async function* () {
      for (; count < 4096; count++) yield Buffer.alloc(65_536, 7)
    })(),
  )
  return [opened, () => count / 16]
}
