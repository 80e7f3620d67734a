import { createSecureContext } from "node:tls"

declare const self: Worker

self.addEventListener("message", (event: MessageEvent) => {
  if (event.data.fail) setTimeout(() => throwIt(), 0)
  else listen(event.data)
})

function listen({
  id,
  port,
  certificates,
}: {
  id: number
  port: number
  certificates: Record<string, { cert: string; key: string }>
}): void {
  const contexts = new Map(Object.entries(certificates).map(([name, pair]) => [name, createSecureContext(pair) as any]))
  const socket = {
    serverName: (_: unknown, name: string) => contexts.get(name)?.context,
    data: (peer: any) => peer.write(String(id)),
    open() {},
    handshake() {},
    error() {},
    close() {},
  }
  const tls = { requestCert: false, rejectUnauthorized: false }
  const server = Bun.listen({ hostname: "127.0.0.1", port, reusePort: true, tls, socket } as any) as { port: number }
  self.postMessage({ port: server.port }, [])
}

function throwIt(): never {
  throw new Error("a fault of the probe's own making")
}
