import type { Peer, PeerUser, SocketRoute } from "../peer"

const maxReasonBytes = 123

export type OpenSocketNeeds = {
  route: SocketRoute
  personId: string
  path: string
  begin: (peer: Peer) => PeerUser
  /** Throws AppError once it may not. */
  mayStay: () => Promise<void>
  now: () => number
}

/** One WebSocket of Bun's, from its upgrade on. */
export class OpenSocket implements Peer {
  private ws: Bun.ServerWebSocket<OpenSocket> | undefined
  private user: PeerUser | undefined
  private lastHeardAt: number
  private isClosing: { code: number; reason: string } | undefined

  constructor(private needs: OpenSocketNeeds) {
    this.lastHeardAt = needs.now()
  }

  get route(): SocketRoute {
    return this.needs.route
  }

  get personId(): string {
    return this.needs.personId
  }

  get path(): string {
    return this.needs.path
  }

  mayStay(): Promise<void> {
    return this.needs.mayStay()
  }

  /** The handshake is over. */
  begin(ws: Bun.ServerWebSocket<OpenSocket>): void {
    this.ws = ws
    this.heard()
    if (this.isClosing !== undefined) return ws.close(this.isClosing.code, this.isClosing.reason)
    this.user = this.needs.begin(this)
  }

  take(message: string | Buffer): void {
    this.heard()
    if (this.isClosing === undefined) this.user?.onMessage(message)
  }

  drained(): void {
    this.heard()
    this.user?.onDrain()
  }

  /** The client gave a sign of life. */
  heard(): void {
    this.lastHeardAt = this.needs.now()
  }

  /** Pings the client, and ends the socket of one that has been silent for too long. One that has not taken what was sent cannot answer. */
  askForLife(silenceMs: number): void {
    const { ws } = this
    if (ws === undefined || ws.getBufferedAmount() > 0) return
    if (this.needs.now() - this.lastHeardAt > silenceMs) ws.terminate()
    else ws.ping()
  }

  send(message: string | Uint8Array): boolean {
    const { ws } = this
    if (ws === undefined || this.isClosing !== undefined) return true
    // -1: taken, but behind; 0: not taken, since the socket has gone or holds too much.
    return ws.send(message) > 0
  }

  pause(): void {
    this.ws?.pause()
  }

  resume(): void {
    this.heard()
    this.ws?.resume()
  }

  close(code: number, reason: string): void {
    if (this.isClosing !== undefined) return
    this.isClosing = { code, reason: cut(reason) }
    // One that is paused would not hear the client's answer.
    this.ws?.resume()
    this.ws?.close(code, this.isClosing.reason)
  }

  /** It is closed. */
  end(): void {
    const { user } = this
    this.user = undefined
    this.isClosing ??= { code: 1006, reason: "" }
    user?.onClosed()
  }
}

/** Control frames are short (RFC 6455 section 5.5); never cut within a character. */
function cut(reason: string): string {
  let text = reason.slice(0, maxReasonBytes)
  while (Buffer.byteLength(text) > maxReasonBytes) text = text.slice(0, -1)
  return text
}
