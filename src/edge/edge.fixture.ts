import type { Server as HttpServer } from "node:http"
import { connect as connectTcp, createServer, type Server, type Socket } from "node:net"
import { connect as connectTls, createSecureContext, type SecureContext } from "node:tls"
import * as x509 from "@peculiar/x509"
import { silentLog } from "../log"
import { AccessLog, type AccessLine } from "./access-log"
import type { EdgeLimits } from "./limits"
import { EdgeListener, type EdgeOptions } from "./listener"
import type { WatchedRequest } from "../traffic/requests"
import { RequestTap } from "./request-tap"
import { type Route, RouteTable, type Upstream } from "./route-table"

/** Waits for a condition of a test; throws after five seconds. */
export async function until(condition: () => boolean, what = "the condition", limitMs = 5000): Promise<void> {
  const end = performance.now() + limitMs
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what} did not come about`)
    await Bun.sleep(2)
  }
}

/** A self-signed P-256 certificate for the names of the tests. */
export async function selfSigned(): Promise<{ cert: string; key: string }> {
  const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"])
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=edge test",
    keys,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 86_400_000),
    extensions: [
      new x509.SubjectAlternativeNameExtension(["app.test", "other.test", "new.test"].map((value) => ({ type: "dns" as const, value }))),
    ],
  })
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64")
  return { cert: cert.toString("pem"), key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n` }
}

/** A raw byte peer: what it received, and how its connection ended. */
export class Peer {
  private chunks: Buffer[] = []
  private joined = ""
  ended = false
  closed = false
  fault: Error | undefined

  constructor(readonly socket: Socket) {
    socket.on("data", (chunk: Buffer) => this.chunks.push(chunk))
    socket.on("end", () => (this.ended = true))
    socket.on("close", () => (this.closed = true))
    socket.on("error", (error) => (this.fault = error))
  }

  get text(): string {
    if (this.chunks.length > 0)
      this.joined += this.chunks
        .splice(0)
        .map((chunk) => chunk.toString("latin1"))
        .join("")
    return this.joined
  }

  /** The text received so far is taken away. */
  take(): string {
    const { text } = this
    this.joined = ""
    return text
  }

  send(text: string): this {
    this.socket.write(text, "latin1")
    return this
  }

  has = (part: string) => until(() => this.text.includes(part), `"${part}" in ${JSON.stringify(this.text.slice(-400))}`)
  gone = () => until(() => this.ended || this.closed, `the end of the connection after ${JSON.stringify(this.text.slice(-400))}`)
}

/** A raw TCP server on port 0 (or a Unix socket) whose connections a test answers by hand. */
export class RawUpstream {
  private constructor(
    private server: Server,
    readonly upstream: Upstream,
    readonly peers: Peer[],
  ) {}

  static async start(onPeer: (peer: Peer, index: number) => void = () => {}, unix?: string): Promise<RawUpstream> {
    const peers: Peer[] = []
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const peer = new Peer(socket)
      peers.push(peer)
      onPeer(peer, peers.length - 1)
    })
    await new Promise<void>((resolve) => (unix ? server.listen(unix, resolve) : server.listen(0, "127.0.0.1", resolve)))
    const address = server.address()
    const upstream = unix ? { unix } : { host: "127.0.0.1", port: typeof address === "object" && address ? address.port : 0 }
    return new RawUpstream(server, upstream, peers)
  }

  /** Answers each whole request head (bodies are the test's matter) with the same text. */
  static answering(response: string, unix?: string): Promise<RawUpstream> {
    return RawUpstream.start(
      (peer) =>
        peer.socket.on("data", () => {
          while (peer.text.includes("\r\n\r\n")) {
            const at = peer.text.indexOf("\r\n\r\n") + 4
            const rest = peer.take().slice(at)
            peer.send(response)
            if (rest !== "") throw new Error(`more than one request arrived at once: ${rest}`)
          }
        }),
      unix,
    )
  }

  stop(): void {
    for (const peer of this.peers) peer.socket.destroy()
    this.server.close()
  }
}

/** An edge on port 0 with one routed name, `app.test`, and what a test wants to know of it. */
export class EdgeFixture {
  port = 0
  private constructor(
    readonly edge: EdgeListener,
    readonly log: AccessLog,
    readonly certificate: string,
    readonly routes: RouteTable,
    /** The names that a certificate was asked for. */
    readonly asked: string[],
    private written: string[],
    readonly tap: RequestTap,
    /** What was told of watched names. */
    readonly told: WatchedRequest[],
  ) {}

  static async start(
    target: Upstream | Route["target"],
    limits: Partial<EdgeLimits> = {},
    challenges: Map<string, SecureContext> = new Map(),
    more: Pick<EdgeOptions, "budget" | "traffic"> = {},
  ): Promise<EdgeFixture> {
    const pair = await selfSigned()
    const context = createSecureContext(pair)
    const routes = new RouteTable()
    routes.replace([{ host: "app.test", target: "kind" in target ? target : { kind: "upstream", upstream: target } }])
    const written: string[] = []
    const accessLog = new AccessLog((lines) => void written.push(Buffer.from(lines).toString()), { flushMs: 5 })
    const asked: string[] = []
    const told: WatchedRequest[] = []
    const tap = new RequestTap((batches) => void told.push(...batches.flatMap(({ requests }) => requests)), { batchMs: 1 })
    const edge = new EdgeListener({
      routes,
      tap,
      accessLog,
      log: silentLog,
      ...more,
      limits: { sweepMs: 20, ...limits },
      challengeContext: (name) => challenges.get(name),
      secureContext: async (name) => {
        asked.push(name)
        if (name === "refused.test") throw new Error("refused")
        return context
      },
    })
    const fixture = new EdgeFixture(edge, accessLog, pair.cert, routes, asked, written, tap, told)
    fixture.port = (await edge.start({ host: "127.0.0.1", port: 0 })).port
    return fixture
  }

  /** The access lines so far. */
  get access(): AccessLine[] {
    return this.written
      .join("")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as AccessLine)
  }

  /** A client with a completed handshake. */
  async client(serverName = "app.test", alpn: string[] = ["http/1.1"], localAddress?: string): Promise<Peer> {
    const socket = connectTls({
      host: "127.0.0.1",
      localAddress,
      port: this.port,
      servername: serverName,
      ALPNProtocols: alpn,
      ca: this.certificate,
      allowHalfOpen: true,
    } as Parameters<typeof connectTls>[0])
    const peer = new Peer(socket)
    let ready = false
    socket.once("secureConnect", () => (ready = true))
    await until(() => ready || peer.closed || peer.fault !== undefined, "the handshake")
    if (!ready) throw peer.fault ?? new Error("the handshake was refused")
    return peer
  }

  /** A TCP connection on which nothing is said. */
  silent(): Peer {
    return new Peer(connectTcp(this.port, "127.0.0.1"))
  }

  async stop(): Promise<void> {
    await this.edge.stop()
    await this.log.stop()
  }
}

/** What one test sets up, taken down again by `end` in the opposite order. */
export class Stage {
  private stops: (() => unknown)[] = []

  /** Calls `stop` at the end. */
  after(stop: () => unknown): void {
    this.stops.push(stop)
  }

  async edgeTo(
    target: Upstream | Route["target"],
    limits: Partial<EdgeLimits> = {},
    challenges?: Map<string, SecureContext>,
  ): Promise<EdgeFixture> {
    const fixture = await EdgeFixture.start(target, limits, challenges)
    this.after(() => fixture.stop())
    return fixture
  }

  async raw(onPeer?: (peer: Peer, index: number) => void): Promise<RawUpstream> {
    const upstream = await RawUpstream.start(onPeer)
    this.after(() => upstream.stop())
    return upstream
  }

  async answering(response: string, unix?: string): Promise<RawUpstream> {
    const upstream = await RawUpstream.answering(response, unix)
    this.after(() => upstream.stop())
    return upstream
  }

  async node(server: HttpServer): Promise<Upstream> {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    this.after(() => {
      server.closeAllConnections()
      server.close()
    })
    const address = server.address()
    return { host: "127.0.0.1", port: typeof address === "object" && address ? address.port : 0 }
  }

  async end(): Promise<void> {
    for (const stop of this.stops.splice(0).reverse()) await stop()
  }
}
