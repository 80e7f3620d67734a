// What node:quic of this Bun offers an HTTP/3 edge. By hand: bun test/probes/http3-quic.ts
import { createPrivateKey } from "node:crypto"
import { certificateFor, within } from "./certificate"

// The types of this Bun do not have the module yet.
const { connect, listen } = (await import("node:quic" as string)) as any
const identity = async (name: string) => {
  const { cert, key } = await certificateFor(name)
  return { keys: [createPrivateKey(key)], certs: [Buffer.from(cert)] }
}
const bytesOf = (chunk: any): Buffer => Buffer.concat([chunk].flat().map((part: Uint8Array) => Buffer.from(part)))
const say = (what: string, found: unknown) => console.log(`${what}: ${typeof found === "string" ? found : JSON.stringify(found)}`)

async function answer(stream: any, head: Record<string, string>, session: any): Promise<void> {
  const { servername } = await session.opened
  if (head[":protocol"] === "websocket") return echo(stream)
  let received = 0
  for await (const chunk of stream) received += bytesOf(chunk).length
  stream.sendInformationalHeaders({ ":status": "103", link: "</style.css>" })
  stream.sendHeaders({ ":status": head[":authority"] === servername ? "200" : "421", sni: String(servername), received: String(received) })
  // Trailers are asked for (onwanttrailers) where the body went through the writer, not after setBody. A write beyond desiredSize throws.
  await stream.writer.write(Buffer.from("hello"))
  await stream.writer.end()
}

/** Extended CONNECT (RFC 9220): the bytes go back as they came. */
function echo(stream: any): void {
  stream.sendHeaders({ ":status": "200" })
  stream.setBody(
    (async function* () {
      for await (const chunk of stream) yield bytesOf(chunk)
    })(),
  )
}

function onsession(session: any): void {
  session.opened.catch(() => {})
  session.closed.catch(() => {})
  session.onstream = (stream: any) => {
    stream.closed.catch(() => {})
    stream.onheaders = (head: Record<string, string>) => answer(stream, head, session).catch((error) => say("answer failed", String(error)))
    stream.onwanttrailers = () => stream.sendTrailers({ "grpc-status": "0" })
  }
}

const endpoint = await listen(onsession, {
  endpoint: { address: "127.0.0.1:0" },
  alpn: ["h3"],
  sni: { "a.test": await identity("a.test") },
  application: { enableConnectProtocol: true },
})
const { port } = endpoint.address

async function open(servername: string): Promise<any> {
  const session = await connect(
    { address: "127.0.0.1", port, family: "ipv4" },
    { alpn: "h3", servername, verifyPeer: "manual", reuseEndpoint: false, handshakeTimeout: 2000 },
  )
  session.closed.catch(() => {})
  await session.opened
  return session
}

async function request(session: any, head: Record<string, string>, body?: Buffer): Promise<any> {
  const seen: any = {}
  const stream = await session.createBidirectionalStream({
    headers: { ":method": body ? "POST" : "GET", ":path": "/", ":scheme": "https", ...head },
    body,
    onheaders: (fields: any) => (seen.head = fields),
    oninfo: (fields: any) => (seen.info = fields[":status"]),
    ontrailers: (fields: any) => (seen.trailers = fields),
  })
  stream.closed.catch(() => {})
  seen.bytes = 0
  for await (const chunk of stream) seen.bytes += bytesOf(chunk).length
  // Trailers may come a moment after the end of the body.
  await Bun.sleep(1)
  return seen
}

const certificateSeen = async (name: string) => {
  const session = await open(name)
  const subject = session.peerCertificate?.subject
  await session.close()
  return subject ?? "no certificate"
}

say("known name", await within("handshake", certificateSeen("a.test")))
say("unknown name, no '*' given", await within("handshake", certificateSeen("b.test")))
endpoint.setSNIContexts({ "b.test": await identity("b.test") }, { replace: false })
say("the same after setSNIContexts", await within("handshake", certificateSeen("b.test")))
endpoint.setSNIContexts({ "b.test": await identity("b-renewed.test") }, { replace: false })
say("renewed", await within("handshake", certificateSeen("b.test")))
say("the first name still", await within("handshake", certificateSeen("a.test")))

const session = await open("a.test")
say("request with body, 103 and trailers", await within("request", request(session, { ":authority": "a.test" }, Buffer.alloc(100_000, 1))))
say("another authority on the session", await within("request", request(session, { ":authority": "b.test" })))
const started = performance.now()
say("500 requests of a session, 50 at once", await within("requests", many(session), 20_000))
say("requests a second, client and server in this one thread", Math.round(500_000 / (performance.now() - started)))

async function many(on: any): Promise<string> {
  let failed = 0
  for (let round = 0; round < 10; round++) {
    const all = Array.from({ length: 50 }, () => request(on, { ":authority": "a.test" }))
    for (const { status } of await Promise.allSettled(all)) failed += status === "fulfilled" ? 0 : 1
  }
  return `${failed} failed`
}

const count = 300
const one = await identity("many.test")
const [rss, from] = [process.memoryUsage.rss(), performance.now()]
for (let index = 0; index < count; index++) endpoint.setSNIContexts({ [`n${index}.test`]: one }, { replace: false })
say(`${count} names added one by one, ms`, Math.round(performance.now() - from))
say("KiB a name", ((process.memoryUsage.rss() - rss) / 1024 / count).toFixed(1))
say("one of them", await within("handshake", certificateSeen("n123.test")))

endpoint.setSNIContexts({ "b.test": await identity("b.test") }, { replace: true })
say("a session whose name was replaced away", await within("request", request(session, { ":authority": "a.test" })))
say("a new session of that name", await within("handshake", certificateSeen("a.test")))
say("64 KiB of header in one field", await within("request", request(session, { ":authority": "a.test", "x-long": "a".repeat(65_536) })))
say("the session after it", await within("request", request(session, { ":authority": "a.test" })))

const tunnel = await open("b.test")
/** Headers first and a body that goes on: the `body` option takes only what is whole. */
async function streamed(head: Record<string, string>, body: AsyncIterable<Buffer>, onheaders?: (head: unknown) => void): Promise<any> {
  const stream = await tunnel.createBidirectionalStream()
  stream.closed.catch(() => {})
  if (onheaders) stream.onheaders = onheaders
  stream.sendHeaders({ ":path": "/", ":scheme": "https", ":authority": "b.test", ...head }, { terminal: false })
  stream.setBody(body)
  return stream
}

async function* ping(): AsyncGenerator<Buffer> {
  yield Buffer.from("ping")
  await new Promise(() => {})
}
const connected = (head: unknown) => say("extended CONNECT", head)
const socket = await within("CONNECT", streamed({ ":method": "CONNECT", ":protocol": "websocket" }, ping(), connected))
say("and its echo", typeof socket === "string" ? socket : await within("echo", first(socket)))

for (const open of [session, tunnel]) open.destroy()
const last = await open("b.test")
last.ongoaway = () => say("close()", "the client heard GOAWAY")
const closing = performance.now()
endpoint.close()
say("a request on an open session after close()", await within("request", request(last, { ":authority": "b.test" }), 1500))
say(
  "close() is done",
  await within(
    "close",
    endpoint.closed.then(() => `after ${Math.round(performance.now() - closing)} ms`),
    3000,
  ),
)
process.exit(0)

async function first(stream: any): Promise<string> {
  for await (const chunk of stream) return bytesOf(chunk).toString()
  return "nothing"
}
