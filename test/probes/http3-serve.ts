// What Bun.serve({ http3: true }) does about certificates by name, and about the rest a proxy needs. By hand: bun test/probes/http3-serve.ts
import { createSecureContext } from "node:tls"
import { certificateFor, within } from "./certificate"

const { connect } = (await import("node:quic" as string)) as any
const [first, second, late] = await Promise.all(["first.test", "second.test", "late.test"].map(certificateFor))
const say = (what: string, found: unknown) => console.log(`${what}: ${typeof found === "string" ? found : JSON.stringify(found)}`)

async function certificateSeen(port: number, servername: string): Promise<string> {
  const session = await connect(
    { address: "127.0.0.1", port, family: "ipv4" },
    { alpn: "h3", servername, verifyPeer: "manual", reuseEndpoint: false, handshakeTimeout: 1500 },
  )
  session.closed.catch(() => {})
  await session.opened
  const subject = session.peerCertificate?.subject
  await session.close()
  return subject ?? "no certificate"
}

async function serve(more: object): Promise<any> {
  const fetch = () => new Response("hello")
  return Bun.serve({ hostname: "127.0.0.1", port: 0, http3: true, http1: false, fetch, ...more } as any)
}

async function names(what: string, server: any): Promise<void> {
  for (const name of ["first.test", "second.test", "late.test", "unknown.test"])
    say(`${what}: a visitor of ${name} gets`, await within("handshake", certificateSeen(server.port, name)))
}

const byList = await serve({
  tls: [
    { ...first, serverName: "first.test" },
    { ...second, serverName: "second.test" },
  ],
})
await names("tls: [{ serverName }, …]", byList)
say(
  "reload with a list that has late.test too",
  await within(
    "reload",
    (async () => {
      byList.reload({
        tls: [
          { ...first, serverName: "first.test" },
          { ...late, serverName: "late.test" },
        ],
        fetch: () => new Response("reloaded"),
      })
      return "no error"
    })(),
  ),
)
await names("after the reload", byList)
byList.stop(true)

let asked = 0
const chosen = () => {
  asked++
  return (createSecureContext(late as { cert: string; key: string }) as any).context
}
const byCallback = await serve({
  tls: { ...first, SNICallback: (_: string, done: (error: null, context: unknown) => void) => done(null, chosen()) },
  serverName: chosen,
})
await names("SNICallback", byCallback)
say("callbacks called", asked)
byCallback.stop(true)

const count = 1000
const [rss, from] = [process.memoryUsage.rss(), performance.now()]
const long = await serve({ tls: Array.from({ length: count }, (_, index) => ({ ...late, serverName: `n${index}.test` })) })
say(`${count} names in the list, ms`, Math.round(performance.now() - from))
say("KiB a name", ((process.memoryUsage.rss() - rss) / 1024 / count).toFixed(1))
long.stop(true)

const seen: Record<string, unknown> = {}
let [pulled, cancelled] = [0, false]
const server = await serve({
  tls: first,
  fetch: async (req: Request, self: any) => {
    const path = new URL(req.url).pathname
    if (path === "/body") {
      seen.address = self.requestIP(req)
      let length = 0
      for await (const chunk of req.body as any) length += chunk.length
      return new Response(String(length))
    }
    if (path === "/upgrade") return new Response(`upgrade: ${self.upgrade(req)}`)
    return new Response(
      new ReadableStream({
        pull(controller) {
          pulled += 1
          controller.enqueue(Buffer.alloc(65_536, 7))
          if (pulled === 1024) controller.close()
        },
        cancel: () => void (cancelled = true),
      }),
    )
  },
  websocket: { message() {} },
})
const get = (path: string, more: object = {}) =>
  fetch(`https://127.0.0.1:${server.port}${path}`, { protocol: "http3", tls: { rejectUnauthorized: false }, ...more } as any)

say(
  "1 MiB of request body",
  await within(
    "body",
    get("/body", { method: "POST", body: Buffer.alloc(1 << 20) }).then((res) => res.text()),
  ),
)
say("address of the visitor", seen.address)
say(
  "server.upgrade (WebSocket)",
  await within(
    "upgrade",
    get("/upgrade").then((res) => res.text()),
  ),
)
const reader = (await get("/stream")).body?.getReader()
await reader?.read()
await Bun.sleep(1000)
say("MiB pulled from a 64 MiB stream whose reader stopped after one chunk", pulled / 16)
await reader?.cancel()
await Bun.sleep(200)
say("the stream is told when the reader goes", cancelled)
process.exit(0)
