import { AppError } from "../errors"
import type { Log } from "../log"
import type { SocketRoute } from "../peer"
import { isOwnPage } from "./guards"
import { renderError } from "./errors"
import { OpenSocket } from "./open-socket"

/** The most bytes of one message from a client; a longer one closes the socket with 1009. */
const maxMessageBytes = 1024 * 1024
/** What may wait for a client before Bun drops messages; whoever sends stops long before. */
const maxWaitingBytes = 16 * 1024 * 1024
/** A vanished client to which something is under way is left to TCP, and at the latest to this. */
const idleSeconds = 960

export type SocketNeeds = {
  routes: SocketRoute[]
  isAllowedOrigin: (origin: string) => boolean
  /** The header fields of whoever was given this ticket for this path; undefined for one that is unknown, old or used. */
  redeem: (ticket: string, path: string) => Headers | undefined
  /** Hears what became of each request for a socket; the answer waits for it. */
  onDecision?: (decision: SocketDecision) => Promise<void>
  log: Log
  /** How often an open socket's right is looked at again and its client asked for a sign of life. */
  checkEveryMs?: number
  /** How long a client may give none. */
  silenceMs?: number
  maxSockets?: number
  now?: () => number
}

/** `asked` is the request as the guards read it, without the address's token or ticket; `status` is 101 for a socket that opened. */
export type SocketDecision = { request: Request; asked: Request; route: SocketRoute; params: Record<string, string>; status: number }

/** Turns a request into a WebSocket with these data; false where it is none, or its client has gone. */
export type Upgrade = (request: Request, options: { data: OpenSocket; headers?: HeadersInit }) => boolean

/**
 * The WebSockets of the API, beside its other routes: origin → ticket or `?token=` as a header → the route's guard → what the route itself asks →
 * room → upgrade. While one is open its right is asked for again, so that it ends soon after a logout, a revocation or a loss of scopes.
 */
export class Sockets {
  private sockets = new Set<OpenSocket>()
  private timer: Timer | undefined
  private checking: Promise<void> | undefined
  private stopped = false

  constructor(private needs: SocketNeeds) {}

  /** What Bun is to do with the sockets of a listener. */
  readonly handler: Bun.WebSocketHandler<OpenSocket> = {
    maxPayloadLength: maxMessageBytes,
    backpressureLimit: maxWaitingBytes,
    idleTimeout: idleSeconds,
    sendPings: false,
    open: (ws) => ws.data.begin(ws),
    message: (ws, message) => ws.data.take(message),
    drain: (ws) => ws.data.drained(),
    pong: (ws) => ws.data.heard(),
    ping: (ws) => ws.data.heard(),
    close: (ws) => this.leave(ws.data),
    error: (error, ws) => {
      this.needs.log.error("a WebSocket failed", { error, path: ws.data.path })
      ws.close(1011, "internal error")
    },
  }

  /** How many are open. */
  get count(): number {
    return this.sockets.size
  }

  /** The patterns of the paths at which sockets are opened. */
  get paths(): string[] {
    return this.needs.routes.map(({ path }) => path)
  }

  /** Whether the request is for a socket, and so for `answer`. */
  concerns(request: Request): boolean {
    if (request.method !== "GET") return false
    const found = this.find(new URL(request.url).pathname)
    return found !== undefined && (isUpgrade(request) || found.route.isAlsoPlain !== true)
  }

  /** Whether a socket can be opened at this path. */
  hasPath(path: string): boolean {
    return this.find(path) !== undefined
  }

  /** The answer, or undefined when the request has become a socket. */
  async answer(request: Request, upgrade: Upgrade): Promise<Response | undefined> {
    const url = new URL(request.url)
    const found = this.find(url.pathname)
    if (found === undefined) return renderError(new AppError("not_found", "not found"), request, this.needs.log)
    const decision: SocketDecision = { request, asked: request, ...found, status: 101 }
    let res: Response | undefined
    try {
      this.checkOrigin(request)
      decision.asked = this.withCredentials(request, url)
      res = await this.open(decision, url, upgrade)
    } catch (error) {
      res = renderError(error, request, this.needs.log)
    }
    await this.needs.onDecision?.({ ...decision, status: res?.status ?? 101 })
    return res
  }

  private async open({ request, asked, route, params }: SocketDecision, url: URL, upgrade: Upgrade): Promise<Response | undefined> {
    const caller = await route.authorize(asked, params)
    const protocol = chooseProtocol(request, route.protocols)
    const begin = await route.prepare({ caller, params, query: url.searchParams, protocol })
    // Not sooner: by asking in plain a client learns why it was refused.
    if (!isUpgrade(request)) return upgradeRequired()
    const mayStay = async () => void (await route.authorize(asked, params))
    const { now = Date.now } = this.needs
    const socket = new OpenSocket({ route, personId: caller.personId, path: url.pathname, begin, mayStay, now })
    const headers = protocol === undefined ? undefined : { "sec-websocket-protocol": protocol }
    try {
      this.checkRoom(route, caller.personId)
      this.sockets.add(socket)
      if (!upgrade(request, { data: socket, headers })) throw new AppError("invalid", "this is not the handshake of a WebSocket (RFC 6455)")
    } catch (error) {
      this.sockets.delete(socket)
      begin(socket).onClosed()
      throw error
    }
    this.watch()
    return undefined
  }

  /** Closes those of a person who may not be here any more with 1008, without waiting for the next look at their right. */
  endOf(personId: string): void {
    for (const socket of this.sockets) if (socket.personId === personId) socket.close(1008, "unauthorized")
  }

  /** Closes all with 1001, opens no more, and resolves when what they had started has ended. */
  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.timer)
    for (const socket of this.sockets) {
      socket.close(1001, "the server is stopping")
      this.leave(socket)
    }
    await this.checking
    await Promise.all(this.needs.routes.map((route) => route.stop?.()))
  }

  private find(path: string): { route: SocketRoute; params: Record<string, string> } | undefined {
    for (const route of this.needs.routes) {
      const params = matchPath(route.path, path)
      if (params !== undefined) return { route, params }
    }
    return undefined
  }

  /** A browser sends cookies along from any page, and asks nobody first (RFC 6455 section 10.2). */
  private checkOrigin(request: Request): void {
    const origin = request.headers.get("origin")
    if (origin === null) return
    if (!isOwnPage(request, origin) && !this.needs.isAllowedOrigin(origin))
      throw new AppError("forbidden", "forbidden: this origin may not open WebSockets")
  }

  /** The request as the guards read it. A header or cookie hides what stands in the address. */
  private withCredentials(request: Request, url: URL): Request {
    const headers = new Headers()
    for (const name of ["authorization", "cookie", "origin", "x-forwarded-proto", "sec-fetch-site"]) {
      const value = request.headers.get(name)
      if (value !== null) headers.set(name, value)
    }
    const ticket = url.searchParams.get("ticket")
    const token = url.searchParams.get("token")
    const bare = `${url.origin}${url.pathname}`
    if (ticket !== null) {
      const redeemed = this.needs.redeem(ticket, url.pathname)
      if (redeemed === undefined) throw new AppError("unauthorized", "unauthorized")
      return new Request(bare, { headers: redeemed })
    }
    if (token !== null && !headers.has("authorization")) headers.set("authorization", `Bearer ${token}`)
    return new Request(bare, { headers })
  }

  private checkRoom(route: SocketRoute, personId: string): void {
    if (this.stopped) throw new AppError("unavailable", "the server is stopping")
    const { maxSockets = 2_000 } = this.needs
    if (this.sockets.size >= maxSockets) throw new AppError("unavailable", "too many open WebSockets", { retryAfterSeconds: 10 })
    let own = 0
    for (const socket of this.sockets) if (socket.personId === personId && socket.route === route) own++
    if (own < route.maxPerPerson) return
    throw new AppError("rate_limited", `no more than ${route.maxPerPerson} of these WebSockets at a time`, { retryAfterSeconds: 10 })
  }

  private leave(socket: OpenSocket): void {
    this.sockets.delete(socket)
    socket.end()
  }

  private watch(): void {
    if (this.timer !== undefined || this.stopped) return
    this.timer = setTimeout(() => {
      this.checking = this.checkAll().finally(() => {
        this.timer = undefined
        this.checking = undefined
        if (this.sockets.size > 0) this.watch()
      })
    }, this.needs.checkEveryMs ?? 10_000)
  }

  private async checkAll(): Promise<void> {
    for (const socket of this.sockets) {
      if (this.stopped) return
      socket.askForLife(this.needs.silenceMs ?? 60_000)
      try {
        await socket.mayStay()
      } catch (error) {
        if (error instanceof AppError) socket.close(1008, error.message)
        else this.needs.log.error("the right of a WebSocket could not be looked at", { error, path: socket.path })
      }
    }
  }
}

/** The segments that `:name` stands for, decoded; undefined when the path is another one. */
function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const [wanted, given] = [pattern.split("/"), path.split("/")]
  if (wanted.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [i, segment] of wanted.entries()) {
    const text = given[i] ?? ""
    if (!segment.startsWith(":")) {
      if (segment !== text) return undefined
      continue
    }
    try {
      params[segment.slice(1)] = decodeURIComponent(text)
    } catch {
      return undefined
    }
  }
  return params
}

const isUpgrade = (request: Request) => request.headers.get("upgrade")?.toLowerCase() === "websocket"

function upgradeRequired(): Response {
  const headers = { upgrade: "websocket", connection: "Upgrade" }
  return Response.json({ error: "this address speaks WebSocket (RFC 6455)" }, { status: 426, headers })
}

function chooseProtocol(request: Request, known: string[] = []): string | undefined {
  const offered = new Set((request.headers.get("sec-websocket-protocol") ?? "").split(",").map((name) => name.trim()))
  return known.find((name) => offered.has(name))
}
